/** This is what runs the functions that a program gives to `runInExecutor` without saying where. */

import { got, RuntimeError } from "../errors/errors.ts";
import { emitWarning } from "../errors/warning.ts";
import { clearTimeout, LONGEST_WAIT, setTimeout } from "../platform/node/timers.ts";
import type { Future } from "../task/future.ts";

/** Anything that takes a function and its arguments and returns a Future; a WorkerPool is one. */
export interface Executor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  /** Finishes what was submitted and lets go of the threads. */
  close?(): Promise<unknown>;
}

/** What makes the default executor of a loop at first use: the runtime itself knows no thread. */
let executorFactory: (() => Executor) | null = null;

/** @internal Says what makes the default executor of a loop: the main entry of the package registers the worker pool. */
export function setDefaultExecutorFactory(make: () => Executor): void {
  executorFactory = make;
}

/** The executor that `runInExecutor(null, ...)` uses: made at first use, and once shut down never again. */
export class DefaultExecutor {
  #executor: Executor | null = null;
  #closed: boolean;

  constructor(isClosed: boolean) {
    this.#closed = isClosed;
  }

  get(): Executor {
    if (this.#closed)
      throw new RuntimeError("The default executor has been shut down: pass an executor of your own");
    this.#executor ??= makeDefaultExecutor();
    return this.#executor;
  }

  set(executor: Executor): void {
    if (typeof executor?.submit !== "function") {
      throw new TypeError(
        `Expected \`executor\` to have a submit() method, as a WorkerPool has, got ${got(executor)}`,
      );
    }
    this.#executor = executor;
  }

  /** Closes it and waits until its jobs are done, at most so many milliseconds; null is no limit. */
  async shutdown(timeout: number | null): Promise<void> {
    const closed = this.close();
    if (closed === undefined || timeout === null || timeout > LONGEST_WAIT) {
      await closed;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, timeout, true);
    });
    const late = await Promise.race([closed.then(() => false), expired]);
    clearTimeout(timer);
    if (late)
      emitWarning(
        "THREADLOOP_EXECUTOR_LATE",
        `The default executor did not finish its jobs within ${timeout} ms`,
      );
  }

  /** Closes it without waiting; returns the promise of its end, if it was ever used. */
  close(): Promise<unknown> | undefined {
    this.#closed = true;
    const executor = this.#executor;
    this.#executor = null;
    return executor?.close?.();
  }
}

function makeDefaultExecutor(): Executor {
  if (executorFactory !== null) return executorFactory();
  throw new RuntimeError(
    'No default executor: import runInExecutor of "threadloop", or give the loop one with setDefaultExecutor()',
  );
}
