/** `gather` waits for several results at once, and gives them in order. */

import { CancelledError, CancelReason, cancelledError } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import type { EventLoop } from "../loop/loop.ts";
import { cancelAll } from "../task/cancelchain.ts";
import { FAILED, Future, Listener } from "../task/future.ts";
import type { Awaitable, ResultOf } from "./ensure.ts";
import { checkAwaitables, ensureFuture, homeOf } from "./ensure.ts";

/** What `gather` makes of errors. */
export interface GatherOptions {
  /** Gives errors and cancellations as results instead of failing with the first one. Default false. */
  returnExceptions?: boolean;
}

const GATHER_OPTIONS = optionNames<GatherOptions>({ returnExceptions: true });

type Results<A extends readonly unknown[]> = { -readonly [K in keyof A]: ResultOf<A[K]> };
type ResultsOrErrors<A extends readonly unknown[]> = { -readonly [K in keyof A]: ResultOf<A[K]> | Error };

/**
 * Runs awaitables at the same time and gives their results in the order of the arguments.
 *
 * Coroutines and async functions become tasks. The first failure is thrown at once; the others run on. Cancelling the
 * gather cancels all that are not done; it ends with the first that ends cancelled, while others may still clean up, or,
 * with `returnExceptions`, when all have ended. A child that is cancelled by somebody else makes it fail with
 * CancelledError. A future, promise or coroutine given twice is one child; a function given twice runs twice.
 *
 * Without a running loop it belongs to the loop of its first future, else to the one that `getEventLoop` made or
 * `setEventLoop` set. Throws TypeError or RangeError, and starts nothing, when one of them is no awaitable or a future
 * of another loop; RuntimeError when there is no loop for a task.
 *
 * @example
 * ```ts
 * import { gather, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const [a, b] = await gather(async () => 1, () => sleep(5, "two"));
 *   console.log(a, b); // 1 two
 *   const all = await gather([async () => 1, async () => { throw new Error("no"); }], { returnExceptions: true });
 *   console.log(all.map(String)); // [ '1', 'Error: no' ]
 * });
 * ```
 */
export function gather<const A extends readonly Awaitable<unknown>[]>(
  awaitables: A,
  options: { returnExceptions: true },
): Future<ResultsOrErrors<A>>;
export function gather<const A extends readonly Awaitable<unknown>[]>(
  awaitables: A,
  options?: GatherOptions,
): Future<Results<A>>;
export function gather<const A extends readonly Awaitable<unknown>[]>(...awaitables: A): Future<Results<A>>;
export function gather(...args: unknown[]): Future<unknown> {
  const list = Array.isArray(args[0]) ? (args[0] as Awaitable<unknown>[]) : (args as Awaitable<unknown>[]);
  const options = Array.isArray(args[0]) ? (args[1] as GatherOptions | undefined) : undefined;
  if (options !== undefined) checkOptionNames("gather", options, GATHER_OPTIONS);
  const loop = homeOf(list);
  checkAwaitables(list, loop);
  if (list.length > 0) return new Gathering(loop, list, options?.returnExceptions ?? false);
  const empty = new Future<unknown[]>(loop);
  empty.setResult([]);
  return empty;
}

class Gathering extends Future<unknown[]> {
  readonly #children: Future[] = [];
  readonly #returnExceptions: boolean;
  #distinct = 0;
  #finished = 0;
  #cancelRequested = false;

  constructor(loop: EventLoop, awaitables: readonly Awaitable<unknown>[], returnExceptions: boolean) {
    super(loop);
    this.#returnExceptions = returnExceptions;
    const done: Future[] = [];
    const made = new Map<Awaitable<unknown>, Future>();
    const listen = (child: Future) => this.#childDone(child);
    let known: Set<Future> | null = null;
    for (const awaitable of awaitables) {
      const child = isDistinct(awaitable) ? ensureFuture(awaitable, loop) : once(awaitable, loop, made);
      if (child._callbacks instanceof Set) known ??= new Set(this.#children);
      const isKnown: boolean = known === null ? listens(child, listen) : known.has(child);
      this.#children.push(child);
      known?.add(child);
      if (isKnown) continue;
      this.#distinct++;
      if (child.done()) done.push(child);
      else child._listen(listen, this as Future);
    }
    for (const child of done) this.#childDone(child);
  }

  override cancel(message?: string, cause?: unknown): boolean {
    return this.done() ? this._cancelDone() : cancelAll([this as Future], message, cause).any;
  }

  override get _passesTo(): readonly Future[] {
    return this.#children;
  }

  override _passed(reached: boolean): boolean {
    if (reached) this.#cancelRequested = true;
    return reached;
  }

  override _what(): string {
    return `gather of ${this.#children.length}`;
  }

  #childDone(child: Future): void {
    this.#finished++;
    if (this.done()) {
      if (child._failed) child._takeError(); // what failed too late is looked at
      return;
    }
    if (!this.#returnExceptions && (child._failed || child.cancelled())) {
      this._settle(FAILED, child.cancelled() ? child._takeCancelledError() : child._takeError());
      return;
    }
    if (this.#finished === this.#distinct) this.#allDone();
  }

  #allDone(): void {
    const results = this.#children.map(resultOrError);
    if (this.#cancelRequested) this.setException((this.#children.at(-1) as Future)._takeCancelledError());
    else this.setResult(results);
  }
}

/** A future needs no note that it was given before, and a function is called as often as it is given. */
function isDistinct(awaitable: Awaitable<unknown>): boolean {
  return awaitable instanceof Future || typeof awaitable === "function";
}

/** A coroutine or promise given twice is one child. */
function once(awaitable: Awaitable<unknown>, loop: EventLoop, made: Map<Awaitable<unknown>, Future>): Future {
  const child = made.get(awaitable) ?? ensureFuture(awaitable, loop);
  made.set(awaitable, child);
  return child;
}

/**
 * Whether a future tells this gather already. It is asked as long as it tells few, as a set of thousands of children would
 * cost more than their waits.
 */
function listens(child: Future, listen: (child: Future) => void): boolean {
  if (child._callbacks === null) return false;
  return child._callbackList().some((entry) => entry instanceof Listener && entry._listen === listen);
}

/** A child's entry in the results; what a cancelled child itself threw is the cause of its CancelledError. */
function resultOrError(child: Future): unknown {
  if (!child.cancelled()) return child._failed ? child._takeError() : child._value;
  const reason = child._reason;
  return cancelledError(reason instanceof CancelledError ? new CancelReason(undefined, reason) : reason);
}
