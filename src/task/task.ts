/**
 * A task is a coroutine that the loop runs, as `asyncio.Task`.
 *
 * Its states, besides the future's, are these: it has not started (`#unstarted`); it is suspended (`#reaction` holds the
 * two functions that V8 gave for the await) on a future (`_waiter`), or, after a bare yield, on nothing but its place in
 * the ready queue; it runs, or it is suspended on a foreign promise, which looks the same from here.
 *
 * A cancel goes to the waiter, as in `Task.cancel` of CPython. Where there is none, or where the waiter refuses, the
 * cancel is pending (`_undelivered`, CPython's `_must_cancel`) and is delivered at the next wake-up or await. The same
 * holds for the blocks of a task, each of which is cancelled by itself (`scope`). How a cancel goes on through tasks that
 * await tasks is told in `cancelchain`.
 *
 * A coroutine of Python can wait at one place only. A task here may have several awaits under way, as `Promise.all` makes
 * them; the first is the task's own wait, and each other one is a `FurtherAwait`.
 *
 * Invariant: exactly one `_loop._stepOver(task)` ends each step: when V8 calls `then` of a pending future, or when
 * the body's promise settles.
 */

import { CancelledError, CancelReason, cancelledError, isInstance, RuntimeError } from "../errors/errors.ts";
import { printable } from "../errors/printable.ts";
import { AsyncResource } from "../platform/node/asynccontext.ts";
import { Context, copyOfValues } from "../scheduling/context.ts";
import { originOf, rememberOrigin, userFrames, warn } from "../scheduling/debug.ts";
import {
  type AbstractEventLoop,
  type AwaitingTask,
  currentRunner,
  DONE,
  type ListedTask,
  type Outcome,
  type Reacting,
  type Runnable,
  runningTask,
  STEPPED,
  UNTRACKED,
} from "../scheduling/events.ts";
import { RESOURCE } from "../scheduling/handle.ts";
import { promiseThen, settleByThen, type Then } from "../scheduling/thenable.ts";
import { cancelChain, cancelFuture } from "./cancelchain.ts";
import type { Startable } from "./coroutine.ts";
import { adopt, CANCELLED, FAILED, FINISHED, Future, ownThen, PENDING, type Reaction } from "./future.ts";
import {
  abortSignals,
  allCancels,
  type CancelScope,
  cancellationIn,
  cancelsIn,
  currentLevel,
  dropPendingIn,
  dropSignal,
  type Level,
  OWN_PENDING,
  pendingIn,
  type ScopedTask,
  signalOf,
  uncancelFromOutside,
  uncancelIn,
} from "./scope.ts";
import { LazyCall, starterOf } from "./startable.ts";

/** What can be said of a task when it is made. */
export interface TaskOptions {
  /** Its name, for people; default `Task-1`, `Task-2` and so on. */
  name?: string;
  /** The context variables it runs with, used as they are; default a copy of the current ones. */
  context?: Context;
  /** Runs the first step at once, up to the first await; await `task.started` before you rely on it. Default false. */
  eagerStart?: boolean;
}

/** Stands for the absence of an error, as anything can be thrown. */
const NONE = Symbol("no error");

/** Stands for an outcome that is not there yet, though the task was woken: somebody else was quicker. */
const AGAIN = Symbol("wait again");

/** A constant of this module, as V8 inlines no call of one that is exported. */
const nativeThen = promiseThen;

let count = 0;

/**
 * A coroutine under way. Made by `createTask`; await it for its result.
 *
 * Awaiting a task and being cancelled meanwhile cancels it too; use `shield` to prevent that.
 *
 * @example
 * ```ts
 * import { createTask, isCancelled, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = createTask(() => sleep(60_000));
 *   await sleep(0); // it begins
 *   task.cancel("not needed any more");
 *   await task.catch((error) => console.log(isCancelled(error))); // true
 * });
 * ```
 */
