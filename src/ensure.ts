/** Turning what can be awaited into a future of the loop: tasks of coroutines, futures of promises. */
import { isCoroutine, type Startable } from "./coroutine.ts";
import { got } from "./errors.ts";
import { type AbstractEventLoop, runningLoop } from "./events.ts";
import { Future } from "./future.ts";
import type { CreateTaskOptions } from "./loop.ts";
import { noLoop } from "./noloop.ts";
import { OutsideFuture } from "./outside.ts";
import { getEventLoop, getRunningLoop } from "./running.ts";
import type { Task } from "./task.ts";

/** What is taken where asyncio takes an awaitable: a future or task, a coroutine, or a promise. */
export type Awaitable<T> = Future<T> | Startable<T> | PromiseLike<T>;

/** What awaiting it gives. */
export type ResultOf<A> =
  A extends PromiseLike<infer T> ? Awaited<T> : A extends () => infer R ? Awaited<R> : never;

/**
 * Starts a coroutine as a task of the running loop.
 *
 * Its first step runs in the next iteration. The loop keeps it until it is done, so a task nobody refers to is not
 * lost. Throws TypeError when given a promise, as an async function that was called has started already: pass the
 * function. Throws RuntimeError when no loop runs.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "threadloop";
 *
 * const sayAfter = async (delay: number, what: string) => {
 *   await sleep(delay);
 *   console.log(what);
 * };
 *
 * await run(async () => {
 *   const task = createTask(() => sayAfter(10, "world"), { name: "greeter" });
 *   console.log("hello");
 *   await task;
 * });
 * ```
 */
export function createTask<T>(startable: Startable<T>, options?: CreateTaskOptions): Task<T> {
  return getRunningLoop().createTask(startable, options);
}

/**
 * Returns a future for anything that can be awaited: a future itself, a task for a coroutine or an async function,
 * `wrapPromise` of a promise. Throws TypeError on anything else and RangeError on a future of another loop.
 */
export function ensureFuture<T>(awaitable: Awaitable<T>, loop = getEventLoop()): Future<T> {
  if (awaitable instanceof Future) {
    if (awaitable._loop === noLoop) awaitable._loop = loop;
    if (awaitable._loop !== loop)
      throw new RangeError(`Expected a future of this loop, got <${awaitable._describe()}> of another one`);
    return awaitable;
  }
  if (typeof awaitable === "function" || isCoroutine(awaitable))
    return loop.createTask(awaitable as Startable<T>);
  if (typeof (awaitable as PromiseLike<T> | null)?.then === "function")
    return follow(awaitable as PromiseLike<T>, loop);
  throw notAwaitable(awaitable);
}

/** Throws TypeError when a value is nothing that `ensureFuture` takes. */
export function checkAwaitable(value: unknown): void {
  if (typeof value !== "function" && typeof (value as PromiseLike<unknown> | null)?.then !== "function")
    throw notAwaitable(value);
}

function notAwaitable(value: unknown): TypeError {
  return new TypeError(
    `Expected an awaitable (a future, an async function, a coroutine or a promise), got ${got(value)}`,
  );
}

/** Tells whether a value is a Future (or a Task, which is one). */
export function isFuture(value: unknown): value is Future {
  return value instanceof Future;
}

/**
 * Makes the wait for a promise interruptible: a cancelled task leaves at once, while a bare `await promise` is left
 * only when the promise settles. What the promise then gives is dropped; to stop the work behind it as well, give it
 * `currentTask().signal`.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { run, timeout, wrapPromise } from "threadloop";
 *
 * await run(async () => {
 *   const text = await timeout(1000, () => wrapPromise(readFile("package.json", "utf8")));
 *   console.log(text.length > 0);
 * });
 * ```
 */
export function wrapPromise<T>(promise: PromiseLike<T>): Future<T> {
  if (typeof (promise as PromiseLike<T> | null)?.then !== "function")
    throw new TypeError(`Expected \`promise\` to be a promise, got ${got(promise)}`);
  return follow(promise, runningLoop());
}

function follow<T>(promise: PromiseLike<T>, loop: AbstractEventLoop): Future<T> {
  const future = new OutsideFuture<T>(loop);
  promise.then(
    (value) => {
      if (!future.done()) future.setResult(value);
    },
    (error) => {
      if (!future.done()) future.setException(error);
    },
  );
  return future;
}
