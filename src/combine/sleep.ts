/** `sleep` waits for time to pass. Future and timer are one object, and a bare yield is a future that is its own entry. */

import { got } from "../errors/errors.ts";
import {
  type AbstractEventLoop,
  currentRunner,
  DONE,
  type Outcome,
  type Runnable,
  runningLoop,
  scopeOf,
  type Timer,
  taskOf,
} from "../scheduling/events.ts";
import type { Pump } from "../scheduling/pump.ts";
import { actAsFuture, FINISHED, Future, PENDING, Reaction } from "../task/future.ts";

/**
 * Waits for some milliseconds and gives `result`.
 *
 * The time runs from the call. 0 or less gives up exactly one iteration of the loop, without a timer, so that
 * everybody else gets a turn. Cancelling the waiting task cancels the timer. Throws RangeError on NaN and TypeError on
 * anything that is not a number.
 *
 * @example
 * ```ts
 * import { run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   console.log(await sleep(10, "rested"));
 * });
 * ```
 */
export function sleep(delay: number): Future<void>;
export function sleep<T>(delay: number, result: T): Future<T>;
export function sleep<T>(delay: number, result?: T): Future<T | undefined> {
  if (typeof delay !== "number" || Number.isNaN(delay)) throw noDelay(delay);
  const loop = runningLoop();
  if (delay <= 0) return new Yield(loop, result);
  const sleeper = new Sleeper(loop, result);
  (loop as Pump)._pushTimer(sleeper as Sleeper<unknown>, loop.time() + delay);
  return sleeper;
}

function noDelay(delay: unknown): Error {
  const message = `Expected \`delay\` to be a number of milliseconds, got `;
  return typeof delay === "number" ? new RangeError(`${message}NaN`) : new TypeError(message + got(delay));
}

class Sleeper<T> extends Future<T> implements Timer {
  _off = false;
  _inHeap = false;

  constructor(loop: AbstractEventLoop, result: T) {
    super(loop);
    this._value = result;
  }

  override cancel(message?: string, cause?: unknown): boolean {
    if (this._state !== PENDING) return false;
    this._off = true;
    if (this._inHeap) this._loop._timerCancelled();
    return super.cancel(message, cause);
  }

  override _what(): string {
    return "sleep";
  }

  _run(): Outcome {
    if (this._state === PENDING) this.setResult(this._value as T);
    return DONE;
  }
}

/**
 * A bare yield: awaited in a task, the task itself goes to the end of the ready queue and nothing is waited on. Given
 * to anything else (`gather`, `addDoneCallback`) it is a future that is done in the next iteration.
 */
// biome-ignore lint/correctness/noUnusedVariables: it is what the class is besides
interface Yield<T> extends Future<T>, Runnable {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: it has every field of a Future
class Yield<T> {
  constructor(loop: AbstractEventLoop, result: T) {
    this._loop = loop;
    this._state = PENDING;
    this._value = result;
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (
      this._state === PENDING &&
      this._callbacks === null &&
      typeof onFulfilled === "function" &&
      typeof onRejected === "function"
    ) {
      const runner = currentRunner.getStore();
      const task = taskOf(runner);
      if (task !== null) {
        const result = this._value as T;
        const resume = result === undefined ? onFulfilled : resumeWith(result, onFulfilled);
        const reaction = new Reaction<R1 | R2>(
          this as Future,
          resume as (value: unknown) => unknown,
          onRejected,
          task,
        );
        if (task._yield(reaction, task === runner ? null : scopeOf(runner))) {
          this._state = FINISHED;
          return reaction;
        }
      }
    }
    return Future.prototype.then.call(this, onFulfilled, onRejected) as PromiseLike<R1 | R2>;
  }

  _addCallback(entry: Runnable): void {
    if (this._state === PENDING && this._callbacks === null) this._loop._push(this);
    Future.prototype._addCallback.call(this, entry);
  }

  _run(): Outcome {
    if (this._state === PENDING) this.setResult(this._value as T);
    return DONE;
  }
}

actAsFuture(Yield, { _callbacks: null, _reason: undefined });

/** What resumes the task: a task that yields is resumed with undefined, so a result needs a function of its own. */
function resumeWith<T>(result: T, resolve: (value: T) => unknown): () => unknown {
  return () => resolve(result);
}