export class Task<T = unknown> extends Future<T> implements AwaitingTask, ListedTask, ScopedTask {
  /** @internal */ _next: ListedTask | null = null;
  /** @internal */ _previous: ListedTask | null = null;
  /** @internal */ _waiter: Future | null = null;
  /** @internal The block in which that wait was made. */ _waitScope: CancelScope | null = null;
  /** @internal Further awaits of the same task, as `Promise.all` makes them. */
  _more: ScopedTask["_more"] = null;
  /** @internal */ _cancelPassing = false;
  /** @internal */ _cancels = 0;
  /** @internal */ _undelivered = 0;
  /** @internal */ _cancelledScopes: ScopedTask["_cancelledScopes"] = null;
  /** @internal */ _signals: ScopedTask["_signals"] = null;
  /** @internal The loop's tick when it began to wait. */ _since = 0;
  /** @internal Whether the first step was run by the creator, who must then await `started`. */
  readonly _eager: boolean;
  /** @internal */
  readonly _coro: Startable<T>;
  /** Null until somebody asks for it, where there was nothing to copy when the task was made. */
  #context: Context | null;
  #unstarted = true;
  #resource: AsyncResource | null;
  #name: string | number;
  #pendingError: unknown = NONE;
  #reaction: Reacting | null = null;
  /** What debug mode keeps of it. */
  #trace: TaskTrace | null = null;
  #begun = false;
  #start: { readonly promise: Promise<void>; readonly announce: () => void } | null = null;

  /** Makes a task of a loop, to be started by it: what a task factory does. Tasks are made with `createTask`. */
  constructor(loop: AbstractEventLoop, startable: Startable<T>, options: TaskOptions = {}, eager = false) {
    super(loop);
    this._coro = startable;
    this.#name = options.name === undefined ? ++count : String(options.name);
    this.#context = options.context ?? copyOfValues();
    this.#resource = new AsyncResource("Task", RESOURCE);
    this._eager = eager;
    loop._tasks.add(this);
    if (loop.getDebug()) this.#trace = new TaskTrace(this as Task, loop);
    if (eager) this.#begin();
    else loop._push(this);
  }

  /** @internal */
  override get _isTask(): true {
    return true;
  }

  /** The task's name; what is set is made a string. */
  get name(): string {
    return typeof this.#name === "number" ? `Task-${this.#name}` : this.#name;
  }

  set name(name: string) {
    this.#name = String(name);
  }

  /** @internal */
  override _what(): string {
    return `task '${printable(this.name)}'`;
  }

  /** Returns its name. */
  getName(): string {
    return this.name;
  }

  /** Gives it a name; what is no string is made one. */
  setName(name: string): void {
    this.name = name;
  }

  /** Returns what it was made of: the function or the Coroutine. */
  getCoro(): Startable<T> {
    return this._coro;
  }

  /** The context in which it runs. */
  getContext(): Context {
    return this._context;
  }

  /** @internal */
  get _context(): Context {
    this.#context ??= new Context();
    return this.#context;
  }

  /**
   * A signal for awaits that are not of this runtime; its reason is the CancelledError. It aborts when the task is
   * cancelled, and, asked for inside a `timeout` or a `taskGroup`, when that block or one around it is: so ask for it
   * there. `await fetch(url, { signal: currentTask().signal })` is then interrupted at once.
   */
  get signal(): AbortSignal {
    return signalOf(currentLevel(this) ?? this, this);
  }

