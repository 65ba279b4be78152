/**
 * A cancel scope, as in trio and anyio, is a block of a task that can be cancelled by itself: the body of a `timeout` or of
 * a task group. In asyncio such a block cancels the whole task and takes the cancel back at its end, which is right where
 * a task is in one place only. In JavaScript one task is in many blocks at once (`Promise.all`, event handlers, functions
 * nobody awaits), so a cancel of a block must reach the waits that were made inside it, and no others. AsyncLocalStorage
 * tells which those are: a body runs with its scope as the current runner, and each wait keeps the scope it was made in.
 *
 * The counting is asyncio's: `cancelling()`, asked in a block, gives the cancels of the task and of all blocks around.
 * Where a task has one flow, as in Python, those are all there are.
 *
 * Invariant: a cancel counts for its level until it is taken back, and it is pending there only until a wait inside was
 * cancelled with it, or the block is left.
 */

import {
  type CancelledError,
  CancelReason,
  cancellationOf,
  cancelledError,
  isAbortError,
} from "../errors/errors.ts";
import {
  type ContextRunner,
  currentRunner,
  type Reacting,
  type RunnerContext,
  type ScopeRunner,
  taskOf,
  waitingTaskOf,
} from "../scheduling/events.ts";
import { abortWith } from "./abort.ts";
import { type Cancellable, cancelAll, cancelFuture, type Link, stopWaiting } from "./cancelchain.ts";

/** An await, as a cancel sees it. */
interface Wait {
  readonly _future: Cancellable;
  readonly _reaction: Reacting;
  _leave(): void;
}

/** What can be cancelled by itself: a task, or a block of one. */
export interface Level {
  /** What is around it; null for a task. */
  readonly _parent: Level | null;
  /** How many cancels of it were not taken back. */
  _cancels: number;
  /** The further waits inside it, at any depth, in the order in which they began. */
  _more: Set<Wait> | null;
  _signals: Signals | null;
  /** Why it was cancelled, while nothing inside was cancelled for that; else null. */
  _pendingReason(): CancelReason | null;
  _setPending(reason: CancelReason): void;
  _dropPending(): void;
}

/** Somebody asked for the signal of a level, or of a block inside it. */
class Signals {
  own: AbortController | null = null;
  readonly inside = new Set<AbortController>();
}

/** A task, as its blocks see it. */
export interface ScopedTask extends Level, ContextRunner, Link {
  /** The further waits, at any depth. */
  _more: Set<Wait> | null;
  /** The block in which its own wait was made. */
  readonly _waitScope: Level | null;
  /** How many cancels are pending, its own and its blocks'. */
  _undelivered: number;
  /** The blocks that were cancelled and not taken back. */
  _cancelledScopes: Set<CancelScope> | null;
  /** Why it was cancelled last. */
  _lastReason(): CancelReason | undefined;
  /** A cancel had nothing to reach. */
  _noteDelayedCancel(): void;
}

/** In `_undelivered`: the cancel of the task itself, and that of one of its blocks. */
export const OWN_PENDING = 1;
const SCOPE_PENDING = 2;

/** One block; it is what runs while the block's code does. */
export class CancelScope implements Level, ScopeRunner {
  readonly _task: ScopedTask;
  readonly _parent: Level;
  _cancels = 0;
  _more: Set<Wait> | null = null;
  _signals: Signals | null = null;
  #reason: CancelReason | null = null;
  #isPending = false;
  #isLeft = false;

  constructor(task: ScopedTask, parent: Level) {
    this._task = task;
    this._parent = parent;
  }

  get _isTask(): boolean {
    return false;
  }

  get _scope(): this {
    return this;
  }

  get _context(): RunnerContext {
    return this._task._context;
  }

  get _isLeft(): boolean {
    return this.#isLeft;
  }

  /** Runs a function in the block. */
  run<R>(fn: () => R): R {
    return currentRunner.run(this, fn);
  }

