// The errors of pools, one class per kind.

import { named, RuntimeError } from "../src/core.ts";

/** Is thrown when a pool that is closed, or closing, is given work, and to what a closing pool drops at its deadline. */
export class PoolClosedError extends RuntimeError {}
named(PoolClosedError, "PoolClosedError");

/** Is thrown by everything given to a pool whose workers cannot be set up; `cause` says why. */
export class BrokenPoolError extends RuntimeError {}
named(BrokenPoolError, "BrokenPoolError");

/**
 * Is thrown to jobs that had started in a worker thread that died or was terminated.
 *
 * `job` is the job that ended the thread, where that is known, and `culprit` tells whether this very job is it.
 * `cause` is the error the thread died with.
 */
export class WorkerTerminatedError extends Error {
  /** The name of the job that ended the thread, or null when nobody can say. */
  readonly job: string | null;
  readonly culprit: boolean;

  constructor(message: string, options?: ErrorOptions & { job?: string | null; culprit?: boolean }) {
    super(message, options);
    this.job = options?.job ?? null;
    this.culprit = options?.culprit ?? false;
  }
}
named(WorkerTerminatedError, "WorkerTerminatedError");

/** Is thrown when an argument or a result cannot be copied to the other thread; the message says which and where. */
export class CloneError extends TypeError {}
named(CloneError, "CloneError");
