// This tells which job the code of a worker belongs to. It belongs to the context, so it follows tasks, callbacks
// and timers, and an error out of nowhere can be charged to the job that caused it.

import { CancelledError, currentOwner, type Task } from "../../src/core.ts";
import { cancelRequested, type Slots } from "../wire/memory.ts";

/** A job in progress, as its own code sees it. */
export interface RunningJob {
  readonly slots: Slots;
  /** Its slot, or NOWHERE once it has ended. */
  slot: number;
  readonly name: string;
  readonly hasEnded: boolean;
  /** The task that runs it, null when it is synchronous. */
  readonly task: Task<unknown> | null;
  /** So many nested calls more are under way, or less: while any is, it leaves its place in the thread to others. */
  leavePlace(change: 1 | -1): void;
  /** Charges it with an error that nobody handles. */
  blame(error: unknown): void;
}

/** The job whose code is running, or null. */
export function currentJob(): RunningJob | null {
  return currentOwner() as RunningJob | null;
}

/** The job that a task runs for, or null. */
export function jobOf(task: Task<unknown>): RunningJob | null {
  return task.getContext()._owner as RunningJob | null;
}

/**
 * Throws CancelledError when the job that calls it was cancelled, has timed out, or lost its caller.
 *
 * This is how synchronous code in a worker can be stopped without losing the thread: call it now and then in long
 * loops, it costs some tens of nanoseconds. Coroutines need it only between awaits. Outside a job it does nothing.
 *
 * @example
 * ```ts
 * import { checkCancelled } from "threadloop/workers";
 *
 * export function countPrimes(limit: number): number {
 *   let count = 0;
 *   for (let n = 2; n < limit; n++) {
 *     checkCancelled();
 *     let d = 2;
 *     while (d * d <= n && n % d !== 0) d++;
 *     if (d * d > n) count++;
 *   }
 *   return count;
 * }
 * ```
 */
export function checkCancelled(): void {
  const job = currentJob();
  if (job !== null && cancelRequested(job.slots, job.slot))
    throw new CancelledError(`Job \`${job.name}\` was cancelled`);
}
