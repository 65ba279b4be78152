/**
 * A future is a result that is not there yet, as `asyncio.Future`. It is a thenable and not a Promise, as only so does the
 * loop learn who waits for what: `await future` has V8 call its `then` in the awaiting task's own context; there the task
 * is found, and the future becomes what the task waits on. In CPython a future yields itself to the task that drives the
 * coroutine (`Future.__await__`), to the same end. A cancel of the task then finds the future, and the future finds the
 * task when it is done.
 *
 * Done callbacks never run inside `setResult` or `cancel`: they go through the ready queue of the loop, so that no code of
 * the application runs in the midst of a method that has not ended.
 *
 * In this file stand also what a call of `then` makes (`Reaction`, `Chained`), and what other files need to be futures of
 * a special kind (`Waiting`, `Detached`, `actAsFuture`).
 */

import {
  CancelledError,
  CancelReason,
  cancelledError,
  got,
  InvalidStateError,
  inOneLine,
  isErrorClass,
  isInstance,
  shown,
} from "../errors/errors.ts";
import { AsyncResource } from "../platform/node/asynccontext.ts";
import { inspect } from "../platform/node/inspect.ts";
import { checkContext } from "../scheduling/context.ts";
import { debugging } from "../scheduling/debug.ts";
import {
  type AbstractEventLoop,
  type AwaitingTask,
  chosenLoopOrNull,
  currentRunner,
  DONE,
  type Outcome,
  type Reacting,
  type Runnable,
  runningLoopOrNull,
  scopeOf,
  waitingTaskOf,
} from "../scheduling/events.ts";
import { type Callback, type CallbackOptions, Handle } from "../scheduling/handle.ts";
import { noLoop } from "../scheduling/noloop.ts";
import { settleByThen, type Then } from "../scheduling/thenable.ts";
import { cancelAll } from "./cancelchain.ts";
import { checkCallback } from "./startable.ts";

/** The states of a future: PENDING, then once FINISHED, CANCELLED or FAILED; FAILED is RETRIEVED once it was looked at. */
export const PENDING = 0;
export const FINISHED = 1;
export const CANCELLED = 2;
export const FAILED = 3;
const RETRIEVED = 4;

/** Whom a future tells: one, a few, or so many that one who leaves must not be looked for among all. */
type Callbacks = Runnable | Runnable[] | Set<Runnable>;
const FEW = 8;

/**
 * A result that will be set later, from any callback.
 *
 * Awaiting it inside a task is a cancellation point: cancelling the task cancels the future. A failure that nobody
 * ever looks at is reported to the loop's exception handler, at the latest when the loop closes.
 *
 * @example
 * ```ts
 * import { Future, getRunningLoop, run } from "threadloop";
 *
 * await run(async () => {
 *   const future = new Future<number>();
 *   getRunningLoop().callLater(10, () => future.setResult(42));
 *   console.log(await future); // 42
 * });
 * ```
 */
export class Future<T = unknown> implements PromiseLike<T> {
  /** @internal */ _loop: AbstractEventLoop;
  /** @internal */ _state: number = PENDING;
  /** @internal The result, or the error. */
  _value: unknown = undefined;
  /** @internal Whom to tell: nobody, one, or several in order. */
  _callbacks: Callbacks | null = null;
  /** @internal Why it was cancelled: a reason, or the very error, which is given out once. */
  _reason: CancelReason | CancelledError | undefined = undefined;

  /**
   * Makes a pending future of the given loop; default the running one, and while none runs the one that takes it over:
   * by `runUntilComplete`, or in a task that awaits it. Throws TypeError when given something else.
   */
  constructor(loop?: AbstractEventLoop) {
    const running = runningLoopOrNull();
    if (loop === undefined || loop === running) this._loop = running ?? noLoop;
    else if (typeof loop?._push === "function") this._loop = loop;
    else throw noEventLoop(loop);
    if (debugging.everOn && this._loop.getDebug()) this._loop._rememberOrigin(this);
  }

  /** @internal */
  get _isTask(): boolean {
    return false;
  }

