// This is the default pool: made at first use, one for each loop, closed with it; and one for programs without a
// loop.

import {
  type EventLoop,
  type Executor,
  type Future,
  runningLoopOrNull,
  setDefaultExecutorFactory,
} from "../src/core.ts";
import { addOwnExports } from "./bundle/addedexports.ts";
import { carryingVariables } from "./executor/jobcontext.ts";
import type { Sendable } from "./executor/sendable.ts";
import { poolParts } from "./latepools.ts";
import { uplink } from "./wire/uplink.ts";
import { WorkerPool } from "./workerpool.ts";

let shared: WorkerPool | null = null;

/** `runInExecutor` of `eagerexecutor`. */
export function runInExecutor<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: Sendable<A>
): Future<Awaited<R>> {
  const loop = runningLoopOrNull() as EventLoop | null;
  if (loop !== null) return loop.runInExecutor(null, fn, ...(args as A));
  shared ??= new WorkerPool({ name: "shared" });
  return shared.submit(fn, ...args);
}

/** `toThread` of `eagerexecutor`. */
export function toThread<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: Sendable<A>
): Future<Awaited<R>> {
  return carryingVariables(() => runInExecutor(fn, ...args));
}

/** What a loop runs functions on that are given to none. */
export function makeDefaultExecutor(): Executor {
  if (uplink() === null) return new WorkerPool({ name: "default" });
  const { NestedExecutor } = poolParts();
  return new NestedExecutor();
}

export function installDefaultExecutor(): void {
  setDefaultExecutorFactory(makeDefaultExecutor);
  addOwnExports({ WorkerPool, runInExecutor, toThread });
}
