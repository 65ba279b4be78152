/** `ensureFuture` turns what can be awaited into a future of the loop: tasks of coroutines, futures of promises. */

import { got } from "../errors/errors.ts";
import type { CreateTaskOptions, EventLoop } from "../loop/loop.ts";
import {
  type AbstractEventLoop,
  currentLoopOrNull,
  runningLoop,
  runningLoopOrNull,
} from "../scheduling/events.ts";
import { noLoop } from "../scheduling/noloop.ts";
import { settleWith } from "../scheduling/thenable.ts";
import type { NoPromise, Startable } from "../task/coroutine.ts";
import { adopt, FAILED, Future } from "../task/future.ts";
import { PromisedFuture } from "../task/outside.ts";
import { discard, discardOnError, LazyCall } from "../task/startable.ts";
import type { Task } from "../task/task.ts";

/** What is taken where asyncio takes an awaitable: a future or task, a coroutine, or a promise. */
export type Awaitable<T> = Future<T> | Startable<T> | PromiseLike<T>;

/** What awaiting it gives. */
export type ResultOf<A> =
  A extends PromiseLike<infer T> ? Awaited<T> : A extends () => infer R ? Awaited<R> : never;

/** Throws TypeError, which names the argument, when a value cannot be iterated over. */
export function checkIterable(value: unknown, name: string): void {
  if (typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function")
    return;
  throw new TypeError(`Expected \`${name}\` to be an array or another iterable, got ${got(value)}`);
}

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
export function createTask<T>(startable: Startable<T> | NoPromise, options?: CreateTaskOptions): Task<T> {
  const loop = (runningLoopOrNull() ?? discardOnError(startable, runningLoop)) as EventLoop;
  return loop.createTask(startable as Startable<T>, options);
}

/**
 * Returns a future for anything that can be awaited: a future itself, a task for a coroutine or an async function,
 * `wrapPromise` of a promise. `loop` is where a task is made; default the running loop, else the one that
 * `getEventLoop` made or `setEventLoop` set.
 *
 * Throws TypeError on anything else, RuntimeError when there is no loop for a task, and RangeError on a future of
 * another loop than the one given.
 *
 * @example
 * ```ts
 * import { ensureFuture, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = ensureFuture(() => sleep(5, "done"));
 *   console.log(ensureFuture(task) === task, await task); // true done
 * });
 * ```
 */
export function ensureFuture<T>(awaitable: Awaitable<T>, loop?: EventLoop): Future<T> {
  if (awaitable instanceof Future) {
    const home = loop ?? runningLoopOrNull();
    if (home !== null && !adopt(awaitable, home) && loop !== undefined) throw otherLoops(awaitable as Future);
    return awaitable;
  }
  checkAwaitable(awaitable);
  const home = loop ?? loopFor([awaitable]);
  if (typeof awaitable === "function" || awaitable instanceof LazyCall)
    return home.createTask(awaitable as Startable<T>);
  return follow(awaitable as PromiseLike<T>, home);
}

/**
 * The loop for what is to become futures: the running one, else the one that stands in. Without one it throws
 * RuntimeError, and none of them has been started.
 */
export function loopFor(awaitables: readonly unknown[], find = currentLoopOrNull): EventLoop {
  return (find() ?? discardAllOnError(awaitables, runningLoop)) as EventLoop;
}

/** The loop in which several things are awaited together. Futures that belong to no loop need none. */
export function homeOf(awaitables: readonly Awaitable<unknown>[]): EventLoop {
  const running = runningLoopOrNull();
  if (running !== null) return running as EventLoop;
  const futures = awaitables.filter((awaitable) => awaitable instanceof Future);
  const owned = futures.find((future) => future._loop !== noLoop);
  if (owned !== undefined) return owned._loop as EventLoop;
  return (futures.length === awaitables.length ? noLoop : loopFor(awaitables)) as EventLoop;
}

/** Makes futures of several awaitables; if one of them is refused, none of them is started. */
export function ensureFutures(awaitables: readonly Awaitable<unknown>[], loop: EventLoop): Future[] {
  checkAwaitables(awaitables, loop);
  return awaitables.map((awaitable) => ensureFuture(awaitable, loop));
}

/** Throws TypeError or RangeError when one of several values is nothing of which a loop can make a future. */
export function checkAwaitables(awaitables: readonly unknown[], loop: AbstractEventLoop): void {
  discardAllOnError(awaitables, () => {
    for (const awaitable of awaitables) {
      if (!(awaitable instanceof Future)) checkAwaitable(awaitable);
      else if (awaitable._loop !== loop && awaitable._loop !== noLoop) throw otherLoops(awaitable);
    }
  });
}

/** Calls what is to make futures of several awaitables; gives them up when that throws. */
export function discardAllOnError<T>(awaitables: readonly unknown[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    for (const awaitable of awaitables) discard(awaitable);
    throw error;
  }
}

function otherLoops(future: Future): RangeError {
  return new RangeError(`Expected a future of this loop, got <${future._describe()}> of another one`);
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

/**
 * Tells whether a value is a Future (or a Task or a job, which are futures).
 *
 * @example
 * ```ts
 * import { Future, isFuture, run } from "threadloop";
 *
 * await run(async () => {
 *   console.log(isFuture(new Future()), isFuture(Promise.resolve())); // true false
 * });
 * ```
 */
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
  const future = new PromisedFuture<T>(loop);
  settleWith(
    promise,
    (value) => {
      if (!future.done()) future.setResult(value as T);
    },
    (error) => {
      if (!future.done()) future._settle(FAILED, error);
    },
  );
  return future;
}
