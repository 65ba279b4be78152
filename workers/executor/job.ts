// This is one submitted call. The job is its own Future: nothing else is made for it until somebody awaits it.
//
// Where it is: `_place` is the queue, the host whose worker has it, or SETTLED in the end; `_slot` is its slot
// in that worker. A place knows how to take a job back or how to stop it.

import {
  type AbstractEventLoop,
  CancelledError,
  Future,
  followSignal,
  monotonicTime,
  printable,
  TimeoutError,
} from "../../src/core.ts";
import type { Attached, Details, JobKind } from "../wire/protocol.ts";
import type { Callbacks } from "./callbacks.ts";
import type { ShippedFunction } from "./codebook.ts";
import type { CallOptions } from "./options.ts";
import type { Time } from "./time.ts";

/** Milliseconds on a clock that all threads of the process have in common. */
export interface Moment {
  readonly at: number;
}

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
  /** The thread, where it is one; 0 before that has started. */
  readonly threadId?: number;
}

/** The place of jobs that have not started; `stop` takes one out of it and ends it. */
export function waitingPlace(label: string, stop: JobPlace["stop"]): JobPlace {
  return { label, isRunning: () => false, stop };
}

/** How a job ends: with a value, with an error, or as it was stopped, with the error that says why. */
export type End = "succeeded" | "failed" | "stopped";

/** What only some jobs have: those that are more than a call, have options, or are being cancelled. */
export interface JobExtra {
  readonly options: CallOptions;
  /** What it does with its function. */
  kind: JobKind;
  /** What travels with it besides. */
  attached: Attached | null;
  /** The functions among its arguments, by position; whoever runs it calls back. */
  callbacks: Callbacks | null;
  /** The one place where it can run: an actor's, or each one of a broadcast. */
  target: JobPlace | null;
  /** Is called when it begins, where somebody wants to know: its time is limited, or it is followed. */
  onStarted: (() => void) | null;
  /** Takes the items of a stream. */
  onItem: ((item: unknown) => void) | null;
  /** Why it is being stopped; it settles with this when it has ended. */
  ending: Error | null;
  /** An item of it could not be read: that is how it ends. */
  lost: Error | null;
  /** How often a thread died under it, how often one did that may have been about to read it, and its function was shipped anew. */
  deaths: number;
  unread: number;
  reships: number;
  /** Cleans up what was attached to it: timers, signal listeners, ports. */
  readonly cleanups: (() => void)[];
}

/** The place of a job that is settled, or will be within this microtask: nothing can be done to it any more. */
export const SETTLED: JobPlace = { label: "ending", stop: () => {}, isRunning: () => false };

/** What most jobs are. */
const CALL: JobKind = Object.freeze({});
const TIMED_CALL: Details = Object.freeze({ timed: true });
/** Where most jobs run: in another thread. */
const ELSEWHERE = { isOutside: true };

const NEVER: Moment = Object.freeze({ at: 0 });

const NO_OPTIONS: CallOptions = Object.freeze({});

/**
 * The Future of a call in a worker.
 *
 * `cancel()` settles a job that has not started at once. A running coroutine gets CancelledError at its await, running
 * synchronous code at its next `checkCancelled()`; the job settles when it has really ended, its `finally` blocks
 * included. One that goes on beyond `cancelGrace` loses its thread.
 *
 * @example
 * ```ts
 * import { CancelledError } from "threadloop";
 * import { checkCancelled, WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool();
 * const job = pool.submit(() => {
 *   for (;;) checkCancelled();
 * });
 * job.cancel();
 * await job.catch((error) => console.log(error instanceof CancelledError)); // true
 * await pool.close();
 * ```
 */
export class Job<T = unknown> extends Future<T> {
  /** @internal */
  _code: ShippedFunction | null;
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
  /** @internal The loop that counts it among the things outside that it waits for. */
  readonly _home: AbstractEventLoop | null;

  /** @internal What runs elsewhere is waited for as something outside the loop: a virtual clock does not jump meanwhile. */
  constructor(code: ShippedFunction | null, args: readonly unknown[], place: JobPlace, options = ELSEWHERE) {
    super();
    this._code = code;
    this._args = args;
    this._place = place;
    this._home = options.isOutside ? this._loop : null;
    if (options.isOutside) this._loop._waitOutside(1);
  }

  /** The name given with `with({ name })`, or the function's. */
  get name(): string {
    const given = this._extra?.options.name ?? this._extra?.attached?.name;
    return given === undefined ? (this._code?.name ?? "anonymous") : printable(given);
  }

