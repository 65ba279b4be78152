// The times of the jobs of one worker, in the memory that its host and its thread share, behind the slots:
//
//     slots (Int32 each) | submitted at, begun at (Float64 each) | held (Float64) | counts
//
// The host writes when a job was submitted, the thread when it began it, and counts how long it waited and ran. So
// both can tell at any moment what runs there since when, without a message.

import { performance } from "node:perf_hooks";
import { BUCKETS, count } from "./durations.ts";
import { COMMON } from "./moments.ts";
import { SLOT_COUNT, type Slots } from "./slots.ts";

const SUBMITTED = SLOT_COUNT * 4;
const BEGUN = SUBMITTED + SLOT_COUNT * 8;
const HELD = BEGUN + SLOT_COUNT * 8;
const WAITS = HELD + 8;
const RUNS = WAITS + BUCKETS * 4;
/** Where it ends, and something else may begin. */
export const METER_END: number = RUNS + BUCKETS * 4;

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
    const at = this.#now + COMMON;
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
    const took = performance.now() + COMMON - (meter.begun[slot] as number);
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
