/**
 * A line holds those who wait, under every lock: it is first-in first-out, and one who is cancelled leaves it. Leaving is
 * written here and nowhere else, as trio does with its `ParkingLot`; asyncio's locks each do it by themselves, and several
 * of them have lost wake-ups by it.
 *
 * A waiter is a future that is woken before it is done. That it was woken says that its turn may have come; what it waits
 * for is taken only in the step of the task that awaits it. Until then the waiter stays in the line, which is how a
 * newcomer knows that it must not overtake, and a waiter that is cancelled after it was woken passes on what it was woken
 * for. An async function could do the same, for nearly twice the price of a hand-over.
 */

import { RuntimeError } from "../errors/errors.ts";
import { inspect } from "../platform/node/inspect.ts";
import {
  type AbstractEventLoop,
  type AwaitingTask,
  DONE,
  type Outcome,
  type Runnable,
  runningLoopOrNull,
  runningTask,
} from "../scheduling/events.ts";
import { noLoop } from "../scheduling/noloop.ts";
import { actAsFuture, CANCELLED, Future, PENDING } from "../task/future.ts";

/** What happens to those in a line. */
export interface Turns<T> {
  /** Whether tasks of several loops may be in line at the same time, as all are woken together. */
  readonly ofAnyLoop?: boolean;
  /** The turn of a waiter may have come: settles it, or puts it in line again if somebody else was quicker. */
  take(waiter: Waiter<T>): void;
  /** A waiter was cancelled: what it may have been woken for goes to the next. */
  passOn?(woken: boolean): void;
}

const ASLEEP = 0;
/** Woken: the one task that awaits it is in the ready queue. */
const RESUMED = 1;
/** Woken: nobody awaits it, or not just one task, so that it is in the ready queue itself. */
const SCHEDULED = 2;

/** A place in a line, and the future of what is waited for. */
export interface Waiter<T> extends Future<T>, Runnable {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: it sets every field of a Future
export class Waiter<T> {
  declare _before: Waiter<T> | null;
  declare _behind: Waiter<T> | null;
  declare _inLine: boolean;
  declare readonly _line: Line<T>;
  declare readonly _beganBy: AwaitingTask | null;
  declare _woken: typeof ASLEEP | typeof RESUMED | typeof SCHEDULED;

  /** `brings` is what it is in line to hand over; it is the future's value until there is another. */
  constructor(line: Line<T>, loop: AbstractEventLoop, brings?: unknown) {
    this._loop = loop;
    this._state = PENDING;
    this._value = brings;
    this._callbacks = null;
    this._reason = undefined;
    this._before = null;
    this._behind = null;
    this._inLine = false;
    this._line = line;
    this._beganBy = runningTask();
    this._woken = ASLEEP;
    line.enter(this);
  }

  /** Whether it waits to be woken. */
  get _asleep(): boolean {
    return this._state === PENDING && this._woken === ASLEEP;
  }

  _wake(): void {
    const task = awaitingTaskOf(this);
    if (task !== null) {
      this._woken = RESUMED;
      this._callbacks = null;
      this._loop._push(task);
    } else {
      this._woken = SCHEDULED;
      this._loop._push(this);
    }
  }

  _resume(cancelled: boolean): boolean {
    this._woken = ASLEEP;
    if (this._inLine) this._line.leave(this);
    if (!cancelled) this._line.turns.take(this);
    else {
      this._line.turns.passOn?.(true);
      Future.prototype.cancel.call(this);
    }
    return this._state !== PENDING;
  }

  /** Takes for those who will look; if the task that began the wait was cancelled, nobody will. */
  _run(): Outcome {
    if (this._state === PENDING)
      this._resume(this._callbacks === null && this._beganBy?.cancelled() === true);
    return DONE;
  }

  /** One whose task is to be resumed already cannot be cancelled: the task has it pass its turn on. */
  cancel(message?: string, cause?: unknown): boolean {
    if (this._state !== PENDING) return Future.prototype._cancelDone.call(this);
    if (this._woken === RESUMED) return false;
    const leavesLater = awaitingTaskOf(this) !== null;
    Future.prototype.cancel.call(this, message, cause);
    if (this._inLine) this._line.noteCancelled();
    if (!leavesLater || this._woken === SCHEDULED) leaveCancelled(this);
    return true;
  }

  /** One that a single task awaits leaves the line when the task runs, as its `except` does in asyncio. */
  _takeCancelledError(): ReturnType<Future["_takeCancelledError"]> {
    if (this._inLine) leaveCancelled(this);
    return Future.prototype._takeCancelledError.call(this);
  }

