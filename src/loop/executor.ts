/**
 * What runs a function elsewhere. The runtime knows no thread: whoever has some registers a factory here, and the
 * default executor of a loop is made by it at first use (the package's main entry registers the worker pool).
 */
import { RuntimeError } from "../errors/errors.ts";
import type { Future } from "../task/future.ts";

/** Anything that takes a function and its arguments and returns a Future; a WorkerPool is one. */
export interface Executor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  /** Finishes what was submitted and lets go of the threads. */
  close?(): Promise<unknown>;
}

let factory: (() => Executor) | null = null;

/** @internal Says what makes the default executor of a loop. */
export function setDefaultExecutorFactory(make: () => Executor): void {
  factory = make;
}

/** @internal */
export function makeDefaultExecutor(): Executor {
  if (factory !== null) return factory();
  throw new RuntimeError(
    'No default executor: import from "threadloop", or give the loop one with setDefaultExecutor()',
  );
}
