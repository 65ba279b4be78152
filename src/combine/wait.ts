/** These wait for some of several futures: `wait`, `asCompleted`, and the racers `race` and `any`. */

import { got } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";

import { TimeoutError } from "../errors/waiterrors.ts";
import { runningEventLoop } from "../loop/currentloop.ts";

import { milliseconds } from "../scheduling/clock.ts";
import { type Runnable, runningLoopOrNull } from "../scheduling/events.ts";
import type { Handle } from "../scheduling/handle.ts";
import { Queue } from "../sync/queues.ts";
import { cancelAll } from "../task/cancelchain.ts";
import { Future, Waiting } from "../task/future.ts";
import {
  type Awaitable,
  checkIterable,
  discardAllOnError,
  ensureFutures,
  homeOf,
  loopFor,
  type ResultOf,
} from "./ensure.ts";

/** When `wait` returns. */
export type ReturnWhen = "ALL_COMPLETED" | "FIRST_COMPLETED" | "FIRST_EXCEPTION";
const RETURN_WHEN: readonly unknown[] = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"];

/** How long `wait` waits, and for what. */
export interface WaitOptions {
  /** Milliseconds after which it returns what is done; default null, no limit. Never throws TimeoutError. */
  timeout?: number | null;
  /** Default `"ALL_COMPLETED"`; a cancelled future is no exception for `"FIRST_EXCEPTION"`. */
  returnWhen?: ReturnWhen;
}

const WAIT_OPTIONS = optionNames<WaitOptions>({ timeout: true, returnWhen: true });
const AS_COMPLETED_OPTIONS = optionNames<AsCompletedOptions>({ timeout: true });

/**
 * Waits until futures are done and tells which are; it throws none of their errors and cancels none of them.
 *
 * Cancelling it leaves the futures alone. Takes futures and tasks only, in any iterable. Throws RangeError when there
 * are none or `returnWhen` is unknown, TypeError on a coroutine or promise.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep, wait } from "threadloop";
 *
 * await run(async () => {
 *   const tasks = [createTask(() => sleep(5, "fast")), createTask(() => sleep(5000, "slow"))];
 *   const { done, pending } = await wait(tasks, { returnWhen: "FIRST_COMPLETED" });
 *   console.log([...done].map((task) => task.result()), pending.size); // [ 'fast' ] 1
 *   for (const task of pending) task.cancel();
 * });
 * ```
 */
export async function wait<F extends Future>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<{ done: Set<F>; pending: Set<F> }> {
  checkOptionNames("wait", options, WAIT_OPTIONS);
  const { timeout = null, returnWhen = "ALL_COMPLETED" } = options;
  checkIterable(futures, "futures");
  const all = new Set(futures);
  if (all.size === 0) throw new RangeError("Expected at least one future to wait for, got none");
  if (!RETURN_WHEN.includes(returnWhen))
    throw new RangeError(
      `Expected \`returnWhen\` to be one of ${RETURN_WHEN.join(", ")}, got ${got(returnWhen)}`,
    );
  for (const future of all) {
    if (!(future instanceof Future)) {
      throw new TypeError(
        `Expected futures or tasks, got ${got(future)}: make a task of it with createTask() or ensureFuture()`,
      );
    }
  }
  await waitUntil(all, timeout, returnWhen);
  const done = new Set<F>();
  const pending = new Set<F>();
  for (const future of all) (future.done() ? done : pending).add(future);
  return { done, pending };
}

async function waitUntil(
  futures: Set<Future>,
  timeout: number | null,
  returnWhen: ReturnWhen,
): Promise<void> {
  const loop = runningEventLoop();
  const waiter = new Waiting(`wait of ${futures.size}`, loop);
  const release = () => {
    if (!waiter.done()) waiter.setResult();
  };
  const timer = timeout === null ? null : loop.callLater(timeout, release);
  let left = futures.size;
  const listen = (future: Future) => {
    left--;
    if (left > 0 && returnWhen !== "FIRST_COMPLETED" && !(returnWhen === "FIRST_EXCEPTION" && failed(future)))
      return;
    timer?.cancel();
    release();
  };
  const all = [...futures];
  const listening = all.map((future) => future._listen(listen, waiter as Future, false));
  try {
    await waiter;
  } finally {
    timer?.cancel();
    for (const [i, future] of all.entries()) future._removeCallback(listening[i] as Runnable);
  }
}

/** Whether it failed; its error is looked at. */
function failed(future: Future): boolean {
  if (future._failed) future._takeError();
  return future._failed;
}

/** How long `asCompleted` waits. */
export interface AsCompletedOptions {
  /** Milliseconds from the call after which each item that is left is a TimeoutError; default null, no limit. */
  timeout?: number | null;
}

/**
 * Gives futures in the order in which they are done:
 * `for await (const { future } of asCompleted(tasks)) future.result()`.
 *
 * It gives the futures themselves, so each can be told from the others; in a box, as for TypeScript `for await` gives
 * what a future resolves to. Coroutines and async functions become tasks at once; a function given twice runs twice.
 * Leaving the loop early leaves the others running; iterating again goes on where it was, also after a step that was
 * cancelled or timed out. Throws TypeError, and starts nothing, when one of them cannot be awaited; RuntimeError when
 * there is no loop for a task.
 *
 * @example
 * ```ts
 * import { asCompleted, createTask, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const tasks = [createTask(() => sleep(500, "slow")), createTask(() => sleep(5, "fast"))];
 *   for await (const { future } of asCompleted(tasks)) console.log(future.result()); // fast, slow
 * });
 * ```
 */