  /** Returns the loop whose iterations run its callbacks; of a future that no loop has yet, the one of `setEventLoop`. */
  getLoop(): AbstractEventLoop {
    return this._loop === noLoop ? (chosenLoopOrNull() ?? noLoop) : this._loop;
  }

  /** Tells whether it has a result or an error or was cancelled. */
  done(): boolean {
    return this._state !== PENDING;
  }

  /** Tells whether it was cancelled. */
  cancelled(): boolean {
    return this._state === CANCELLED;
  }

  /**
   * Returns the result, or throws what it failed with: always the same error object. Throws CancelledError when it was
   * cancelled and InvalidStateError when it is not done.
   */
  result(): T {
    if (this._state === FINISHED) return this._value as T;
    if (this._state >= FAILED) throw this._takeError();
    if (this._state === CANCELLED) throw this._takeCancelledError();
    throw notDone("The result is not ready");
  }

  /**
   * Returns the error, or null when it has a result; where null itself was thrown, only `result` tells. Throws as
   * `result` does when it was cancelled or is not done.
   */
  exception(): unknown {
    if (this._state >= FAILED) return this._takeError();
    if (this._state === PENDING) throw notDone("The exception is not set");
    this.result(); // throws when it was cancelled
    return null;
  }

  /**
   * Cancels it: awaiting tasks get a CancelledError with this message and cause. Returns false when it was done
   * already, which changes nothing, except that a failure nobody has looked at is not reported any more.
   */
  cancel(message?: string, cause?: unknown): boolean {
    if (this._state !== PENDING) return this._cancelDone();
    this._settleCancelled(
      message === undefined && cause === undefined ? undefined : new CancelReason(message, cause),
    );
    return true;
  }

  /** Gives it its result. Throws InvalidStateError when it is done already. */
  setResult(value: T): void {
    this._settle(FINISHED, value);
  }

  /** Makes it fail; an error class is instantiated. Throws InvalidStateError when it is done already. */
  setException(error: unknown): void {
    this._settle(FAILED, isErrorClass(error) ? new error() : error);
  }

  /**
   * Calls a function with this future once it is done: in the loop's next iteration, never at once, in the order of
   * adding and in a copy of the context of the caller of this method, or in the one given.
   */
  addDoneCallback(callback: (future: this) => unknown, options?: CallbackOptions): void {
    checkCallback(callback, "addDoneCallback");
    if (options?.context !== undefined) checkContext(options.context);
    this._addCallback(new Handle(this._loop, callback as Callback, [this], options?.context));
  }

  /** Removes every callback equal to this function and returns how many there were. */
  removeDoneCallback(callback: (future: this) => unknown): number {
    return this._removeCallbacks(
      (entry) => entry instanceof Handle && entry._callback === (callback as Callback),
    );
  }

  /**
   * Settles a promise as this future settles. Unlike an await, it does not make the future what the current task waits
   * on, so cancelling the task leaves the future alone.
   */
  toPromise(): Promise<T> {
    return new Promise((resolve, reject) => this._whenDone(resolve, reject));
  }