  /** Settles when the first step is over: the task suspended, or ended. Never fails. */
  get started(): Promise<void> {
    if (this.#begun) return Promise.resolve();
    if (this.#start === null) {
      let announce = () => {};
      const promise = new Promise<void>((resolve) => {
        announce = resolve;
      });
      this.#start = { promise, announce };
    }
    return this.#start.promise;
  }

  /** Throws RuntimeError: a task's result is what its coroutine returns. */
  override setResult(_value: T): never {
    throw new RuntimeError(`Cannot set the result of ${this._what()}: it ends as its coroutine ends`);
  }

  /** Throws RuntimeError: a task fails with what its coroutine throws. */
  override setException(_error: unknown): never {
    throw new RuntimeError(`Cannot set the exception of ${this._what()}: it ends as its coroutine ends`);
  }

  /**
   * Asks the task to stop: CancelledError is thrown at the await where it is, or at its next one. Before its first
   * step the body never runs.
   *
   * Returns false when it is done already, and then its failure is not reported any more. True does not say how the task will end: it may catch the error and go on.
   *
   * @param message the CancelledError's message
   * @param cause the CancelledError's cause; default the task that called this, in debug mode with its stack
   */
  override cancel(message?: string, cause?: unknown): boolean {
    if (this._state !== PENDING) return this._cancelDone();
    cancelChain(this, message, cause ?? this._canceller());
    return true;
  }

  /**
   * Returns the frames at the await where the task is, innermost first. Known in debug mode; before Node 26 V8 does not
   * tell the async frames, and the place where the task was created is all that is known.
   */
  getStack(): string[] {
    return this.#trace?.stack() ?? [];
  }

  /** Prints that stack. */
  printStack(): void {
    console.error([`Stack for ${this._describe()}`, ...this.getStack()].join("\n    "));
  }

  /**
   * Returns how many cancels are asked for and not taken back. Asked inside the task, those of the task and of the blocks
   * (`timeout`, `taskGroup`) around the caller; asked from outside, those of all its blocks.
   */
  cancelling(): number {
    if (this._cancelledScopes === null) return this._cancels;
    const level = currentLevel(this);
    return level === null ? allCancels(this) : cancelsIn(level, this);
  }

  /**
   * Takes one cancel back, inside the task that of the innermost block that has one, and returns how many are left; at 0
   * a cancel that was not delivered yet is dropped.
   */
  uncancel(): number {
    const level = currentLevel(this);
    return level === null ? uncancelFromOutside(this) : uncancelIn(level, this);
  }

  /** @internal */
  get _parent(): null {
    return null;
  }

  /** @internal */
  get _isSuspended(): boolean {
    return this.#reaction !== null;
  }

  /** @internal */
  _pendingReason(): CancelReason | null {
    return (this._undelivered & OWN_PENDING) === 0 ? null : (this._reason as CancelReason);
  }

  /** @internal */
  _setPending(reason: CancelReason): void {
    this._undelivered |= OWN_PENDING;
    this._reason = reason;
  }

  /** @internal */
  _dropPending(): void {
    this._undelivered &= ~OWN_PENDING;
  }

  /** @internal */
  _lastReason(): CancelReason | undefined {
    return this._reason instanceof CancelReason ? this._reason : undefined;
  }

  /** @internal */
  _noteDelayedCancel(): void {
    if (this._loop._waitsForForeign(this)) this.#trace?.noteDelayedCancel();
  }

  /**
   * @internal The step: what the task waited for has come, or its first turn has. What nearly all steps need is apart
   * from the rest, so that it is small enough for V8 to compile it into the loop.
   */
  _run(loop: AbstractEventLoop): Outcome {
    const reaction = this.#reaction;
    const waiter = this._waiter;
    if (
      reaction === null ||
      this._undelivered !== 0 ||
      this._state !== PENDING ||
      this.#pendingError !== NONE
    )
      return this.#runWhatever(loop, waiter);
    this._waiter = null;
    if (waiter !== null) {
      if (waiter._state === PENDING && !waiter._resume(false)) return this.#waitAgain(waiter);
      if (waiter._state !== FINISHED) return this.#runWhatever(loop, waiter);
    }
    this.#reaction = null;
    loop._stepInto(this);
    reaction._fulfill(waiter === null ? undefined : waiter._value);
    return this._more !== null && this._more.size > 0 ? UNTRACKED : STEPPED;
  }

  #waitAgain(waiter: Future): Outcome {
    this.#waitOn(waiter);
    return DONE;
  }

