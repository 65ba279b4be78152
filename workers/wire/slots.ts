// The shared memory of one worker: an Int32Array that its host and its thread both see.
//
// Every job that is posted to the worker has a slot, and the slot's number is the job's id on the wire. A slot goes
//
//     FREE --host posts--> QUEUED --thread claims--> RUNNING --final reply--> FREE
//                            \--host reclaims--> RECLAIMED --SKIPPED reply--> FREE
//
// Claim and reclaim are compare-and-swaps on the same word, so exactly one of them wins: that race is the whole of
// moving jobs, cancelling unstarted ones and rescuing those of a dead thread. A reclaimed slot is not free until the
// thread has skipped its entry: reused earlier, the old entry would run under the new job's claim.
// CANCEL is a bit beside the state, set by the host and read by synchronous code through `checkCancelled()`.

export const FREE = 0;
export const QUEUED = 1;
export const RUNNING = 2;
export const RECLAIMED = 3;
export const CANCEL_BIT = 4;

/** Word 0 counts the jobs the thread has started. */
export const JOBS_STARTED = 0;
/** Word 1 holds the slot whose code runs at this moment, 0 between jobs: who to blame when the thread dies. */
export const CURRENT = 1;
/** Word 2 is always 0: where a job that has ended looks for its cancel bit. */
export const NOWHERE = 2;
/** Word 3 counts the coroutines that are suspended at an await: jobs in progress that leave the thread to others. */
export const SUSPENDED = 3;
/** The first word that is a job's. */
export const FIRST_SLOT = 4;

/** 256 KiB of address space a worker; the pages appear when they are touched. */
export const SLOT_COUNT = 1 << 16;

export type Slots = Int32Array;

/**
 * Host: makes the job of `slot` ready to be claimed. A plain store: the thread comes to know of the slot by a message,
 * and what was stored before a message was posted is seen by whoever has received it.
 */
export function offer(slots: Slots, slot: number): void {
  slots[slot] = QUEUED;
}

/** Thread: takes the job for itself; false when the host has taken it back. */
export function claim(slots: Slots, slot: number): boolean {
  return Atomics.compareExchange(slots, slot, QUEUED, RUNNING) === QUEUED;
}

/** Host: takes back a job that has not started; false when the thread was quicker. */
export function reclaim(slots: Slots, slot: number): boolean {
  return Atomics.compareExchange(slots, slot, QUEUED, RECLAIMED) === QUEUED;
}

/** Host: whether the thread has not claimed the job. */
export function isQueued(slots: Slots, slot: number): boolean {
  return (Atomics.load(slots, slot) & ~CANCEL_BIT) === QUEUED;
}

/** Host: whether the thread has claimed the job and not ended it. */
export function isRunning(slots: Slots, slot: number): boolean {
  return slot >= FIRST_SLOT && (Atomics.load(slots, slot) & ~CANCEL_BIT) === RUNNING;
}

/** Host: whether no job has the slot. */
export function isFree(slots: Slots, slot: number): boolean {
  return Atomics.load(slots, slot) === FREE;
}

/** Host: asks the running code of `slot` to stop. */
export function requestCancel(slots: Slots, slot: number): void {
  Atomics.or(slots, slot, CANCEL_BIT);
}

/** Thread: whether the host has asked the code of `slot` to stop. */
export function cancelRequested(slots: Slots, slot: number): boolean {
  return (Atomics.load(slots, slot) & CANCEL_BIT) !== 0;
}

/** Host: the final reply has come, nothing of the old job is left on the wire. The thread does not look at it again. */
export function release(slots: Slots, slot: number): void {
  slots[slot] = FREE;
}
