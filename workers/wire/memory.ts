// This is what a thread and its host share: one SharedArrayBuffer a worker, which both read and write without a
// message.
//
//     slots (Int32 each)                                     which jobs there are, and how far each is
//     submitted at, begun at (Float64 each), held, counts    when, and how long the jobs took
//     number, slot and kind of the last messages (Int32)     what they brought, should one be unreadable
//     the short functions (Uint8 each)                       whose calls are known to be short
//     replies that wait to be sent                           see `held`
//
// Every job that is posted to the worker has a slot, and the slot's number is the job's id on the wire. A slot goes
//
//     FREE --host posts--> QUEUED --thread claims--> RUNNING --final reply--> FREE
//                            \--host reclaims--> RECLAIMED --SKIPPED reply--> FREE
//
// Claim and reclaim are compare-and-swaps on the same word, so exactly one of them wins: that race is the whole of
// moving jobs, cancelling unstarted ones and rescuing those of a dead thread. It is the take of a work-stealing queue
// (Chase and Lev, 2005; tokio's and rayon's), with the host as the only thief. A reclaimed slot is not free until the
// thread has skipped its entry: reused earlier, the old entry would run under the new job's claim. QUEUED and FREE are
// plain stores: the thread comes to know of a slot by a message, and what was stored before a message was posted is seen
// by whoever has received it; and it does not look at a slot again whose final reply it has posted.
// CANCEL_BIT is a bit beside the state, set by the host and read by synchronous code through `checkCancelled()`.

import type { RecordableHistogram } from "node:perf_hooks";
import { monotonicTime } from "../../src/core.ts";

export const FREE = 0;
export const QUEUED = 1;
export const RUNNING = 2;
const RECLAIMED = 3;
const CANCEL_BIT = 4;

/** Word 0 counts the jobs the thread has started. */
export const JOBS_STARTED = 0;
/** Word 1 holds the slot whose code runs at this moment, 0 between jobs: who to blame when the thread dies. */
export const CURRENT = 1;
/** Word 2 is always 0: where a job that has ended looks for its cancel bit. */
export const NOWHERE = 2;
/** Word 3 counts the coroutines that are suspended at an await: jobs in progress that leave the thread to others. */
export const SUSPENDED = 3;
/** Word 4 grows with each message of the host. */
export const POSTED = 4;
/** Word 5 is 1 while the thread is parked: it has nothing to do, and waits for word 4 to grow. */
const PARKED = 5;
/** The first word that is a job's. */
export const FIRST_SLOT = 6;

/** 256 KiB of address space a worker; the pages appear when they are touched. */
export const SLOT_COUNT = 1 << 16;

export type Slots = Int32Array;

// A thread that has nothing to do waits for its port in its loop, which is two ways through the kernel for a message. A
// parked one waits for a word: half the time. What it has of its own, timers and sockets, stands still meanwhile, so it
// parks only where it has none, and not for long.
//
//     thread                                     host
//     seen = POSTED; the port is empty           posts a message
//     PARKED = 1; waits while POSTED = seen      POSTED + 1; PARKED? then wakes it
//
// Whatever comes first, one of both sees what the other has written.

/** Thread: waits for the host's next message at most for so long; `seen` was in word 4 before the port was found empty. */
export function park(slots: Slots, seen: number, milliseconds: number): void {
  Atomics.store(slots, PARKED, 1);
  Atomics.wait(slots, POSTED, seen, milliseconds);
  Atomics.store(slots, PARKED, 0);
}