  #runWhatever(loop: AbstractEventLoop, waiter: Future | null): Outcome {
    let error = this.#pendingError;
    this._waiter = null;
    this.#pendingError = NONE;
    const reason = this._undelivered === 0 ? null : pendingIn(this.#level, this);
    if (waiter !== null) error = errorOf(waiter, reason !== null);
    if (error === AGAIN) return this.#waitAgain(waiter as Future);
    if (reason !== null) {
      dropPendingIn(this.#level);
      if (!isInstance(error, CancelledError)) error = cancelledError(reason);
    }
    if (this.#unstarted) return this.#firstStep(loop, error);
    const isOver = this._state !== PENDING; // and left this wait behind, which nobody awaited
    if (!isOver) loop._stepInto(this);
    const reaction = this.#reaction as Reacting;
    this.#reaction = null;
    if (error !== NONE) reaction._fail(error);
    else reaction._fulfill(waiter === null ? undefined : waiter._value);
    return isOver || (this._more !== null && this._more.size > 0) ? UNTRACKED : STEPPED;
  }

  /** @internal */
  _await(future: Future, reaction: Reaction, scope: CancelScope | null): void {
    if (this.#reaction !== null || this._state !== PENDING) {
      this.#awaitMore(future, reaction, scope);
      return;
    }
    this.#reaction = reaction;
    if (this._waitScope !== scope) this._waitScope = scope;
    this._since = this._loop._tick;
    this.#trace?.noteAwait();
    if (future === (this as Future)) this.#failSoon(`${this._what()} cannot await itself`);
    else if (adopt(future, this._loop)) this.#waitOn(future);
    else this.#failSoon(`${this._what()} cannot await ${future._describe()}, which belongs to another loop`);
    this.#stepOver();
  }

  /** Nobody can cancel what waits in a task that is done, but a block that is still open there. */
  #awaitMore(future: Future, reaction: Reaction, scope: CancelScope | null): void {
    if (this._state !== PENDING && scope === null) {
      future._addCallback(reaction);
      return;
    }
    adopt(future, this._loop);
    const level = scope ?? this;
    new FurtherAwait(this, level, future, reaction);
    if (this._undelivered !== 0) this.#cancelPending(future, level);
  }

  /** @internal */
  _stopAwaiting(reaction: Reacting): void {
    if (this.#reaction !== reaction) {
      for (const wait of this._more ?? []) if (wait._reaction === reaction) wait._leave();
    } else if (this._waiter !== null && !this._waiter.done()) {
      this.#reaction = null;
      this._waiter._removeCallback(this);
      this._waiter = null;
    }
  }

  /** @internal */
  _yield(reaction: Reacting, scope: CancelScope | null): boolean {
    if (this.#reaction !== null || this._state !== PENDING) return false;
    this.#reaction = reaction;
    if (this._waitScope !== scope) this._waitScope = scope;
    this._loop._push(this);
    this.#stepOver();
    return true;
  }

  /** @internal */
  override _describe(): string {
    const waits = this._waiter === null ? "" : `, waits on ${waitedFor(this._waiter)}`;
    const count = allCancels(this);
    const cancels = count > 0 && this._state === PENDING ? `, cancelling=${count}` : "";
    return `${this._describeBriefly()}${cancels}${waits}`;
  }

  /** @internal Without what it waits on, which may be a long chain of tasks or a ring. */
  override _describeBriefly(): string {
    return `Task '${printable(this.name)}' ${this._describeState()}`;
  }

  /** @internal Settles with the coroutine's result; a cancel it never saw wins over it. */
  _finish(value: T): void {
    if (this._state !== PENDING) return;
    if ((this._undelivered & OWN_PENDING) !== 0) {
      this._dropPending();
      this._settleCancelled(this._reason);
    } else this._settle(FINISHED, value);
    this.#ended();
  }

  /** @internal Settles with what the coroutine threw. */
  _fail(error: unknown): void {
    if (this._state !== PENDING) return;
    const cancellation = cancellationIn(this, this, error);
    if (cancellation !== null) this._settleCancelled(cancellation);
    else this._settle(FAILED, error);
    this.#ended();
  }

  #ended(): void {
    this.#trace?.noteEnd(this._state === FINISHED && this._cancels > 0);
    this.#trace = null;
    this._loop._tasks.remove(this);
    if (this._signals !== null) dropSignal(this);
    this.#stepOver();
  }

  /** @internal */
  _drop(): void {
    this.#resource?.emitDestroy();
    this.#resource = null;
  }

  #firstStep(loop: AbstractEventLoop, error: unknown): Outcome {
    if (error === NONE) {
      loop._stepInto(this);
      this.#begin();
      return STEPPED;
    }
    if (this._coro instanceof LazyCall) this._coro.close();
    this.#unstarted = false;
    this._drop();
    this._fail(error);
    return DONE;
  }

