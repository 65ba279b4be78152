// This is where jobs settle. Invariant: every job of an executor is closed by this file, once; it settles here,
// unless somebody has set its result by hand.

import { CancelledError, FAILED, FINISHED } from "../../src/core.ts";
import { appendCaller } from "./callerstack.ts";
import { type End, type Job, SETTLED } from "./job.ts";
import { settled, tellSettled } from "./jobevents.ts";

const NO_ARGS: readonly unknown[] = Object.freeze([]);

/** Counts the jobs of an executor and settles them. */
export class Settlement {
  readonly #executor: string;
  /** Jobs that are not settled. */
  open = 0;
  succeeded = 0;
  failed = 0;
  cancelled = 0;
  /** Is called when the last open job settles. */
  onAllSettled: (() => void) | null = null;

  constructor(executor: string) {
    this.#executor = executor;
  }

  /** Ends a job: `value` is its result, the error it fails with, or why it was stopped. */
  end(job: Job, how: End, value: unknown): void {
    leave(job);
    if (how === "succeeded") {
      this.succeeded++;
      if (!job.done()) job._settle(FINISHED, value);
      this.#closed(job);
    } else if (how === "stopped" && value instanceof CancelledError) {
      this.cancelled++;
      if (!job.done()) job._settleCancelled(value);
      this.#closed(job);
    } else this.#fail(job, value);
  }

  /** An error from a worker gets the frames of whoever awaits the job. */
  #fail(job: Job, error: unknown): void {
    this.failed++;
    if (job._awaiter !== null && error instanceof Error)
      appendCaller(error, job._awaiter, () => this.#failed(job, error));
    else this.#failed(job, error);
  }

  #failed(job: Job, error: unknown): void {
    if (!job.done()) job._settle(FAILED, error);
    this.#closed(job);
  }

  #closed(job: Job): void {
    job._home?._waitOutside(-1);
    if (settled.hasSubscribers) tellSettled(job, this.#executor);
    this.open--;
    if (this.open === 0) this.onAllSettled?.();
  }
}

function leave(job: Job): void {
  job._place = SETTLED;
  job._args = NO_ARGS;
  const extra = job._extra;
  if (extra === null) return;
  for (const cleanup of extra.cleanups) cleanup();
  extra.cleanups.length = 0;
}