  /** Tells whether a worker has started it. */
  running(): boolean {
    return !this.done() && this._place.isRunning(this);
  }

  /** Cancels it as described at the class. Returns false when it was done already. */
  override cancel(message?: string, cause?: unknown): boolean {
    if (this.done() || this._place === SETTLED) return false;
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

function extraOf(options: CallOptions): JobExtra {
  return {
    options,
    kind: CALL,
    attached: null,
    callbacks: null,
    target: null,
    onStarted: null,
    onItem: null,
    ending: null,
    lost: null,
    deaths: 0,
    unread: 0,
    reships: 0,
    cleanups: [],
  };
}

/** What is told of it to whoever runs it, beside its function and arguments; null where it is a plain call. */
export function detailsOf({ kind, attached, onStarted }: JobExtra): Details | null {
  const isCall = kind === CALL;
  if (attached === null) {
    if (onStarted === null) return isCall ? null : kind;
    return isCall ? TIMED_CALL : { ...kind, timed: true };
  }
  return onStarted === null ? { ...kind, ...attached } : { ...kind, ...attached, timed: true };
}

/** Whether nothing is to be looked for in these arguments, neither functions nor what is in objects: so it is of most jobs. */
export function arePrimitive(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++)
    if (typeof args[i] === "object" || typeof args[i] === "function") return false;
  return true;
}

/** A job that cannot run in another worker than the one it was posted to. */
export function isBound(job: Job): boolean {
  const extra = job._extra;
  return extra !== null && (extra.target !== null || extra.options.transfer !== undefined);
}

/** How urgent a job is: higher goes first. */
export function priorityOf(job: Job): number {
  return job._extra?.options.priority ?? 0;
}

/** Moves objects with it: once it is posted it cannot be taken back. */
export function isMoving(job: Job): boolean {
  return job._extra !== null && job._extra.options.transfer !== undefined;
}

/**
 * Attaches the options of a call to its job: its signal, its time limits, its name. The limit of its run can be left to
 * those who run it.
 */
export function attachOptions(job: Job, options: CallOptions, time: Time, { limitsRun = true } = {}): void {
  const extra = extraOf(options);
  job._extra = extra;
  if (options.name !== undefined) extra.attached = { name: printable(options.name) };
  if (limitsRun && options.timeout !== undefined) limitRun(job, extra, options.timeout, time);
  if (options.queueTimeout !== undefined) limitWait(job, extra, options.queueTimeout, time);
  if (options.signal !== undefined) follow(job, extra, options.signal);
}

/** The clock of the run starts when it is said that it has begun. */
function limitRun(job: Job, extra: JobExtra, timeout: number, time: Time): void {
  extra.onStarted = () => {
    const error = () =>
      new TimeoutError(`Job \`${job.name}\` ran for more than its timeout of ${timeout} ms`);
    const { deaths } = extra; // when its thread dies and it runs again, it has all its time again
    jobTimer(extra, time, timeout, () => {
      if (extra.deaths === deaths) job._place.stop(job, error());
    });
  };
}

function limitWait(job: Job, extra: JobExtra, timeout: number, time: Time): void {
  const error = () =>
    new TimeoutError(`Job \`${job.name}\` waited for more than its queueTimeout of ${timeout} ms`);
  jobTimer(extra, time, timeout, () => {
    if (!job.running()) job._place.stop(job, error());
  });
}

function follow(job: Job, extra: JobExtra, signal: AbortSignal): void {
  const leave = followSignal(signal, () => void job.cancel("The job's signal was aborted", signal.reason));
  if (!signal.aborted) extra.cleanups.push(leave);
}

/** Calls a function after so many milliseconds, unless the job has settled by then. */
export function jobTimer(extra: JobExtra, time: Time, milliseconds: number, fn: () => void): void {
  extra.cleanups.push(time.after(milliseconds, fn));
}

/** A burst ends with the microtask queue, or after so many jobs. */
const LONGEST_BURST = 256;

/**
 * When jobs are submitted. Jobs of one burst share one moment: a clock read for each would be seen in the price of a job,
 * and a number of its own would be 16 bytes more for every job that waits.
 */
export class Moments {
  #current: Moment | null = null;
  #left = 0;

  /** The moment of the job that is submitted now. */
  get now(): Moment {
    const current = this.#current;
    if (current !== null && --this.#left > 0) return current;
    return this.#begin();
  }

  #begin(): Moment {
    if (this.#current === null) queueMicrotask(this.#end);
    this.#left = LONGEST_BURST;
    this.#current = { at: monotonicTime() };
    return this.#current;
  }

  #end = (): void => {
    this.#current = null;
  };
}