  #begin(): void {
    starterOf(this._coro, "createTask"); // who makes a Task without createTask is told here
    const resource = this.#resource as AsyncResource;
    this.#unstarted = false;
    this.#resource = null;
    resource.runInAsyncScope(runInTask, this);
    resource.emitDestroy();
  }

  /** The step is over: the loop may run the next entry. After an eager start it is the creator's step that goes on. */
  #stepOver(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#start?.announce();
    }
    this._loop._stepOver(this);
  }

  #waitOn(future: Future): void {
    this._waiter = future;
    future._addCallback(this);
    if (this._undelivered !== 0) this.#cancelPending(future, this.#level);
  }

  /** A cancel that was asked for while the task ran is delivered by cancelling what it now wants to wait for. */
  #cancelPending(future: Future, level: Level): void {
    const reason = pendingIn(level, this);
    if (reason !== null && cancelFuture(future, reason.message, reason.cause)) dropPendingIn(level);
  }

  /** Where its own wait was made. */
  get #level(): Level {
    return this._waitScope ?? this;
  }

  #failSoon(message: string): void {
    this.#pendingError = new RuntimeError(message);
    this._loop._push(this);
  }

  /** @internal */
  _canceller(): unknown {
    return cancellerOf(this._loop);
  }

  /** @internal */
  _countCancel(message: string | undefined, origin: unknown): void {
    this._cancels++;
    if (this._signals !== null) abortSignals(this, new CancelReason(message, origin));
  }

  /** @internal */
  _cancelLater(reason: CancelReason): void {
    this._setPending(reason);
    this._noteDelayedCancel();
  }
}
ownThen(Task);

/**
 * What a future says to the task that waited: its error, or nothing. A place in a line is taken only now, unless the
 * task was cancelled after it was woken.
 */
function errorOf(future: Future, cancelled: boolean): unknown {
  if (future._state === FINISHED) return NONE;
  if (future._state === PENDING) {
    if (!future._resume(cancelled)) return AGAIN;
    return cancelled ? NONE : errorOf(future, false);
  }
  return future._state === CANCELLED ? future._takeCancelledError() : future._takeError();
}

/**
 * Is called in an async scope of the task's own, which ends the context: `run` would pay for leaving it once more. The
 * task is `this`, as an argument would be put in an array and taken out again.
 */
function runInTask(this: Task): void {
  currentRunner.enterWith(this);
  runBody(this);
}

/**
 * Runs the body of a task, whose end is the end of the task; only the first end counts. A `then` instead of an async
 * function takes 12 % less memory a task, and no microtask more.
 */
function runBody(task: Task): void {
  const coro = task._coro;
  try {
    const result = (typeof coro === "function" ? coro() : coro._start()) as
      | PromiseLike<unknown>
      | null
      | undefined;
    const then = result?.then;
    if (typeof then !== "function") task._finish(result);
    else if (then === nativeThen) nativeThen.call(result as Promise<unknown>, finishCurrent, failCurrent);
    else {
      const finish = (value: unknown) => task._finish(value);
      const fail = (error: unknown) => task._fail(error);
      if (isInstance(result, Future)) then.call(result, finish, fail);
      else settleByThen(result, then as Then, finish, fail);
    }
  } catch (error) {
    task._fail(error);
  }
}

