// This is the death of a thread: what its jobs are told, and which of them run again.

import { isBound, type Job } from "../executor/job.ts";
import type { ThreadDeath } from "../executor/workerlink.ts";
import { WorkerTerminatedError } from "../wire/errors.ts";

/** The error of a job that had started in the thread. */
export function terminatedError(job: Job, pool: string, death: ThreadDeath): WorkerTerminatedError {
  const { cause, culprit, threadId, exitCode } = death;
  const because = culprit === null || culprit === job ? "" : ` because of job \`${culprit.name}\``;
  const options = { cause, job: culprit?.name ?? null, culprit: culprit === job, threadId, exitCode };
  return new WorkerTerminatedError(
    `The worker thread of job \`${job.name}\` (pool "${pool}") ended${because}: ${cause.message}`,
    options,
  );
}

/** So many threads may die of reading a job's arguments, before it fails. */
const MOST_UNREAD = 3;

/** The error of a job that had not started, or null when it is to run elsewhere. */
export function unstartedError(job: Job, pool: string, death: ThreadDeath): WorkerTerminatedError | null {
  if (isBound(job)) return strandedError(job, pool, death);
  if (!isSuspect(job, death) || ++job._more().unread < MOST_UNREAD) return null;
  return new WorkerTerminatedError(
    `Job \`${job.name}\` (pool "${pool}") ended ${MOST_UNREAD} worker threads before it started, most likely by what its arguments take to be read: ${death.cause.message}`,
    { ...death, job: job.name, culprit: true },
  );
}

/**
 * Whether the thread may have died of reading this job: nothing had started. At first it may have been any of those
 * that were posted; from then on each of them is sent in a message of its own, and it was the oldest.
 */
function isSuspect(job: Job, { wasReady, culprit, started, unstarted }: ThreadDeath): boolean {
  if (!wasReady || culprit !== null || started.length > 0) return false;
  const [oldest] = unstarted;
  return job === oldest || (oldest?._extra?.unread ?? 0) <= 1;
}

/** The error of a job that had not started but cannot go elsewhere, as its arguments were moved or it is bound there. */
function strandedError(job: Job, pool: string, death: ThreadDeath): WorkerTerminatedError {
  return new WorkerTerminatedError(
    `The worker thread of job \`${job.name}\` (pool "${pool}") ended before it started, and it cannot run elsewhere: ${death.cause.message}`,
    { ...death, job: death.culprit?.name ?? null, culprit: false },
  );
}
