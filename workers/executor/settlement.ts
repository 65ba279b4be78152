// Where jobs settle. Invariant: every job of a pool is closed by this file, once; it settles here, unless somebody has set
// its result by hand.

import { CancelledError, FAILED, FINISHED } from "../../src/core.ts";
import { appendCaller } from "./callerstack.ts";
import { type Job, NOWHERE } from "./job.ts";
import { settled, tellSettled } from "./jobevents.ts";

const NO_ARGS: readonly unknown[] = Object.freeze([]);

/** Counts the jobs of a pool and settles them. */
export class Ledger {
  readonly #pool: string;
  /** Jobs that are not settled. */
  open = 0;
  succeeded = 0;
  failed = 0;
  cancelled = 0;
  /** Is called when the last open job settles. */
  onAllSettled: (() => void) | null = null;

  constructor(pool: string) {
    this.#pool = pool;
  }

  succeed(job: Job, value: unknown): void {
    this.succeeded++;
    leave(job);
    if (!job.done()) job._settle(FINISHED, value);
    this.#closed(job);
  }

  /** Fails the job; an error from a worker gets the frames of whoever awaits the job. */
  fail(job: Job, error: unknown): void {
    this.failed++;
    leave(job);
    if (job._awaiter !== null && error instanceof Error)
      appendCaller(error, job._awaiter, () => this.#failed(job, error));
    else this.#failed(job, error);
  }

  /** Ends a job that was cancelled, or stopped for another reason: `ending` is what it settles with. */
  cancel(job: Job, ending: Error): void {
    if (ending instanceof CancelledError) {
      this.cancelled++;
      leave(job);
      if (!job.done()) job._settleCancelled(ending);
      this.#closed(job);
    } else this.fail(job, ending);
  }

  #failed(job: Job, error: unknown): void {
    if (!job.done()) job._settle(FAILED, error);
    this.#closed(job);
  }

  #closed(job: Job): void {
    job._home._waitOutside(-1);
    if (settled.hasSubscribers) tellSettled(job, this.#pool);
    this.open--;
    if (this.open === 0) this.onAllSettled?.();
  }
}

function leave(job: Job): void {
  job._place = NOWHERE;
  job._args = NO_ARGS;
  const extra = job._extra;
  if (extra === null) return;
  for (const cleanup of extra.cleanups) cleanup();
  extra.cleanups.length = 0;
}