/**
 * The body of the current task has ended. A native promise calls its reactions in the context in which they were given,
 * which here is the task's, so that all tasks share these two: two functions for each would be a tenth of what it holds.
 */
const finishCurrent = (value: unknown) => (currentRunner.getStore() as Task)._finish(value);
const failCurrent = (error: unknown) => (currentRunner.getStore() as Task)._fail(error);

/**
 * One more await of a task that awaits already, as `Promise.all` makes them. CPython knows no such thing, so there is
 * no order to be equal to; it must only not break: each await is served, and a cancel of the task, or of a block around
 * the await, reaches it.
 */
export class FurtherAwait implements Runnable {
  readonly _task: Level;
  readonly _future: Future;
  readonly #level: Level;
  readonly _reaction: Reaction;

  constructor(task: Level, level: Level, future: Future, reaction: Reaction) {
    this._task = task;
    this._future = future;
    this.#level = level;
    this._reaction = reaction;
    for (let at: Level | null = level; at !== null; at = at._parent) {
      at._more ??= new Set();
      at._more.add(this);
    }
    future._addCallback(this);
  }

  _run(): Outcome {
    this._leave();
    this._reaction._run();
    return UNTRACKED;
  }

  /** It is no wait any more. */
  _leave(): void {
    for (let at: Level | null = this.#level; at !== null; at = at._parent) at._more?.delete(this);
  }
}

/** What a task waits on, as the task shows it: in words where the future has some, else the future itself. */
function waitedFor(future: Future): string {
  const hasWords = !future._isTask && future._what !== Future.prototype._what;
  return hasWords ? future._what() : `<${future._describeBriefly()}>`;
}

/** Who asks for a cancel: the current task, in debug mode as an error with the stack of the call. */
function cancellerOf(loop: AbstractEventLoop): unknown {
  const task = runningTask() as (AwaitingTask & { readonly name: string }) | null;
  if (!loop.getDebug()) return task ?? undefined;
  return new Error(
    task === null ? "cancelled from outside every task" : `cancelled by task '${printable(task.name)}'`,
  );
}

/** What debug mode keeps of one task, and what it reports of it. */
class TaskTrace {
  readonly #task: Task;
  readonly #clock: { time(): number };
  #awaitsAt: Error | null = null;
  #cancelDelayedSince: number | null = null;

  constructor(task: Task, clock: { time(): number }) {
    this.#task = task;
    this.#clock = clock;
    rememberOrigin(task);
  }

  /** The frames at the await, innermost first; where V8 does not tell them, the place of creation. */
  stack(): string[] {
    const frames = this.#awaitsAt === null ? [] : userFrames(this.#awaitsAt);
    return frames.length > 0 ? frames : [originOf(this.#task)].filter((place) => place !== "");
  }

  /** The task was cancelled while it awaits a promise that is not the runtime's. */
  noteDelayedCancel(): void {
    this.#cancelDelayedSince ??= this.#clock.time();
  }

  /** The task awaits something of ours: a cancel that had to wait is delivered now. */
  noteAwait(): void {
    this.#awaitsAt = new Error();
    this.#reportDelay();
  }

  noteEnd(swallowedCancel: boolean): void {
    this.#reportDelay();
    if (!swallowedCancel) return;
    const advice = "throw the CancelledError on, or call uncancel() if going on is meant";
    const message = `task '${printable(this.#task.name)}' was cancelled and ended with a result: ${advice}`;
    warn("THREADLOOP_SWALLOWED_CANCEL", message, originOf(this.#task));
  }

  #reportDelay(): void {
    const since = this.#cancelDelayedSince;
    if (since === null) return;
    this.#cancelDelayedSince = null;
    const late = `${Math.round(this.#clock.time() - since)} ms late, as it awaited a promise that is not the runtime's`;
    const advice = "await wrapPromise(promise), or give what makes the promise currentTask().signal";
    const message = `The cancel of task '${printable(this.#task.name)}' was ${late}: ${advice}`;
    warn("THREADLOOP_LATE_CANCEL", message, originOf(this.#task));
  }
}