  /**
   * Is called by `await`, and chains as a promise's `then` does when it is called by hand. In a task, a call by hand with
   * two functions on a future of the loop that is done calls one of them at once.
   */
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (typeof onFulfilled !== "function" || typeof onRejected !== "function") {
      return new Chained<R1 | R2>(this as Future, onFulfilled as Handler, onRejected as Handler);
    }
    if (this._state !== PENDING) return thenDone(this as Future, onFulfilled as Call, onRejected);
    const runner = currentRunner.getStore();
    const task = waitingTaskOf(runner);
    const reaction = new Reaction<R1 | R2>(this as Future, onFulfilled as Call, onRejected, task);
    if (task === null) this._addCallback(reaction);
    else task._await(this, reaction, task === runner ? null : scopeOf(runner));
    return reaction;
  }

  /** Chains on the failure as a promise does. Cancelling what it returns cancels this future. */
  catch<R = never>(onRejected: (error: unknown) => R | PromiseLike<R>): Future<T | R> {
    return new Chained<T | R>(this as Future, null, onRejected);
  }

  /** Chains on the end as a promise does. Cancelling what it returns cancels this future. */
  finally(onFinally: () => unknown): Future<T> {
    const pass = async (value: unknown) => {
      await onFinally();
      return value;
    };
    const fail = async (error: unknown) => {
      await onFinally();
      throw error;
    };
    return new Chained<T>(this as Future, pass, fail);
  }

  get [Symbol.toStringTag](): string {
    return this.constructor.name;
  }

  [inspect.custom](): string {
    return `<${this._describe()}>`;
  }

  /** @internal What `inspect` shows between the brackets. */
  _describe(): string {
    return `${this.constructor.name} ${this._describeState()}`;
  }

  /** @internal */
  _describeBriefly(): string {
    return this._describe();
  }

  /** @internal What a task that awaits it waits on, in words. */
  _what(): string {
    return "a future";
  }

  /** @internal Is called when a task that awaits it runs before it is done; true when it is done now. */
  _resume(_cancelled: boolean): boolean {
    return true;
  }

  /** @internal */
  _describeState(): string {
    if (this._state === PENDING) return "pending";
    if (this._state === CANCELLED) return "cancelled";
    const value = inOneLine(this._value);
    return this._state === FINISHED ? `result=${value}` : `exception=${value}`;
  }

  /** @internal Whoever cancels what has failed is not interested in its error. */
  _cancelDone(): false {
    if (this._state === FAILED) this._takeError();
    return false;
  }

  /** @internal Those to which a cancel of it goes, if it goes to others. */
  get _passesTo(): readonly Future[] | null {
    return null;
  }

  /** @internal A cancel has gone to them; returns whether that cancels this one. */
  _passed(reached: boolean, _message: string | undefined, _cause: unknown): boolean {
    return reached;
  }

  /** @internal Whether it failed. It is the state that tells, as anything can be thrown, also null. */
  get _failed(): boolean {
    return this._state >= FAILED;
  }

  /** @internal Settles once and tells everybody. */
  _settle(state: typeof FINISHED | typeof FAILED, value: unknown): void {
    if (this._state !== PENDING) {
      throw new InvalidStateError(
        `Expected a pending future, got ${shown(this)}: it is settled once, ask done() first`,
      );
    }
    this._value = value;
    this._state = state;
    if (state === FAILED && !this._callbackList().some(looks)) this._keepUnretrieved(true);
    this._tellAll();
  }

  /** @internal Settles as cancelled, for this reason or with this very error. */
  _settleCancelled(reason: CancelReason | CancelledError | undefined): void {
    this._reason = reason;
    this._state = CANCELLED;
    this._tellAll();
  }

  /** @internal The error of a cancelled future: the very one that ended it once, afterwards one made of its message. */
  _takeCancelledError(): CancelledError {
    const reason = this._reason;
    if (reason === undefined || reason instanceof CancelReason) return cancelledError(reason);
    this._reason = undefined;
    return reason;
  }

  /** @internal Has the loop keep, or forget, that nobody has looked at its error. */
  _keepUnretrieved(keep: boolean): void {
    this._loop._keepUnretrieved(this, keep);
  }

  /** @internal The error of a failed future, which somebody has now looked at. */
  _takeError(): unknown {
    if (this._state === FAILED) {
      this._state = RETRIEVED;
      this._keepUnretrieved(false);
    }
    return this._value;
  }

  /** @internal Calls one of the two, for a future that is done. */
  _deliver(resolve: (value: T) => unknown, reject: (error: unknown) => unknown): unknown {
    if (this._state === FINISHED) return resolve(this._value as T);
    return reject(this._state === CANCELLED ? this._takeCancelledError() : this._takeError());
  }

  /** @internal Calls one of the two in the iteration after it is done, without being what a task waits on. */
  _whenDone(resolve: (value: T) => unknown, reject: (error: unknown) => unknown): void {
    this._listen(() => this._deliver(resolve, reject));
  }

  /**
   * @internal Adds a done callback of the runtime's own, for the future it `settles`; one that `looks` sees errors.
   * Returns what `_removeCallback` takes.
   */
  _listen(listen: (future: Future) => void, settles: Future | null = null, looks = true): Runnable {
    const listener = new Listener(listen, this as Future, settles, looks);
    this._addCallback(listener);
    return listener;
  }

  /** @internal */
  _addCallback(entry: Runnable): void {
    const callbacks = this._callbacks;
    if (this._state !== PENDING) this._loop._push(entry);
    else if (callbacks === null) this._callbacks = entry;
    else if (callbacks instanceof Set) callbacks.add(entry);
    else if (!Array.isArray(callbacks)) this._callbacks = [callbacks, entry];
    else if (callbacks.length < FEW) callbacks.push(entry);
    else this._callbacks = new Set(callbacks).add(entry);
  }

  /** @internal Removes one that was added, however many there are. */
  _removeCallback(entry: Runnable): void {
    const callbacks = this._callbacks;
    if (!(callbacks instanceof Set)) this._removeCallbacks((each) => each === entry);
    else if (callbacks.delete(entry) && callbacks.size === 0) this._callbacks = null;
  }

  /** @internal */
  _removeCallbacks(matches: (entry: Runnable) => boolean): number {
    const all = this._callbackList();
    const kept = all.filter((entry) => !matches(entry));
    this._callbacks = kept.length > 1 ? kept : (kept[0] ?? null);
    return all.length - kept.length;
  }

  /** @internal */
  _callbackList(): readonly Runnable[] {
    const callbacks = this._callbacks;
    if (callbacks === null) return [];
    if (callbacks instanceof Set) return [...callbacks];
    return Array.isArray(callbacks) ? callbacks : [callbacks];
  }

  /** @internal */
  _tellAll(): void {
    const callbacks = this._callbacks;
    if (callbacks === null) return;
    this._callbacks = null;
    if (Array.isArray(callbacks) || callbacks instanceof Set)
      for (const entry of callbacks) this._loop._push(entry);
    else this._loop._push(callbacks);
  }
}

