// These are the errors of pools, one class per kind.

import { named, RuntimeError } from "../../src/core.ts";

/**
 * Is thrown when a pool that is closed, or closing, is given work, and to what a closing pool drops at its deadline.
 *
 * @example
 * ```ts
 * import { PoolClosedError, WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool();
 * await pool.close();
 * try {
 *   pool.submit(Math.max, 1, 2);
 * } catch (error) {
 *   console.log(error instanceof PoolClosedError); // true
 * }
 * ```
 */
export class PoolClosedError extends RuntimeError {}
named(PoolClosedError, "PoolClosedError");

/**
 * Is thrown by everything given to a pool whose workers cannot be set up; `cause` says why.
 *
 * @example
 * ```ts
 * import { BrokenPoolError, WorkerPool } from "threadloop/workers";
 *
 * const initializer = () => {
 *   throw new Error("no database here");
 * };
 * const pool = new WorkerPool({ size: 1, initializer });
 * const failed = pool.submit(Math.max, 1, 2).toPromise();
 * await failed.catch((error) => console.log(error instanceof BrokenPoolError)); // true
 * await pool.close();
 * ```
 */
export class BrokenPoolError extends RuntimeError {}
named(BrokenPoolError, "BrokenPoolError");

interface TerminationDetails {
  readonly job: string | null;
  readonly culprit: boolean;
  readonly threadId: number | null;
  readonly exitCode: number | null;
}

/**
 * Is thrown to jobs that had started in a worker thread that died or was terminated.
 *
 * `job` is the job that ended the thread, where that is known, and `culprit` tells whether this very job is it.
 * `cause` is the error the thread died with.
 *
 * @example
 * ```ts
 * import { WorkerPool, WorkerTerminatedError } from "threadloop/workers";
 *
 * const pool = new WorkerPool({ size: 1 });
 * const failed = pool.submit(() => process.exit(1)).toPromise();
 * await failed.catch((error) => console.log(error instanceof WorkerTerminatedError)); // true
 * await pool.close();
 * ```
 */
export class WorkerTerminatedError extends Error {
  /** The name of the job that ended the thread, or null when nobody can say. */
  readonly job: string | null;
  readonly culprit: boolean;
  /** The id of the thread, as `node:worker_threads` has it; null when it never ran. */
  readonly threadId: number | null;
  /** The code the thread ended with: that of its `process.exit`, else 1; null when it never ran. */
  readonly exitCode: number | null;

  constructor(message: string, options: ErrorOptions & Partial<TerminationDetails> = {}) {
    super(message, options);
    this.job = options.job ?? null;
    this.culprit = options.culprit ?? false;
    this.threadId = options.threadId ?? null;
    this.exitCode = options.exitCode ?? null;
  }
}
named(WorkerTerminatedError, "WorkerTerminatedError");

/**
 * Is thrown when an argument or a result cannot be copied to the other thread; the message says which and where.
 *
 * @example
 * ```ts
 * import { CloneError, WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool();
 * await pool
 *   .submit((signals: AbortController) => signals.abort(), new AbortController())
 *   .catch((error) => console.log(error instanceof CloneError)); // true
 * await pool.close();
 * ```
 */
export class CloneError extends TypeError {}
named(CloneError, "CloneError");