export function asCompleted<A extends Awaitable<unknown>>(
  awaitables: Iterable<A>,
  options: AsCompletedOptions = {},
): AsyncIterableIterator<{ future: FutureOf<A> }> {
  checkOptionNames("asCompleted", options, AS_COMPLETED_OPTIONS);
  return new Completions(awaitables, options.timeout ?? null) as AsyncIterableIterator<{
    future: FutureOf<A>;
  }>;
}

/** Each once, but for functions, which are called as often as they are given. */
function distinctOf(awaitables: readonly Awaitable<unknown>[]): Awaitable<unknown>[] {
  const seen = new Set<unknown>();
  return awaitables.filter((awaitable) => {
    if (typeof awaitable === "function") return true;
    return !seen.has(awaitable) && seen.add(awaitable);
  });
}

/** The future that `ensureFuture` makes of an awaitable. */
export type FutureOf<A> = A extends Future ? A : Future<ResultOf<A>>;

/** Written by hand: an async generator would await the futures that it yields. */
class Completions implements AsyncIterableIterator<{ future: Future }> {
  readonly #done = new Queue<{ future: Future } | null>();
  readonly #todo: Set<Future>;
  /** How many items it has still to give. */
  #left: number;
  /** How many steps wait for one. */
  #waiting = 0;
  #timer: Handle | null = null;
  readonly #listening = new Map<Future, Runnable>();

  constructor(awaitables: Iterable<Awaitable<unknown>>, timeout: number | null) {
    checkIterable(awaitables, "awaitables");
    const distinct = distinctOf([...awaitables]);
    const limit =
      timeout === null ? null : discardAllOnError(distinct, () => milliseconds(timeout, "timeout"));
    const loop = limit === null ? homeOf(distinct) : loopFor(distinct);
    this.#todo = new Set(ensureFutures(distinct, loop));
    this.#left = this.#todo.size;
    for (const future of this.#todo)
      this.#listening.set(
        future,
        future._listen((done) => this.#completed(done), null, false),
      );
    if (this.#left > 0 && limit !== null) this.#timer = loop.callLater(limit, () => this.#expire());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<{ future: Future }>> {
    if (this.#left === this.#waiting) return { done: true, value: undefined };
    const box = await this.#take();
    if (box === null) throw new TimeoutError("asCompleted: the time is over and not all are done");
    return { done: false, value: box };
  }

  /** A step that is cancelled takes nothing: what it waited for is given to the next one. */
  async #take(): Promise<{ future: Future } | null> {
    this.#waiting++;
    try {
      const box = await this.#done.get();
      this.#left--;
      return box;
    } finally {
      this.#waiting--;
    }
  }

  #completed(future: Future): void {
    this.#listening.delete(future);
    if (!this.#todo.delete(future)) return;
    this.#done.putNowait({ future });
    if (this.#todo.size === 0) this.#timer?.cancel();
  }

  #expire(): void {
    for (const future of this.#todo) {
      future._removeCallback(this.#listening.get(future) as Runnable);
      this.#done.putNowait(null);
    }
    this.#todo.clear();
  }
}

/**
 * Waits for the first of several awaitables to end and gives its result or throws its error; the others are
 * cancelled and awaited. `Promise.race` would leave them what the task waits on.
 *
 * @example
 * ```ts
 * import { race, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   console.log(await race([() => sleep(5, "fast"), () => sleep(5000, "slow")])); // fast
 * });
 * ```
 */
export async function race<A extends Awaitable<unknown>>(awaitables: Iterable<A>): Promise<ResultOf<A>> {
  const futures = contenders(awaitables);
  try {
    const { done } = await wait(futures, { returnWhen: "FIRST_COMPLETED" });
    return [...done][0]!.result() as ResultOf<A>;
  } finally {
    await cancelAndAwait(futures);
  }
}

/**
 * Waits for the first of several awaitables to succeed and gives its result; the others are cancelled and awaited, also
 * when the wait itself is cancelled. Throws AggregateError with all errors, in the order of the arguments, when none
 * succeeds.
 *
 * @example
 * ```ts
 * import { any, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const broken = async () => {
 *     throw new Error("broken");
 *   };
 *   console.log(await any([broken, () => sleep(5, "mirror")])); // mirror
 * });
 * ```
 */
export async function any<A extends Awaitable<unknown>>(awaitables: Iterable<A>): Promise<ResultOf<A>> {
  const futures = contenders(awaitables);
  let pending = new Set(futures);
  try {
    while (pending.size > 0) {
      const result = await wait(pending, { returnWhen: "FIRST_COMPLETED" });
      for (const future of result.done)
        if (!future.cancelled() && !failed(future)) return future.result() as ResultOf<A>;
      pending = result.pending;
    }
    throw new AggregateError(
      futures.map((future) => errorOf(future)),
      "All awaitables failed",
    );
  } finally {
    await cancelAndAwait(futures);
  }
}

/** Without a running loop none of them starts. */
function contenders(awaitables: Iterable<Awaitable<unknown>>): Future[] {
  checkIterable(awaitables, "awaitables");
  const all = [...awaitables];
  return ensureFutures(all, loopFor(all, runningLoopOrNull));
}

function errorOf(future: Future): unknown {
  return future.cancelled() ? future._takeCancelledError() : future.exception();
}

async function cancelAndAwait(futures: readonly Future[]): Promise<void> {
  const pending = futures.filter((future) => !future.done());
  cancelAll(futures, undefined, undefined);
  if (pending.length > 0) await wait(pending);
}
