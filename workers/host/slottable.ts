// This is the host's side of the memory that it shares with its thread: which job has which slot, which slots are
// free, how many jobs have not started, and how fast the thread works through them.

import { monotonicTime } from "../../src/core.ts";
import type { ShippedFunction } from "../executor/codebook.ts";
import { isBound, type Job } from "../executor/job.ts";
import { HELD_END, HeldReader } from "../wire/held.ts";
import {
  CURRENT,
  FIRST_SLOT,
  FREE,
  isFree,
  isQueued,
  isRunning,
  JOBS_STARTED,
  Meter,
  QUEUED,
  reclaim,
  Sent,
  ShortCalls,
  SLOT_COUNT,
  type Slots,
  SUSPENDED,
  slotsIn,
} from "../wire/memory.ts";

/** Milliseconds for which a call that is known to be short may have the thread until it is taken for a long one. */
const JUST = 1;

/** The pages of it appear when they are touched. */
function createShared(): Slots {
  return slotsIn(new SharedArrayBuffer(HELD_END));
}

/** Work posted ahead: milliseconds of the worker's time, and at most so many jobs. */
const AHEAD = 1;
const MOST_AHEAD = 4096;
/** Jobs that keep the thread for so long are not posted ahead: what a round trip costs does not matter to them. */
const LONG = 5;
/** A worker that starts nothing for so long while jobs wait there is stuck in a job. */
const STUCK_AFTER = 2;

/** In place of the number of a job in the order of posting. */
const NONE = -1;

export class SlotTable {
  /** Shared with the thread. */
  words: Slots = createShared();
  /** When the jobs were submitted and begun, beside the slots. */
  meter: Meter = new Meter(this.words);
  /** What the thread has not sent yet. */
  unsent: HeldReader = new HeldReader(this.words);
  /** What its last messages brought. */
  sent: Sent = new Sent(this.words);
  #shortCalls = new ShortCalls(this.words);
  /** How often a function was no longer known to be short when that was looked at last. */
  #forgotten = 0;
  /** Jobs that have a number in the order of posting and never reached the thread. */
  #unsentJobs = 0;
  /** So many posted jobs were looked at, and this was the last one that is not known to be short. */
  #looked = 0;
  #long = NONE;
  readonly #jobs: (Job | undefined)[] = [];
  /** When the job of each slot was posted, as a running number. */
  readonly #order: number[] = [];
  /** The slots in the order of posting, as far back as there are slots. */
  readonly #recent = new Uint16Array(SLOT_COUNT);
  /** The newest job that could run elsewhere, as it was posted or when that was looked at last: all after it could not. */
  #movable = NONE;
  readonly #free: number[] = [];
  #top = FIRST_SLOT;
  #posted = 0;
  #takenBack = 0;
  /** Slots without a job that the thread has still to reply to: taken back, or fetched. */
  owed = 0;

  /** The last job that a thread may have died of reading. */
  #suspect: Job | null = null;

  /** Whether such a job is there: what is posted beside it may die with the thread. */
  get holdsSuspect(): boolean {
    return this.#suspect !== null && !this.#suspect.done();
  }

