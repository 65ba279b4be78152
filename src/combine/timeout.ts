/**
 * These are deadlines for a block of code, as `asyncio.timeout`. They take a callback, since a JavaScript disposer
 * neither sees nor replaces the error of its block.
 *
 * States: created, active, expiring (the deadline has cancelled the task), then expired or finished.
 */

import { CancelledError, got, isInstance, RuntimeError } from "../errors/errors.ts";
import { TimeoutError } from "../errors/waiterrors.ts";
import { runningEventLoop } from "../loop/currentloop.ts";

import { inspect } from "../platform/node/inspect.ts";
import { milliseconds } from "../scheduling/clock.ts";
import type { Handle } from "../scheduling/handle.ts";
import type { Future } from "../task/future.ts";
import { Waiting } from "../task/future.ts";
import { type CancelScope, newScope } from "../task/scope.ts";
import { checkBody } from "../task/startable.ts";
import { Task } from "../task/task.ts";
import { type Awaitable, checkAwaitable, ensureFuture } from "./ensure.ts";

type TimeoutState = "created" | "active" | "expiring" | "expired" | "finished";

/**
 * A deadline on the code that runs inside its `run`.
 *
 * @example
 * ```ts
 * import { run, sleep, timeout } from "threadloop";
 *
 * await run(async () => {
 *   await timeout(10, async (limit) => {
 *     limit.reschedule(null); // no limit any more
 *     await sleep(20);
 *     console.log(limit.expired()); // false
 *   });
 * });
 * ```
 */
export class Timeout {
  #state: TimeoutState = "created";
  #when: number | null;
  #timer: Handle | null = null;
  #scope: CancelScope | null = null;
  /** How many cancels there were around the block when it was entered. */
  #cancelling = 0;

  /** `when` is in milliseconds of `loop.time()`; null is no deadline. */
  constructor(when: number | null) {
    checkWhen(when);
    this.#when = when;
  }

  /** Returns the deadline, in milliseconds of `loop.time()`, or null. */
  when(): number | null {
    return this.#when;
  }