/** Host: a message was posted. */
export function unpark(slots: Slots): void {
  Atomics.add(slots, POSTED, 1);
  if (Atomics.load(slots, PARKED) === 1) Atomics.notify(slots, POSTED, 1);
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

// When, and for how long. The host writes when a job was submitted, the thread when it began it, and counts how long it
// waited and ran. So both can tell at any moment what runs there since when: monotonic time is the same in all threads.

// A duration is counted at the price of two stores. A bucket is the exponent and the first five bits of the mantissa of
// the nanoseconds as a double, so a duration is known to 3 %: HdrHistogram's layout, which is Node's own.

const MANTISSA_BITS = 5;
/** 64 ns and less is the first bucket. */
const LOWEST = 1029 << MANTISSA_BITS;
/** The last bucket begins at 26 days. */
export const BUCKETS: number = 45 << MANTISSA_BITS;

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/** Counts a duration. */
export function count(buckets: Uint32Array, milliseconds: number): void {
  double[0] = milliseconds * 1e6;
  const index = ((halves[1] as number) >>> (20 - MANTISSA_BITS)) - LOWEST;
  (buckets[index < 0 ? 0 : index < BUCKETS ? index : BUCKETS - 1] as number)++;
}

/** Makes a histogram in nanoseconds. All buckets are doubled together, bit by bit, as a value is recorded once at a time. */
export function histogramOf(buckets: Uint32Array): RecordableHistogram {
  let [histogram, spare] = [newHistogram(), newHistogram()];
  const used = [...buckets.keys()].filter((index) => (buckets[index] as number) > 0);
  const most = used.reduce((most, index) => Math.max(most, buckets[index] as number), 0);
  for (let bit = 31 - Math.clz32(most); bit >= 0; bit--) {
    spare.reset();
    spare.add(histogram);
    spare.add(histogram);
    [histogram, spare] = [spare, histogram];
    for (const index of used) {
      if ((((buckets[index] as number) >>> bit) & 1) === 1) histogram.record(middleOf(index));
    }
  }
  return histogram;
}

function newHistogram(): RecordableHistogram {
  return process
    .getBuiltinModule("node:perf_hooks")
    .createHistogram({ lowest: 1, highest: 2 ** 52, figures: 2 });
}

function middleOf(index: number): number {
  halves[0] = 0;
  halves[1] = (index + LOWEST) << (20 - MANTISSA_BITS);
  return Math.round((double[0] as number) * (1 + 2 ** (-MANTISSA_BITS - 2)));
}

const SUBMITTED = SLOT_COUNT * 4;
const BEGUN = SUBMITTED + SLOT_COUNT * 8;
const HELD = BEGUN + SLOT_COUNT * 8;
const WAITS = HELD + 8;
const RUNS = WAITS + BUCKETS * 4;
const METER_END = RUNS + BUCKETS * 4;

/** The slots in such memory. */
export function slotsIn(shared: SharedArrayBuffer): Slots {
  return new Int32Array(shared, 0, SLOT_COUNT);
}

/** The times as both sides see them. */
export class Meter {
  readonly submitted: Float64Array;
  readonly begun: Float64Array;
  /** Milliseconds for which coroutines that have ended held their places. */
  readonly held: Float64Array;
  readonly waits: Uint32Array;
  readonly runs: Uint32Array;

  constructor(slots: Slots) {
    const shared = slots.buffer as SharedArrayBuffer;
    this.submitted = new Float64Array(shared, SUBMITTED, SLOT_COUNT);
    this.begun = new Float64Array(shared, BEGUN, SLOT_COUNT);
    this.held = new Float64Array(shared, HELD, 1);
    this.waits = new Uint32Array(shared, WAITS, BUCKETS);
    this.runs = new Uint32Array(shared, RUNS, BUCKETS);
  }

  /** Goes on in the memory of the next thread. */
  continueIn(slots: Slots): Meter {
    const next = new Meter(slots);
    next.waits.set(this.waits);
    next.runs.set(this.runs);
    next.held.set(this.held);
    return next;
  }
}

/** Writes the times, in the thread. A job that ends in its first step costs no look at the clock of its own. */
export class Stopwatch {
  readonly meter: Meter;
  /** When the thread last looked at the clock, which is when the job that begins now begins. */
  #now = 0;
  /** The slot of the job that is in its first step, 0 without one. */
  #first = 0;
  /** The same, when it has ended in it. */
  #ended = 0;

  constructor(slots: Slots) {
    this.meter = new Meter(slots);
  }

  /** A turn of the thread begins. */
  start(now: number): void {
    this.#now = now;
  }

  begin(slot: number): void {
    const { meter } = this;
    const at = this.#now;
    meter.begun[slot] = at;
    count(meter.waits, at - (meter.submitted[slot] as number));
    this.#first = slot;
  }

  end(slot: number): void {
    if (slot === this.#first) this.#ended = slot;
    else this.#endLater(slot);
  }

  #endLater(slot: number): void {
    const { meter } = this;
    const took = monotonicTime() - (meter.begun[slot] as number);
    (meter.held[0] as number) += took;
    count(meter.runs, took);
  }

  /** The first step of the job that began last is over. */
  next(now: number): void {
    if (this.#ended !== 0) count(this.meter.runs, now - this.#now);
    this.#first = this.#ended = 0;
    this.#now = now;
  }
}

// What the last messages of a thread brought: a message that was written and cannot be read by the host, as it is nested
// too deeply for the stack there, is known by its place in their order.

/** So many messages may be under way before the first is forgotten. */
const REMEMBERED = 4096;
const KINDS = 64;
const SENT_END = METER_END + REMEMBERED * 8;

/** The first reply of a message; the others, where it has any, are of the same job, or can always be read. */
export interface SentReply {
  readonly slot: number;
  readonly kind: number;
}

/** Both sides count all messages, but for output, from 1 on. */
export class Sent {
  readonly #words: Int32Array;

  constructor(slots: Slots) {
    this.#words = new Int32Array(slots.buffer, METER_END, REMEMBERED * 2);
  }

  /** Thread: notes what the message of this number brings, before it is posted. */
  note(message: number, slot: number, kind: number): void {
    const at = (message % REMEMBERED) * 2;
    this.#words[at] = message;
    this.#words[at + 1] = slot * KINDS + kind;
  }

  /** Host: what that message brought; null when it is forgotten. */
  find(message: number): SentReply | null {
    const at = (message % REMEMBERED) * 2;
    const word = this.#words[at + 1] as number;
    if (this.#words[at] !== message) return null;
    return { slot: Math.floor(word / KINDS), kind: word - Math.floor(word / KINDS) * KINDS };
  }
}

// Which functions are known to be short: their last calls in this thread were, one after the other. A job that cannot be
// taken back may be posted behind such, as it waits there hardly longer than its message takes.

/** A call that keeps the thread for less is short; so many of them say that the next one is. */
const SHORT = 0.05;
const KNOWN_AFTER = 8;
/** One such call, and nothing is known of its function. What is between says little: the thread may have lost its core. */
const LONG = 0.5;
/** Functions with a higher number are never known: a program has fewer. */
const FUNCTIONS = 4096;
/** Where the replies begin that wait to be sent. */
export const MEMORY_END: number = SENT_END + FUNCTIONS;

/** A function as it is counted here. */
interface Counted {
  readonly number: number;
  /** How many of its last calls were short, as far as they are counted. */
  shortCalls: number;
}

/** In place of OWN_FUNCTION, of which nothing is ever known. */
const FORGOTTEN = 0;

export class ShortCalls {
  readonly #known: Uint8Array;

  constructor(slots: Slots) {
    this.#known = new Uint8Array(slots.buffer, SENT_END, FUNCTIONS);
  }

  /** Thread: a call of this function took so long. */
  note(callee: Counted, took: number): void {
    if (took >= LONG) this.#forget(callee);
    else if (took >= SHORT) return;
    else if (callee.shortCalls < KNOWN_AFTER) callee.shortCalls++;
    else if (this.#known[callee.number] === 0) this.#known[callee.number] = 1;
  }

  #forget(callee: Counted): void {
    callee.shortCalls = 0;
    if (this.#known[callee.number] !== 1) return;
    this.#known[callee.number] = 0;
    (this.#known[FORGOTTEN] as number)++;
  }

  /** Host: how often a function was no longer known to be short. */
  get forgotten(): number {
    return this.#known[FORGOTTEN] as number;
  }

  /** Host: whether the function of this number is known to be short. */
  has(number: number): boolean {
    return number !== FORGOTTEN && this.#known[number] === 1;
  }

  /** Host: nothing is known of another thread. */
  clear(): void {
    this.#known.fill(0);
  }
}