/** A done callback of the runtime's own: it runs no code of the user's, so it needs no context. */
export class Listener<F> implements Runnable {
  readonly _listen: (future: F) => void;
  readonly #future: F;
  /** The future that this callback will settle: an edge of the graph of who awaits whom. */
  readonly _for: F | null;
  /** Whether this callback looks at an error, or leaves that to somebody else. */
  readonly _looks: boolean;

  constructor(listen: (future: F) => void, future: F, settles: F | null, looks: boolean) {
    this._listen = listen;
    this.#future = future;
    this._for = settles;
    this._looks = looks;
  }

  _run(): Outcome {
    this._listen(this.#future);
    return DONE;
  }
}

/** Tells whether a callback will look at an error; one of the user's may or may not. */
function looks(entry: Runnable): boolean {
  return entry instanceof Listener ? entry._looks : !(entry instanceof Handle);
}

/** A future that says what it stands for, so that a report on a task can say what the task waits on. */
export class Waiting<T = void> extends Future<T> {
  readonly #what: string;

  constructor(what: string, loop?: AbstractEventLoop) {
    super(loop);
    this.#what = what;
  }

  override _what(): string {
    return this.#what;
  }
}

/** Takes over a future that was made while no loop ran; false when it is another loop's. */
export function adopt(future: Future, loop: AbstractEventLoop): boolean {
  if (future._loop === noLoop) future._loop = loop;
  return future._loop === loop;
}

/**
 * Makes a class a Future that does not call Future's constructor but sets its fields itself: for what every task switch
 * makes, as V8 does not inline `super()`, which is a seventh of a switch. `shared` are fields that most never set.
 */
export function actAsFuture<T extends { readonly prototype: object }>(kind: T, shared?: object): T {
  Object.setPrototypeOf(kind.prototype, Future.prototype);
  Object.assign(kind.prototype, shared);
  return ownThen(kind);
}

/** Gives a kind of future its own `then`: V8 looks it up for each `await`, and need not go to Future for it. */
export function ownThen<T extends { readonly prototype: object }>(kind: T): T {
  const then = Object.getOwnPropertyDescriptor(Future.prototype, "then") as PropertyDescriptor;
  if (!Object.hasOwn(kind.prototype, "then")) Object.defineProperty(kind.prototype, "then", then);
  return kind;
}

function notDone(what: string): InvalidStateError {
  return new InvalidStateError(`${what}: await the future, or ask done() first`);
}

function noEventLoop(value: unknown): TypeError {
  const hint =
    typeof value === "function" ? ": a future is settled by setResult(), it takes no executor" : "";
  return new TypeError(`Expected \`loop\` to be an event loop, got ${got(value)}${hint}`);
}

type Call = (value: unknown) => unknown;

/** Whether the language made this function, to settle a promise of its own. */
function isOfLanguage(fn: unknown): boolean {
  return Function.prototype.toString.call(fn) === "function () { [native code] }";
}

/**
 * `then` of a future that is done. V8's functions are called at once, as awaiting it takes no turn of the loop. Those of
 * a caller by hand are told from them where the time for that does not count: outside of loops.
 */
function thenDone<R>(future: Future, onFulfilled: Call, onRejected: Call): PromiseLike<R> {
  if (future._loop === noLoop && !isOfLanguage(onRejected)) {
    const reaction = new Reaction<R>(future, onFulfilled, onRejected, null);
    future._addCallback(reaction);
    return reaction;
  }
  try {
    const returned = future._deliver(onFulfilled, onRejected);
    return returned === undefined ? NOTHING_RETURNED : outcomeOf<R>(future, returned);
  } catch (error) {
    return failureOf<R>(future, error);
  }
}

function raise(error: unknown): never {
  throw error;
}

/**
 * What came of a function that was given to `then` by hand. Who chains on it need not be in a loop that runs; if nobody
 * looks at its error, the loop of the source tells it, as any future's.
 */
function outcomeOf<R>(source: Future, returned: unknown): Future<R> {
  const outcome = new Detached<R>(source._loop);
  settleAs(outcome as Future, () => returned);
  return outcome;
}

/** The same where it threw. */
function failureOf<R>(source: Future, error: unknown): Future<R> {
  const outcome = new Detached<R>(source._loop);
  failWith(outcome as Future, error);
  return outcome;
}

/** What `then` returns when the function it called returned nothing, as V8's do. */
const NOTHING_RETURNED: PromiseLike<never> = Object.freeze({
  then: (onFulfilled: never, onRejected: never) => Promise.resolve().then(onFulfilled, onRejected) as never,
});

/** What there is to chain on. */
type Gives<R> = Future<R> | typeof NOTHING_RETURNED;

/**
 * The two functions of one call of `then`, and what it returns. V8 calls `then` for each `await` and does not look at
 * what it returns; somebody who calls it by hand, as libraries do with thenables, may chain on that or await it. Nothing
 * tells the two apart in a time that an await could afford, so a call counts as an await until somebody uses this.
 *
 * @internal
 */
export class Reaction<R = unknown> implements Runnable, Reacting, PromiseLike<R> {
  // Declared, and set by the constructor alone: fields of a class are set twice, and there is one of these for each await.
  declare readonly _future: Future;
  /** Once it was called, or is called no more: what came of it, or what follows the future in its place. */
  declare _resolve: Call | Gives<R>;
  declare readonly _reject: Call;
  declare readonly _task: AwaitingTask | null;

