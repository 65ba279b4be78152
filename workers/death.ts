// The death of a thread: who is to blame, and what its jobs are told.

import { WorkerTerminatedError } from "./errors.ts";
import type { Job } from "./job.ts";

/** What a dead thread leaves behind. */
export interface Death {
  readonly cause: Error;
  /** Whether the thread had been set up. */
  readonly wasReady: boolean;
  /** The job that ended the thread, where that is known. */
  readonly culprit: Job | null;
  /** Jobs that had started, in the order of posting. */
  readonly started: readonly Job[];
  /** Jobs that had not; they are as good as new. */
  readonly unstarted: readonly Job[];
}

/** The job to blame: the one whose code ran at the end, or the only one there was. */
export function whoIsToBlame(current: Job | undefined, started: readonly Job[]): Job | null {
  if (current !== undefined && started.includes(current)) return current;
  return started.length === 1 ? (started[0] as Job) : null;
}

/** The error of a job that had started in the thread. */
export function terminatedError(job: Job, pool: string, death: Death): WorkerTerminatedError {
  const { cause, culprit } = death;
  const because = culprit === null || culprit === job ? "" : ` because of job \`${culprit.name}\``;
  const options = { cause, job: culprit?.name ?? null, culprit: culprit === job };
  return new WorkerTerminatedError(
    `The worker thread of job \`${job.name}\` (pool "${pool}") ended${because}: ${cause.message}`,
    options,
  );
}

/** The error of a job that had not started but cannot go elsewhere, as its arguments were moved or it is bound there. */
export function strandedError(job: Job, pool: string, death: Death): WorkerTerminatedError {
  return new WorkerTerminatedError(
    `The worker thread of job \`${job.name}\` (pool "${pool}") ended before it started, and it cannot run elsewhere: ${death.cause.message}`,
    { cause: death.cause, job: death.culprit?.name ?? null },
  );
}