  /** Whether another job can be posted. */
  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#top < this.words.length;
  }

  /** Posted jobs that the thread has not started; exact without any message, as the thread counts its starts. */
  get unstarted(): number {
    return (this.#posted - this.#takenBack - (this.words[JOBS_STARTED] as number)) | 0;
  }

  /** Posted jobs that are suspended at an await; as exact. */
  get suspended(): number {
    return this.words[SUSPENDED] as number;
  }

  /** Gives a job a slot and makes it ready to be claimed. */
  take(job: Job): number {
    const slot = this.#free.pop() ?? this.#top++;
    this.#jobs[slot] = job;
    this.#recent[this.#posted & (SLOT_COUNT - 1)] = slot;
    if (job._extra === null || !isBound(job)) this.#movable = this.#posted;
    this.#order[slot] = this.#posted++;
    this.meter.submitted[slot] = job._submitted.at;
    if (job._extra !== null && job._extra.unread > 0) this.#suspect = job;
    this.words[slot] = QUEUED;
    return slot;
  }

  /** The job of a slot, which ends now: the slot is free again. Undefined for one that was taken back, or fetched. */
  free(slot: number): Job | undefined {
    const job = this.#jobs[slot];
    if (job === undefined) this.owed--;
    this.#jobs[slot] = undefined;
    this.words[slot] = FREE;
    this.#free.push(slot);
    return job;
  }

  /** Whether all that the thread works on, or has still to begin, is known to be short. Each job is looked at once. */
  get isShort(): boolean {
    this.#lookForLong();
    const long = this.#postedAs(this.#long);
    if (long !== undefined && isQueued(this.words, long._slot)) return false;
    const slot = this.words[CURRENT] as number;
    const current = this.#jobs[slot];
    return current === undefined || (this.isKnownShort(current) && this.#hasJustBegun(slot));
  }

  /** Else it is long this time. */
  #hasJustBegun(slot: number): boolean {
    return monotonicTime() - (this.meter.begun[slot] as number) < JUST;
  }

  /** Threads start jobs in the order of posting: when the last one has started, those before it have. */
  #lookForLong(): void {
    const { forgotten } = this.#shortCalls;
    if (forgotten !== this.#forgotten) this.#looked = this.#firstUnread;
    this.#forgotten = forgotten;
    for (let n = Math.max(this.#looked, this.#posted - SLOT_COUNT, 0); n < this.#posted; n++) {
      const job = this.#postedAs(n);
      if (job !== undefined && !this.isKnownShort(job)) this.#long = n;
    }
    this.#looked = this.#posted;
  }

  /** All that was posted before that has begun, or was skipped. */
  get #firstUnread(): number {
    const before = this.#posted - this.unstarted - this.owed - this.#unsentJobs;
    return Math.max(0, before, this.#posted - SLOT_COUNT);
  }

  readonly isKnownShort = (job: Job): boolean => this.#shortCalls.has((job._code as ShippedFunction).number);

  /** The job that was posted as the one of this number, if it has not ended. */
  #postedAs(number: number): Job | undefined {
    const slot = this.#recent[number & (SLOT_COUNT - 1)] as number;
    return this.#order[slot] === number ? this.#jobs[slot] : undefined;
  }

  at(slot: number): Job | undefined {
    return this.#jobs[slot];
  }

  isStarted(slot: number): boolean {
    return isRunning(this.words, slot);
  }

  /** Takes a job back before it starts; false when it has. The slot stays taken until the thread has skipped it. */
  takeBack(slot: number): boolean {
    if (slot < FIRST_SLOT || !reclaim(this.words, slot)) return false;
    this.#jobs[slot] = undefined;
    this.#takenBack++;
    this.owed++;
    return true;
  }

  /** The job of a slot whose reply was fetched: it ends now, and the slot is free once the reply comes by message. */
  fetch(slot: number): Job | undefined {
    const job = this.#jobs[slot];
    if (job === undefined || !isRunning(this.words, slot)) return undefined;
    this.#jobs[slot] = undefined;
    this.owed++;
    return job;
  }

  /** The slots that were posted in that part of the order, and that the thread has neither claimed nor skipped. */
  unreadSlots(first: number, end: number): number[] {
    const slots: number[] = [];
    for (let n = Math.max(first, this.#posted - SLOT_COUNT); n < end; n++) {
      const slot = this.#recent[n & (SLOT_COUNT - 1)] as number;
      if (this.#order[slot] === n && !isFree(this.words, slot) && !isRunning(this.words, slot))
        slots.push(slot);
    }
    return slots;
  }

  /** A job that never reached the thread: its slot is free at once. */
  unpost(slot: number): void {
    this.#unsentJobs++;
    if (this.free(slot) !== undefined) this.#takenBack++;
  }

  /** Every job that has a slot, in the order of posting. Rare, so it scans: nothing is kept per job for it. */
  jobs(): Job[] {
    const found = this.#jobs.filter((job) => job !== undefined);
    return found.sort((a, b) => (this.#order[a._slot] as number) - (this.#order[b._slot] as number));
  }

  /**
   * Up to `most` jobs that have not started and could run elsewhere, the newest first: threads start them in the order of
   * posting. Those that cannot move are passed over once, however often it is asked.
   */
  movableJobs(most: number = Number.POSITIVE_INFINITY): Job[] {
    const found: Job[] = [];
    const oldest = this.#firstUnread;
    let newest = NONE;
    for (let n = this.#movable; n >= oldest && found.length < most; n--) {
      const job = this.#postedAs(n);
      if (job === undefined || isBound(job)) continue;
      if (!isQueued(this.words, job._slot)) break; // it has begun, and all before it
      if (newest === NONE) newest = n;
      found.push(job);
    }
    this.#movable = newest;
    return found;
  }

  /** Forgets everything, for the next session; a thread that died may still be writing, so its memory is not used again. */
  reset(died: boolean): void {
    if (died) {
      this.words = createShared();
      this.meter = this.meter.continueIn(this.words);
      this.unsent = new HeldReader(this.words);
      this.sent = new Sent(this.words);
      this.#shortCalls = new ShortCalls(this.words);
    } else {
      this.words.fill(0, 0, this.#top);
      this.unsent.forget();
      this.#shortCalls.clear(); // the next thread is another one
    }
    this.#forgotten = this.#looked = 0;
    this.#long = this.#movable = NONE;
    this.#jobs.length = 0;
    this.#order.length = 0;
    this.#free.length = 0;
    this.#top = FIRST_SLOT;
    this.#posted = 0;
    this.#takenBack = this.#unsentJobs = 0;
    this.owed = 0;
    this.#suspect = null;
  }
}

/** How fast a worker is: what is posted ahead to it, and when it is taken to be stuck in a job. */
export class Throughput {
  /** Mean milliseconds a job keeps the thread. */
  #mean = 0.1;
  #started = 0;
  #changedAt = 0;

  /** How many jobs may be posted and not started: about 1 ms of work. */
  get window(): number {
    return Math.min(MOST_AHEAD, Math.max(1, Math.ceil(AHEAD / this.#mean)));
  }

  get isLong(): boolean {
    return this.#mean >= LONG;
  }

  /** A session begins, or its thread is set up: the worker has all its time before it. */
  start(now: number): void {
    this.#changedAt = now;
  }

  /**
   * Notes that so many jobs took so many milliseconds. One slow job says little, as its thread may just have lost its
   * core; being quick cannot be luck.
   */
  learn(busy: number, ran: number): void {
    if (ran === 0) return;
    const mean = busy / ran;
    this.#mean += (mean - this.#mean) * (ran >= 8 || mean < this.#mean ? 0.5 : 0.2);
  }

  /** Whether the worker's start counter is where it was when it was looked at last. */
  standsStill(started: number): boolean {
    return started === this.#started;
  }

  /** Whether the worker's start counter has stood still for long. */
  isStuck(started: number, now: number): boolean {
    if (started !== this.#started) {
      this.#started = started;
      this.#changedAt = now;
    }
    return now - this.#changedAt > STUCK_AFTER;
  }
}