  constructor(future: Future, resolve: Call, reject: Call, task: AwaitingTask | null) {
    this._future = future;
    this._resolve = resolve;
    this._reject = reject;
    this._task = task;
  }

  /** Its future is done, and no task waits with it. */
  _run(): Outcome {
    this._future._deliver(
      (value) => this._fulfill(value),
      (error) => this._fail(error),
    );
    return DONE;
  }

  _fulfill(value: unknown): void {
    const resolve = this._resolve;
    if (typeof resolve === "function") react(this as Reaction, resolve, value);
  }

  _fail(error: unknown): void {
    if (typeof this._resolve === "function") react(this as Reaction, this._reject, error);
  }

  then<R1 = R, R2 = never>(
    onFulfilled?: ((value: R) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    return chainOn(this).then(onFulfilled, onRejected);
  }

  catch<R2 = never>(onRejected: (error: unknown) => R2 | PromiseLike<R2>): PromiseLike<R | R2> {
    return this.then(null, onRejected);
  }

  finally(onFinally: () => unknown): PromiseLike<R> {
    const chain = chainOn(this);
    return (chain instanceof Future ? chain : Promise.resolve(chain)).finally(onFinally as () => void);
  }
}

/**
 * `then` was called by hand: no task waits with it. No method, as V8 gives each instance of a class that has private
 * methods one field more for them.
 */
function chainOn<R>(reaction: Reaction<R>): PromiseLike<R> {
  const resolve = reaction._resolve;
  if (typeof resolve !== "function") return resolve;
  const gives = new Chained<R>(reaction._future, resolve, reaction._reject);
  reaction._resolve = gives;
  reaction._task?._stopAwaiting(reaction);
  return gives;
}

function react(reaction: Reaction, call: Call, value: unknown): void {
  reaction._resolve = NOTHING_RETURNED;
  try {
    const returned = call(value);
    if (returned !== undefined) reaction._resolve = outcomeOf(reaction._future, returned);
  } catch (error) {
    reaction._resolve = failureOf(reaction._future, error);
  }
}

type Handler = ((value: unknown) => unknown) | null;

/** What chaining gives: a future that follows another one, and whose cancel goes to that one. */
class Chained<T> extends Future<T> {
  readonly #source: Future;