  /** Cancels what waits in the block; when that is nothing, the next wait inside is cancelled. */
  cancel(cause: unknown): void {
    const task = this._task;
    if (this._cancels++ === 0) {
      task._cancelledScopes ??= new Set();
      task._cancelledScopes.add(this);
    }
    this.#reason = new CancelReason(undefined, cause);
    abortSignals(this, this.#reason);
    if (cancelWaits(task, this, undefined, cause)) return;
    this._setPending(this.#reason);
    if (task._pendingReason() !== null) task._setPending(this.#reason); // the last reason is the one that is told
    task._noteDelayedCancel();
  }

  /** Takes back one cancel, of this block if it has one, else of the nearest around it; returns how many are left. */
  uncancel(): number {
    return uncancelIn(this, this._task);
  }

  /** The CancelledError that an error is which comes out of the block, or null. */
  cancellationOf(error: unknown): CancelledError | null {
    return cancellationIn(this, this._task, error);
  }

  /** How many cancels of it and of what is around it are not taken back. */
  cancelling(): number {
    return cancelsIn(this, this._task);
  }

  /**
   * Has a cancel that came from around this block delivered once more, at the next wait there; but not while something
   * else waits there: that neighbour was told already, and would be cancelled in its cleanup.
   */
  passOutwards(reason: CancelReason): void {
    if (!hasWaits(this._parent, this._task)) this._parent._setPending(reason);
  }

  /** The block is over. A cancel that reached nothing in it goes to what is around it, if that was cancelled too. */
  leave(): void {
    this.#isLeft = true;
    const pending = this._pendingReason();
    this._dropPending();
    if (this._signals !== null) dropSignal(this);
    if (pending !== null && this.cancelling() > 0) this.passOutwards(pending);
  }

  _pendingReason(): CancelReason | null {
    return this.#isPending ? this.#reason : null;
  }

  _setPending(reason: CancelReason): void {
    if (!this.#isPending) this._task._undelivered += SCOPE_PENDING;
    this.#isPending = true;
    this.#reason = reason;
  }

  _dropPending(): void {
    if (this.#isPending) this._task._undelivered -= SCOPE_PENDING;
    this.#isPending = false;
  }

  _lastReason(): CancelReason | undefined {
    return this.#reason ?? undefined;
  }
}

/** Makes a block inside the current code; null outside every task. It needs no task that still runs. */
export function newScope(): CancelScope | null {
  const runner = currentRunner.getStore();
  const task = waitingTaskOf(runner) as ScopedTask | null;
  if (task === null) return null;
  return new CancelScope(task, scopeOfRunner(runner as ContextRunner) ?? task);
}

/** The innermost level of a task in which the current code runs; null outside that task. */
export function currentLevel(task: Level): Level | null {
  const runner = currentRunner.getStore();
  if ((taskOf(runner) as unknown) !== task) return null;
  return scopeOfRunner(runner as ContextRunner) ?? task;
}

function scopeOfRunner(runner: ContextRunner): CancelScope | null {
  return runner._isTask ? null : ((runner._scope ?? null) as CancelScope | null);
}

/** Not by the class: a program whose tasks have no blocks does without it. */
const isBlock = (level: Level): level is CancelScope => level._parent !== null;

/** Whether a level is another one, or inside it. */
function isWithin(level: Level, outer: Level): boolean {
  for (let at: Level | null = level; at !== null; at = at._parent) if (at === outer) return true;
  return false;
}

/** Whether any wait of a task is inside a level, also one that is over without its flow having run. */
function hasWaits(level: Level, task: ScopedTask): boolean {
  if (level._more !== null && level._more.size > 0) return true;
  return task._isSuspended && isWithin(task._waitScope ?? (task as Level), level);
}

/**
 * Cancels what waits inside a level of a task; true when that is told now. The task's own wait, if it is inside, must
 * be told: one that is over, though the task has not run yet, counts as not reached, also when others were.
 */
function cancelWaits(task: ScopedTask, level: Level, message: string | undefined, cause: unknown): boolean {
  if (task._cancelPassing) stopWaiting(task); // it came round, by the code that a signal calls or the like
  const hasOwn = task._isSuspended && isWithin(task._waitScope ?? (task as Level), level);
  const own = hasOwn ? task._waiter : null;
  task._cancelPassing = true;
  try {
    if (level._more === null || level._more.size === 0)
      return own !== null && cancelFuture(own, message, cause);
    const more = Array.from(level._more, (wait) => wait._future);
    const { first, any } = cancelAll(own === null ? more : [own, ...more], message, cause);
    return hasOwn ? own !== null && first : any;
  } finally {
    task._cancelPassing = false;
  }
}

/** Why a wait in a level is to be cancelled, as nothing was for that yet; null when there is no such cancel. */
export function pendingIn(level: Level, task: ScopedTask): CancelReason | null {
  const own = task._pendingReason();
  if (own !== null) return own;
  for (let at: Level | null = level; at !== null; at = at._parent) {
    const reason = at._pendingReason();
    if (reason !== null) return reason;
  }
  return null;
}

/** What was pending for a level was delivered there, or is taken back. */
export function dropPendingIn(level: Level): void {
  for (let at: Level | null = level; at !== null; at = at._parent) at._dropPending();
}

/** How many cancels of a level and of what is around it are not taken back. */
export function cancelsIn(level: Level, task: ScopedTask): number {
  if (task._cancelledScopes === null) return task._cancels;
  let count = 0;
  for (let at: Level | null = level; at !== null; at = at._parent) count += at._cancels;
  return count;
}

/**
 * The CancelledError that an error is which comes out of a level, or null. An AbortError is one while the level is
 * cancelled and somebody was given a signal: not all who take one keep its reason as the cause of what they throw.
 */
export function cancellationIn(level: Level, task: ScopedTask, error: unknown): CancelledError | null {
  const known = cancellationOf(error);
  if (known !== null || task._signals === null || cancelsIn(level, task) === 0) return known;
  return isAbortError(error) ? cancelledError(lastReasonIn(level, task)) : null;
}

/**
 * Tells whether an error is a cancellation, which a `catch` should let pass: a CancelledError, the AbortError that an
 * API of Node made of one that reached it through `task.signal`, or, while the block or task around the caller is
 * cancelled and a signal of it was asked for, any AbortError, as libraries throw them without saying why.
 *
 * @example
 * ```ts
 * import { createTask, isCancelled, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = createTask(async () => {
 *     try {
 *       await sleep(60_000);
 *     } catch (error) {
 *       if (isCancelled(error)) throw error;
 *       console.log("failed", error);
 *     }
 *   });
 *   await sleep(0);
 *   task.cancel();
 *   await task.catch((error) => console.log(isCancelled(error))); // true
 * });
 * ```
 */
export function isCancelled(error: unknown): boolean {
  if (cancellationOf(error) !== null) return true;
  const runner = currentRunner.getStore();
  const task = waitingTaskOf(runner) as ScopedTask | null;
  return (
    task !== null && cancellationIn(scopeOfRunner(runner as ContextRunner) ?? task, task, error) !== null
  );
}

/** How many cancels of a task and of its blocks are not taken back. */
export function allCancels(task: ScopedTask): number {
  let count = task._cancels;
  if (task._cancelledScopes !== null) for (const scope of task._cancelledScopes) count += scope._cancels;
  return count;
}

/** Takes back one cancel of the innermost level that has one; returns how many are left around the level. */
export function uncancelIn(level: Level, task: ScopedTask): number {
  let at = level;
  while (at._cancels === 0 && at._parent !== null) at = at._parent;
  takeBack(at, task);
  const left = cancelsIn(level, task);
  if (left === 0) renew(level);
  return left;
}

/** The same from outside the task: its own cancels first, as whoever asks will have cancelled the task. */
export function uncancelFromOutside(task: ScopedTask): number {
  const scope = [...(task._cancelledScopes ?? [])].at(-1);
  const level = task._cancels > 0 || scope === undefined ? task : scope;
  takeBack(level, task);
  const left = allCancels(task);
  if (left === 0) for (const each of [task._waitScope ?? task, level]) renew(each);
  return left;
}

function takeBack(level: Level, task: ScopedTask): void {
  if (level._cancels === 0 || --level._cancels > 0 || level === task) return;
  const cancelled = task._cancelledScopes as Set<Level>;
  cancelled.delete(level);
  if (cancelled.size === 0) task._cancelledScopes = null;
}

/** All cancels around a level were taken back: none is pending, and signals asked for from now on are not aborted. */
function renew(level: Level): void {
  for (let at: Level | null = level; at !== null; at = at._parent) {
    at._dropPending();
    if (at._signals !== null) dropSignal(at);
  }
}

/** The signal of a level: it aborts when the level or anything around it is cancelled. A block that is over has none. */
export function signalOf(level: Level, task: ScopedTask): AbortSignal {
  let open = level;
  while (isBlock(open) && open._isLeft) open = open._parent;
  const signals = signalsAt(open);
  if (signals.own !== null) return signals.own.signal;
  const own = new AbortController();
  signals.own = own;
  for (let at: Level | null = open; at !== null; at = at._parent) signalsAt(at).inside.add(own);
  if (cancelsIn(open, task) > 0) abortWith(own, lastReasonIn(open, task));
  return own.signal;
}

function signalsAt(level: Level): Signals {
  level._signals ??= new Signals();
  return level._signals;
}

function lastReasonIn(level: Level, task: ScopedTask): CancelReason | undefined {
  for (let at = level; isBlock(at); at = at._parent) if (at._cancels > 0) return at._lastReason();
  return task._lastReason();
}

/** Aborts the signals of a level and of the blocks inside it. */
export function abortSignals(level: Level, reason: CancelReason): void {
  if (level._signals !== null) for (const controller of level._signals.inside) abortWith(controller, reason);
}

/** Whoever asks a level for its signal from now on gets another one. */
export function dropSignal(level: Level): void {
  const own = level._signals?.own;
  if (!own) return;
  (level._signals as Signals).own = null;
  for (let at: Level | null = level; at !== null; at = at._parent) at._signals?.inside.delete(own);
}
