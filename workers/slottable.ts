// The host's side of the slots: which job has which, which are free, and how many have not started.

import { HeldReader } from "./held.ts";
import type { Job } from "./job.ts";
import { Meter, slotsIn } from "./observe/meter.ts";
import { SENT_END, Sent } from "./sent.ts";
import {
  FIRST_SLOT,
  isFree,
  isQueued,
  isRunning,
  offer,
  PULSE,
  reclaim,
  release,
  SLOT_COUNT,
  type Slots,
  SUSPENDED,
} from "./slots.ts";

/** The pages of it appear when they are touched. */
function createShared(): Slots {
  return slotsIn(new SharedArrayBuffer(SENT_END));
}

export class SlotTable {
  /** Shared with the thread. */
  words: Slots = createShared();
  /** When the jobs were submitted and begun, beside the slots. */
  meter: Meter = new Meter(this.words);
  /** What the thread has not sent yet. */
  unsent: HeldReader = new HeldReader(this.words);
  /** What its last messages brought. */
  sent: Sent = new Sent(this.words);
  readonly #jobs: (Job | undefined)[] = [];
  /** When the job of each slot was posted, as a running number. */
  readonly #order: number[] = [];
  /** The slots in the order of posting, as far back as there are slots. */
  readonly #recent = new Uint16Array(SLOT_COUNT);
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
    return (this.#posted - this.#takenBack - (this.words[PULSE] as number)) | 0;
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
    this.#order[slot] = this.#posted++;
    this.meter.submitted[slot] = job._submitted.at;
    if (job._extra !== null && job._extra.unread > 0) this.#suspect = job;
    offer(this.words, slot);
    return slot;
  }

  /** The job of a slot, which ends now: the slot is free again. Undefined for one that was taken back, or fetched. */
  free(slot: number): Job | undefined {
    const job = this.#jobs[slot];
    if (job === undefined) this.owed--;
    this.#jobs[slot] = undefined;
    release(this.words, slot);
    this.#free.push(slot);
    return job;
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
    if (this.free(slot) !== undefined) this.#takenBack++;
  }

  /** Every job that has a slot, in the order of posting. Rare, so it scans: nothing is kept per job for it. */
  jobs(): Job[] {
    const found = this.#jobs.filter((job) => job !== undefined);
    return found.sort((a, b) => (this.#order[a._slot] as number) - (this.#order[b._slot] as number));
  }

  /** The jobs that have not started, the newest first: threads start them in the order of posting. */
  unstartedJobs(): Job[] {
    const found: Job[] = [];
    const oldest = Math.max(0, this.#posted - SLOT_COUNT);
    for (let n = this.#posted - 1; n >= oldest && found.length < this.unstarted; n--) {
      const slot = this.#recent[n & (SLOT_COUNT - 1)] as number;
      const job = this.#order[slot] === n ? this.#jobs[slot] : undefined;
      if (job !== undefined && isQueued(this.words, slot)) found.push(job);
    }
    return found;
  }

  /** Forgets everything, for the next session; a thread that died may still be writing, so its memory is not used again. */
  reset(died: boolean): void {
    if (died) {
      this.words = createShared();
      this.meter = this.meter.continueIn(this.words);
      this.unsent = new HeldReader(this.words);
      this.sent = new Sent(this.words);
    } else {
      this.words.fill(0, 0, this.#top);
      this.unsent.forget();
    }
    this.#jobs.length = 0;
    this.#order.length = 0;
    this.#free.length = 0;
    this.#top = FIRST_SLOT;
    this.#posted = 0;
    this.#takenBack = 0;
    this.owed = 0;
    this.#suspect = null;
  }
}