  constructor(source: Future, onFulfilled: Handler, onRejected: Handler) {
    super(source._loop);
    this.#source = source;
    const fulfilled = typeof onFulfilled === "function" ? AsyncResource.bind(onFulfilled) : null;
    const rejected = typeof onRejected === "function" ? AsyncResource.bind(onRejected) : null;
    source._listen(() => this.#follow(fulfilled, rejected), this as Future);
  }

  override cancel(message?: string, cause?: unknown): boolean {
    return this._state === PENDING ? cancelAll([this as Future], message, cause).any : this._cancelDone();
  }

  override get _passesTo(): readonly Future[] {
    return [this.#source];
  }

  override _what(): string {
    return "what was chained on another future";
  }

  override _passed(reached: boolean, message: string | undefined, cause: unknown): boolean {
    return reached || Future.prototype.cancel.call(this, message, cause);
  }

  #follow(onFulfilled: Handler, onRejected: Handler): void {
    if (this._state !== PENDING) return;
    settleAs(this as Future, () =>
      this.#source._deliver(
        (value) => (onFulfilled === null ? value : onFulfilled(value)),
        (error) => (onRejected === null ? raise(error) : onRejected(error)),
      ),
    );
  }
}

/** A future of no loop. That nobody looks at its error is told by the loop that its result comes from. */
export class Detached<T> extends Future<T> {
  readonly #teller: AbstractEventLoop;

  constructor(teller: AbstractEventLoop) {
    super(noLoop);
    this.#teller = teller;
  }

  override _keepUnretrieved(keep: boolean): void {
    this.#teller._keepUnretrieved(this, keep);
  }
}

/** Settles a future with what a function gives or throws; what can be awaited is followed. */
function settleAs(future: Future, give: () => unknown): void {
  try {
    const value = give();
    const then = (value as PromiseLike<unknown> | null | undefined)?.then;
    const resolve = (result: unknown) => future._state === PENDING && future.setResult(result);
    if (typeof then !== "function") resolve(value);
    else {
      const reject = (error: unknown) => future._state === PENDING && failWith(future, error);
      if (isInstance(value, Future)) (value as Future)._whenDone(resolve, reject);
      else settleByThen(value, then as Then, resolve, reject);
    }
  } catch (error) {
    // a function that cancelled what waits for it, and then throws: the loop tells its error
    if (future._state !== PENDING) throw error;
    failWith(future, error);
  }
}

function failWith(future: Future, error: unknown): void {
  if (isInstance(error, CancelledError)) future._settleCancelled(error);
  else future._settle(FAILED, error);
}