  _what(): string {
    return this._line.what();
  }
}
actAsFuture(Waiter);

// No private methods, as V8 gives each instance of a class that has some one field more, which is a fortieth of a
// hand-over.

/** The one task that awaits it, or null. */
function awaitingTaskOf<T>({ _callbacks }: Waiter<T>): Runnable | null {
  const awaits = _callbacks as (Runnable & { readonly _isTask?: boolean }) | null;
  return awaits?._isTask === true ? awaits : null;
}

function leaveCancelled<T>(waiter: Waiter<T>): void {
  if (waiter._inLine) waiter._line.leave(waiter);
  waiter._line.turns.passOn?.(waiter._woken !== ASLEEP);
}

/** A list through the waiters themselves, as one must be able to leave it from the middle. */
export class Line<T> {
  readonly turns: Turns<T>;
  readonly #purpose: string;
  readonly #owner: object;
  /** Whose tasks are in line, as far as was looked. */
  #loop: AbstractEventLoop | null = null;
  #first: Waiter<T> | null = null;
  #last: Waiter<T> | null = null;
  /** Nobody before this one is asleep, so that those who were woken are not asked again. */
  #sleeper: Waiter<T> | null = null;
  #size = 0;
  /** How many of them were cancelled and have not left yet. */
  #cancelled = 0;

  /** `purpose` and `owner` are what a report on a task says that it waits on. */
  constructor(purpose: string, owner: object, turns: Turns<T>) {
    this.#purpose = purpose;
    this.#owner = owner;
    this.turns = turns;
  }

  get size(): number {
    return this.#size;
  }

  what(): string {
    return `${this.#purpose} of ${inspect(this.#owner)}`;
  }

  /**
   * Puts somebody new at the end of the line, to be awaited. Rejects with RuntimeError when somebody of another loop is
   * in line: that one does not run while this loop does, so a turn given to it would be lost.
   */
  wait(brings?: unknown): Promise<T> {
    const loop = runningLoopOrNull();
    if (loop !== this.#loop && !this.#admits(loop)) return Promise.reject(this.#boundElsewhere());
    return new Waiter<T>(this, loop ?? noLoop, brings) as unknown as Promise<T>;
  }

  /** Throws that RuntimeError without putting anybody in line. */
  check(): void {
    if (!this.#admits(runningLoopOrNull())) throw this.#boundElsewhere();
  }

  #admits(loop: AbstractEventLoop | null): boolean {
    if (loop === null || this.turns.ofAnyLoop === true) return true;
    for (let waiter = this.#first; waiter !== null; waiter = waiter._behind)
      if (!waiter.done() && waiter._loop !== loop && waiter._loop !== noLoop) return false;
    this.#loop = loop;
    return true;
  }

  #boundElsewhere(): RuntimeError {
    const fix = "make one for each loop, or use a shared one of threadloop/workers";
    return new RuntimeError(
      `${inspect(this.#owner)} is bound to a different event loop, whose tasks wait for it: ${fix}`,
    );
  }

  enter(waiter: Waiter<T>): void {
    waiter._inLine = true;
    waiter._before = this.#last;
    if (this.#last === null) this.#first = waiter;
    else this.#last._behind = waiter;
    this.#last = waiter;
    this.#sleeper ??= waiter;
    this.#size++;
  }

  leave(waiter: Waiter<T>): void {
    if (this.#sleeper === waiter) this.#sleeper = waiter._behind;
    if (waiter._before === null) this.#first = waiter._behind;
    else waiter._before._behind = waiter._behind;
    if (waiter._behind === null) this.#last = waiter._before;
    else waiter._behind._before = waiter._before;
    waiter._inLine = false;
    waiter._before = null;
    waiter._behind = null;
    this.#size--;
    if (waiter._state === CANCELLED) this.#cancelled--;
  }

  /** Tells whether somebody is in line who has not been cancelled. */
  get waiting(): boolean {
    return this.#size > this.#cancelled;
  }

  /** Somebody in line was cancelled, and leaves it later. */
  noteCancelled(): void {
    this.#cancelled++;
  }

  /** Wakes the head of the line, unless it was woken or cancelled already and only has not run yet. */
  wakeHead(): void {
    if (this.#first?._asleep) this.#first._wake();
  }

  /** Wakes the first so many who are asleep; returns how many that were. */
  wake(count: number): number {
    let woken = 0;
    while (this.#sleeper !== null && woken < count) {
      const waiter = this.#sleeper;
      this.#sleeper = waiter._behind;
      if (!waiter._asleep) continue;
      waiter._wake();
      woken++;
    }
    return woken;
  }

  /** Takes those off the line who are not asleep, up to and with the first who is, and wakes that one. */
  wakeAndRemove(): boolean {
    for (let waiter = this.#first; waiter !== null; waiter = this.#first) {
      this.leave(waiter);
      if (!waiter._asleep) continue;
      waiter._wake();
      return true;
    }
    return false;
  }
}