  /**
   * Moves the deadline; null removes it. Throws RuntimeError before the block is entered and after its end, and TypeError
   * when given something else; the deadline stays then.
   */
  reschedule(when: number | null): void {
    checkWhen(when);
    if (this.#state !== "active") throw new RuntimeError(`Cannot change the state of ${this.#describe()}`);
    this.#when = when;
    this.#timer?.cancel();
    const loop = runningEventLoop();
    if (when === null) this.#timer = null;
    else if (when <= loop.time()) this.#timer = loop.callSoon(() => this.#expire());
    else this.#timer = loop.callAt(when, () => this.#expire());
  }

  /** Tells whether the deadline has passed and cancelled the block. */
  expired(): boolean {
    return this.#state === "expiring" || this.#state === "expired";
  }

  /**
   * Runs the block. When the deadline passes, what the block awaits is cancelled, and the CancelledError that comes out
   * of the block becomes a TimeoutError. Rejects with RuntimeError outside a task and the second time.
   */
  run<T>(body: (scope: this) => PromiseLike<T> | T): Promise<T> {
    try {
      checkBody(body, "timeout");
      return this.#enter().run(() => this.#run(body));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #run<T>(body: (scope: this) => PromiseLike<T> | T): Promise<T> {
    let result: T;
    try {
      result = await body(this);
    } catch (error) {
      const isCancel = (this.#scope as CancelScope).cancellationOf(error) !== null;
      if (this.#exit() && isCancel) throw this.#timeoutError(error);
      throw error;
    }
    this.#exit();
    return result;
  }

  #enter(): CancelScope {
    if (this.#state !== "created")
      throw new RuntimeError("This Timeout has already been entered: make another one");
    const scope = newScope();
    if (scope === null)
      throw new RuntimeError("timeout() must be used inside a task, whose await it can interrupt");
    this.#state = "active";
    this.#scope = scope;
    this.#cancelling = scope.cancelling();
    this.reschedule(this.#when);
    return scope;
  }

  /** Leaves the block; true when its cancellation is this deadline's and nobody else's. */
  #exit(): boolean {
    this.#timer?.cancel();
    this.#timer = null;
    const scope = this.#scope as CancelScope;
    const expires = this.#state === "expiring";
    this.#state = expires ? "expired" : "finished";
    const isAlone = expires && scope.uncancel() <= this.#cancelling;
    scope.leave();
    return isAlone;
  }

  #expire(): void {
    this.#state = "expiring";
    this.#timer = null;
    (this.#scope as CancelScope).cancel(this);
  }

  #timeoutError(cause: unknown): TimeoutError {
    return new TimeoutError("The deadline has passed", { cause });
  }

  #describe(): string {
    return `${this.#state} Timeout`;
  }

  [inspect.custom](): string {
    return `<Timeout ${this.#state}${this.#when === null ? "" : ` when=${this.#when}`}>`;
  }
}

/**
 * Runs a block with a limit in milliseconds and throws TimeoutError when it takes longer.
 *
 * The block runs in the current task; at the deadline its await is cancelled, its `finally` blocks run, and then the
 * error is thrown. A cancel from outside stays a CancelledError. null is no limit; 0 or less lets the block run up to
 * its first await. The block gets the `Timeout`, whose `reschedule` moves the deadline.
 *
 * @example
 * ```ts
 * import { run, sleep, TimeoutError, timeout } from "threadloop";
 *
 * await run(async () => {
 *   try {
 *     await timeout(10, () => sleep(1000));
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError); // true
 *   }
 * });
 * ```
 */
export function timeout<T>(delay: number | null, body: (scope: Timeout) => PromiseLike<T> | T): Promise<T> {
  return timeoutAfter(delay).run(body);
}

/**
 * Runs a block with a deadline in milliseconds of `loop.time()`, as `timeout` does; null is no deadline. Throws TimeoutError
 * when the deadline passes, and cancels what the block waits for then.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep, TimeoutError, timeoutAt } from "threadloop";
 *
 * await run(async () => {
 *   const now = getRunningLoop().time();
 *   console.log(await timeoutAt(now + 60_000, () => sleep(1, "in time"))); // in time
 *   const late = timeoutAt(now, () => sleep(60_000));
 *   console.log(await late.catch((error) => error instanceof TimeoutError)); // true
 * });
 * ```
 */
export function timeoutAt<T>(when: number | null, body: (scope: Timeout) => PromiseLike<T> | T): Promise<T> {
  return new Timeout(when).run(body);
}

/**
 * Runs a block with a limit in milliseconds and, when it takes longer, goes on without an error: gives undefined, and
 * the scope's `expired()` is true.
 *
 * @example
 * ```ts
 * import { moveOnAfter, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   console.log(await moveOnAfter(10, () => sleep(1000, "late"))); // undefined
 * });
 * ```
 */
export async function moveOnAfter<T>(
  delay: number | null,
  body: (scope: Timeout) => PromiseLike<T> | T,
): Promise<T | undefined> {
  checkBody(body, "moveOnAfter");
  const scope = timeoutAfter(delay);
  const raised = { byBody: false };
  try {
    return await scope.run(async () => {
      try {
        return await body(scope);
      } catch (error) {
        raised.byBody = error instanceof TimeoutError;
        throw error;
      }
    });
  } catch (error) {
    if (isInstance(error, TimeoutError) && scope.expired() && !raised.byBody) return undefined;
    throw error;
  }
}

/**
 * Waits for an awaitable with a limit in milliseconds; when it takes longer, cancels it, awaits its end, and throws
 * TimeoutError. An async function or coroutine runs in the current task.
 *
 * null is no limit. With 0 or less only what is done already gives its result; anything else is cancelled, and a
 * coroutine never starts.
 *
 * @example
 * ```ts
 * import { run, sleep, waitFor } from "threadloop";
 *
 * await run(async () => {
 *   console.log(await waitFor(() => sleep(5, "in time"), 1000)); // in time
 * });
 * ```
 */
export async function waitFor<T>(awaitable: Awaitable<T>, limit: number | null): Promise<T> {
  if (limit !== null && milliseconds(limit, "limit") <= 0) return await immediately(ensureFuture(awaitable));
  checkAwaitable(awaitable);
  return await timeout(limit, () => (typeof awaitable === "function" ? awaitable() : awaitable));
}

async function immediately<T>(future: Future<T>): Promise<T> {
  if (future instanceof Task && future._eager) await future.started;
  if (future.done()) return future.result();
  await cancelAndWait(future);
  try {
    return future.result();
  } catch (error) {
    if (isInstance(error, CancelledError))
      throw new TimeoutError("It was not done at the time of the call", { cause: error });
    throw error;
  }
}

async function cancelAndWait(future: Future): Promise<void> {
  const waiter = new Waiting(`the end of ${future._what()}`, future._loop);
  const release = () => {
    if (!waiter.done()) waiter.setResult();
  };
  const releasing = future._listen(release, waiter as Future);
  try {
    future.cancel();
    await waiter;
  } finally {
    future._removeCallback(releasing);
  }
}

function checkWhen(when: unknown): void {
  if (when !== null && (typeof when !== "number" || Number.isNaN(when)))
    throw new TypeError(`Expected \`when\` to be a number of milliseconds or null, got ${got(when)}`);
}

function timeoutAfter(delay: number | null): Timeout {
  return new Timeout(delay === null ? null : runningEventLoop().time() + milliseconds(delay, "delay"));
}
