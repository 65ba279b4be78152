// One submitted call. The job is its own Future: nothing else is made for it until somebody awaits it.
//
// Where it is: `_place` is the queue, the host whose worker has it, or NOWHERE once it is settled; `_slot` is its slot
// in that worker. A place knows how to take a job back or how to stop it.

import { clearTimeout, setTimeout } from "node:timers";
import { type AbstractEventLoop, CancelledError, Future, printable } from "../../src/core.ts";
import { type Moment, NEVER } from "../wire/moments.ts";
import type { Details } from "../wire/protocol.ts";
import type { Callbacks } from "./callbacks.ts";
import type { Code } from "./codebook.ts";
import type { CallOptions } from "./options.ts";

/** Where a job is until it is settled. */
export interface JobPlace {
  /** Stops the job, which then settles with `ending`: at once when it has not started, else when the worker has stopped it. */
  stop(job: Job, ending: Error): void;
  /** Tells whether it has started. */
  isRunning(job: Job): boolean;
  /** While jobs are under way for which it waits, it leaves its place in its thread to others. */
  leavePlace?(job: Job, change: 1 | -1): void;
  /** Says something about the job to its worker, where it has one. */
  control?(job: Job, code: number, value: unknown): void;
  /** Shows in `inspect`. */
  readonly label: string;
}

/** What only some jobs have: those with options, or being cancelled. */
export interface JobExtra {
  readonly options: CallOptions;
  /** Sent along with the job. */
  details: Details | null;
  /** Moves with the job and then is gone here: such a job cannot be posted twice. */
  transfer: readonly import("node:worker_threads").Transferable[] | null;
  /** The functions among its arguments, by position; the worker calls back. */
  callbacks: Callbacks | null;
  /** The host whose worker it must run in: an actor's, or each one of a broadcast. */
  target: JobPlace | null;
  /** How often a thread died under it. */
  deaths: number;
  /** How often a thread died that may have been about to read it. */
  unread: number;
  /** How often its function was shipped anew. */
  reships: number;
  /** Why it is being stopped; it settles with this when the worker says it was cancelled. */
  ending: Error | null;
  /** An item of it could not be read: that is how it ends. */
  lost: Error | null;
  /** Cleans up what was attached to it: timers, signal listeners, ports. */
  readonly cleanups: (() => void)[];
  /** The time limit on its run, armed by STARTED. */
  onStarted: (() => void) | null;
  /** Takes the items of a stream. */
  onItem: ((item: unknown) => void) | null;
}

/** The place of a job that is settled, or will be within this microtask: nothing can be done to it any more. */
export const NOWHERE: JobPlace = { label: "ending", stop: () => {}, isRunning: () => false };

const NO_OPTIONS: CallOptions = Object.freeze({});

/**
 * The Future of a call in a worker.
 *
 * `cancel()` settles a job that has not started at once. A running coroutine gets CancelledError at its await, running
 * synchronous code at its next `checkCancelled()`; the job settles when it has really ended, its `finally` blocks
 * included. One that goes on beyond `cancelGrace` loses its thread.
 */
export class Job<T = unknown> extends Future<T> {
  /** @internal */
  _code: Code | null;
  /** @internal */
  _args: readonly unknown[];
  /** @internal */
  _place: JobPlace;
  /** @internal */
  _slot = 0;
  /** @internal When it was submitted. */
  _submitted: Moment = NEVER;
  /** @internal */
  _extra: JobExtra | null = null;
  /** @internal V8's own resolve function of the last await: the way to the caller's stack. */
  _awaiter: ((value: never) => unknown) | null = null;
  /** @internal The loop that counts it among the things it waits for. */
  readonly _home: AbstractEventLoop;

  /** @internal */
  constructor(code: Code | null, args: readonly unknown[], place: JobPlace) {
    super();
    this._code = code;
    this._args = args;
    this._place = place;
    this._home = this._loop;
    this._home._waitOutside(1);
  }

  /** The name given with `with({ name })`, or the function's. */
  get name(): string {
    const given = this._extra?.options.name ?? this._extra?.details?.name;
    return given === undefined ? (this._code?.name ?? "anonymous") : printable(given);
  }

  /** Tells whether a worker has started it. */
  running(): boolean {
    return !this.done() && this._place.isRunning(this);
  }

  /** Cancels it as described at the class. Returns false when it was done already. */
  override cancel(message?: string, cause?: unknown): boolean {
    if (this.done() || this._place === NOWHERE) return false;
    this._place.stop(this, new CancelledError(message, cause === undefined ? undefined : { cause }));
    return true;
  }

  /** Gives it a result of its own: what its worker says later is ignored. One that has not started does not run. */
  override setResult(value: T): void {
    super.setResult(value);
    this.#leave();
  }

  /** Makes it fail; as `setResult`. */
  override setException(error: unknown): void {
    super.setException(error);
    this.#leave();
  }

  /** It is settled: its place lets it go, unless it runs there. */
  #leave(): void {
    if (!this._place.isRunning(this)) this._place.stop(this, new CancelledError());
  }

  override then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (typeof onRejected === "function") this._awaiter = onFulfilled ?? null;
    return super.then(onFulfilled, onRejected);
  }

  /** @internal The rare fields, made at first need. */
  _more(): JobExtra {
    this._extra ??= extraOf(NO_OPTIONS);
    return this._extra;
  }

  /** @internal */
  override _what(): string {
    return `job ${this.name}`;
  }

  /** @internal */
  override _describe(): string {
    return `Job ${this.name} ${this.done() ? this._describeState() : this._place.label}`;
  }
}

export function extraOf(options: CallOptions): JobExtra {
  return {
    options,
    details: null,
    transfer: options.transfer ?? null,
    callbacks: null,
    target: null,
    deaths: 0,
    unread: 0,
    reships: 0,
    ending: null,
    lost: null,
    cleanups: [],
    onStarted: null,
    onItem: null,
  };
}

/** A job that cannot run in another worker than the one it was posted to. */
export function isBound(job: Job): boolean {
  const extra = job._extra;
  return extra !== null && (extra.target !== null || extra.transfer !== null);
}

/** How urgent a job is: higher goes first. */
export function priorityOf(job: Job): number {
  return job._extra?.options.priority ?? 0;
}

/** Moves objects with it: once it is posted it cannot be taken back. */
export function isMoving(job: Job): boolean {
  return job._extra !== null && job._extra.transfer !== null;
}

/** The longest that Node's timers can wait; anything longer is as good as for ever. */
export const LONGEST = 2 ** 31 - 1;

/** Calls a function after so many milliseconds, unless the job has settled by then. */
export function jobTimer(extra: JobExtra, milliseconds: number, fn: () => void): void {
  if (milliseconds > LONGEST) return;
  const timer = setTimeout(fn, milliseconds);
  extra.cleanups.push(() => clearTimeout(timer));
}
