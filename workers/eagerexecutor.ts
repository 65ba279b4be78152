// This is the default executor of a program whose pools are loaded with it. Bundlers leave them out where nobody uses one
// of these functions.
import type { Future } from "../src/core.ts";
import * as executor from "./defaultexecutor.ts";
import type { Sendable } from "./executor/sendable.ts";
import { installPools } from "./poolparts.ts";

installPools();

/**
 * Runs a function in a worker thread and returns its Future; the calling loop keeps turning meanwhile.
 *
 * The function may be an export of any module, one declared with `task()`, or a closure, which travels with what it
 * captures. It runs on the loop's default pool, which is made at first use with one thread per core at most, and
 * closed when `run` ends; outside a loop, on a pool shared by the process. Called in a job, it runs on that pool too:
 * there is one for the process, however deep the calls are nested, and a job leaves its place in its thread to others
 * while it waits for one. Arguments and result are copied. Throws RuntimeError when the default pool was shut down.
 *
 * *Cancellation*: cancelling the task that awaits it, or the Future itself, stops the function: before it starts at
 * once; a coroutine at its await; synchronous code at `checkCancelled()`, or with its thread after a second.
 *
 * @example
 * ```ts
 * import { gzipSync } from "node:zlib";
 * import { run, runInExecutor } from "threadloop";
 *
 * await run(async () => {
 *   const packed = await runInExecutor(gzipSync, "x".repeat(1_000_000));
 *   console.log(packed.length < 10_000); // true
 * });
 * ```
 */
export function runInExecutor<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: Sendable<A>
): Future<Awaited<R>> {
  return executor.runInExecutor(fn, ...args);
}

/**
 * Runs a function in a worker thread as `runInExecutor` does, with the values that context variables have here.
 *
 * In the thread, a `ContextVar` of the same name, made in the same file, has the value; what the function sets stays
 * there. Values are copied; one that cannot be copied throws RuntimeError where the function reads it, and so do two
 * variables of one name and file. Throws and is cancelled as `runInExecutor`.
 *
 * @example
 * ```ts
 * import { ContextVar, run, toThread } from "threadloop";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 * await run(async () => {
 *   user.set("ada");
 *   console.log(await toThread(() => `hello ${user.get()}`)); // hello ada
 * });
 * ```
 */
export function toThread<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: Sendable<A>
): Future<Awaited<R>> {
  return executor.toThread(fn, ...args);
}
