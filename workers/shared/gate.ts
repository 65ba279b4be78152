/**
 * A gate is one line of those who wait, in front of a number of permits, as one thread sees it. Every shared object is
 * made of gates, so that what is hard about waiting is written once, here: how to wait, to be cancelled, to wake others
 * and to look after the dead.
 *
 * That is the plan of trio's `ParkingLot`, under every lock of trio, and of WebKit's, from which it has its name; but here
 * those who wait are tasks and blocked threads of the whole process, so the line is in shared memory. Two things follow:
 * - A thread may die between any two writes. Each change is therefore a section (`sections`) that whoever comes next can
 *   finish, and every permit is known by its owner, as the robust mutexes of POSIX list what a thread holds: the next in
 *   line gets what a dead one held, and is told so (OWNER_DIED).
 * - A wait may be cancelled at the moment in which its turn comes. Whoever leaves the line with a turn that he will not
 *   use passes it on, which is why `_leave` returns how the wait had ended.
 *
 * A loop that waits is woken over one word of its thread (`roster`), a thread that is blocked over the word of its record.
 */
import { inspect } from "node:util";
import { RuntimeError } from "../../src/core.ts";
import { block } from "./blocking.ts";
import { dropRecord, records, SYNC, THREAD, takeRecord, WAITING } from "./records.ts";
import { deaths, self } from "./roster.ts";
import * as s from "./sections.ts";
import { callSteps, notifySteps, recoverSteps, type Steps, serveSteps, shutSteps } from "./steps.ts";
import {
  dropAwaited,
  endedIn,
  endWait,
  keepAwaited,
  listenNow,
  OVERTOOK,
  Wait,
  type WaitingPlace,
  wake,
} from "./waits.ts";

/** More words than an object has. */
const LONGEST_OBJECT = 2 ** 16;

/** Where a gate lies in the words of its object. */
export interface GatePlace {
  /** The first word. */
  readonly at: number;
  /** The first of its entries, and how many there are; one only is for all threads, as one at a time holds anything. */
  readonly entries: number;
  readonly entryCount: number;
}

/** How somebody waits. */
export interface WaitKind {
  /** Is called for a turn that came to somebody who was cancelled at that moment. */
  readonly passOn: (outcome: number) => void;
  /** The section with which this object joins the line, when it is not `enter`. */
  readonly join?: (record: number, sync: number) => number;
  /** Tells, after the death of a thread, whether the wait is to end as OWNER_DIED. */
  readonly isDoomed?: (() => boolean) | null;
  /** Tells, of a wait that blocks this thread, whether it waits for the thread itself: then it ends as MUST_WAIT. */
  readonly isStuck?: () => boolean;
  /** Whether a wait that blocks this thread ends when its job is cancelled. Default true. */
  readonly isCancellable?: boolean;
}

export class Gate implements WaitingPlace {
  readonly line: number;
  readonly waits = new Set<Wait>();
  readonly m: Int32Array;
  readonly at: number;
  /** What else is looked after when a thread has died. */
  afterDeath: (() => void) | null = null;
  /** Takes from an entry what a dead thread holds. */
  reclaim = (entry: number): void => {
    s.reclaim(this.m, this.at, entry);
  };
  readonly #place: GatePlace;
  #purpose = "turn";
  #owner: object | null = null;
  #entry = 0;
  #deathsSeen = 0;

  constructor(m: Int32Array, place: GatePlace) {
    this.m = m;
    this.at = place.at;
    this.line = m[s.ID]! * LONGEST_OBJECT + place.at;
    this.#place = place;
    if (place.entryCount <= 1) this.#entry = place.entries;
  }

  /** Says what a report on a task calls a wait here: the purpose, and the object that this gate is of. */
  named(purpose: string, owner: object): this {
    this.#purpose = purpose;
    this.#owner = owner;
    return this;
  }

  /** The permits that are free. */
  get value(): number {
    return Atomics.load(this.m, this.at + s.VALUE);
  }

  /** How many wait. */
  get size(): number {
    return Atomics.load(this.m, this.at + s.SIZE);
  }

  /** Whether one who comes now has to wait. */
  get isShut(): boolean {
    return this.value <= 0 || this.size > 0;
  }

  /** How many holders have died. */
  get lost(): number {
    return Atomics.load(this.m, this.at + s.LOST_HOLDERS);
  }

  /** Whether this thread holds the one permit there is. */
  get isHeldHere(): boolean {
    return this.value === 0 && this.m[this.#place.entries + s.HOLDER] === self.me;
  }

  /** Where this thread's permits are counted. */
  get entry(): number {
    if (this.#entry === 0) this.#entry = this.#claimEntry();
    return this.#entry;
  }

  /** Takes a permit at once: GRANTED, or how the wait ended before it began, or MUST_WAIT. */
  enter(): number {
    listenNow();
    const result = s.enter(this.m, this.at, this.entry, 0, 0);
    if (result !== s.MUST_WAIT || !this.recover()) return result;
    return s.enter(this.m, this.at, this.entry, 0, 0);
  }

  /** Joins the line and waits in it; tells how that ended. */
  async wait({ passOn, join = this.#join, isDoomed = null }: WaitKind): Promise<number> {
    let record = takeRecord();
    const result = this.#joined(record, join);
    if (result !== WAITING) return result;
    for (;;) {
      const wait = new Wait(this, record, isDoomed);
      keepAwaited(wait);
      try {
        const outcome = await wait;
        if (wait.replacement === 0) return outcome;
      } catch (error) {
        const outcome = wait.replacement === 0 ? endWait(this, wait) : this.#collect(wait.replacement);
        if (outcome !== WAITING) passOn(outcome);
        throw error;
      } finally {
        dropAwaited(wait);
      }
      record = wait.replacement;
    }
  }

  /**
   * The same, blocking the thread. A turn that comes to a task of this very thread, which cannot run meanwhile, is taken
   * by whoever blocks it; the task waits on in the place of the blocked one.
   */
  waitSync(timeout: number | null, waiting: WaitKind): number {
    const { passOn, join = this.#join, isDoomed, isStuck, isCancellable = true } = waiting;
    let record = takeRecord();
    const result = this.#joined(record, (taken) => join(taken, 1));
    if (result !== WAITING) return result;
    let stuck = false;
    const isOver = () => {
      record = this.#overtake(record);
      if (record === OVERTOOK || Atomics.load(records.words, record) !== WAITING) return true;
      stuck = isStuck?.() === true;
      return stuck || (this.recover() && isDoomed?.() === true);
    };
    try {
      if (!isOver()) block(record, { timeout, isCancellable, isOver });
    } catch (error) {
      const outcome = this.#collect(record);
      if (outcome !== WAITING) passOn(outcome);
      throw error;
    }
    if (record === OVERTOOK) return s.GRANTED;
    const outcome = this.#collect(record);
    if (outcome !== WAITING) return outcome;
    return stuck ? s.MUST_WAIT : s.OWNER_DIED;
  }

  /** Changes places with a task of this thread whose turn has come: the record of the blocked one, or OVERTOOK. */
  #overtake(blocked: number): number {
    if (Atomics.load(records.words, blocked) !== WAITING) return blocked;
    const wait = endedIn(this.line, s.GRANTED);
    if (wait === null) return blocked;
    Atomics.store(records.words, blocked + SYNC, 0);
    const record = wait.changePlaces(blocked);
    keepAwaited(wait); // it is behind the others of this thread now
    return record;
  }

  /** Gives a permit back and serves who waits; false when there are as many as there can be. */
  give(entry: number = this.entryToGive()): boolean {
    listenNow();
    const head = s.give(this.m, this.at, entry);
    if (head > 0) this.serve();
    return head !== s.REFUSED;
  }

  /** Wakes all who wait, and sets the number of permits, or leaves it with -1. */
  call(outcome: number, value: number): void {
    wakeEach(callSteps(this.m, this.at, outcome, value));
  }

  /** Sends away all who wait, but whoever was promised something gets it. */
  shut(): void {
    wakeEach(shutSteps(this.m, this.at));
  }

  /** Wakes the first so many who wait, without a permit. */
  notify(count: number): void {
    wakeEach(notifySteps(this.m, this.at, count));
  }

  /** Tells all whose turn it is. */
  serve(): void {
    wakeEach(serveSteps(this.m, this.at));
  }

  /** Takes back what threads hold that have died since the last time; true when some have. */
  recover(): boolean {
    const now = deaths();
    if (now === this.#deathsSeen) return false;
    this.#deathsSeen = now;
    wakeEach(recoverSteps(this.m, this.at, this.#entries(), this.reclaim));
    this.afterDeath?.();
    return true;
  }

  /** Takes the permits away. */
  clear(): void {
    Atomics.store(this.m, this.at + s.VALUE, 0);
  }

  _leave(record: number): number {
    return s.leave(this.m, this.at, record);
  }

  _recover(): void {
    this.recover();
  }

  _what(): string {
    return `${this.#purpose} of ${inspect(this.#owner)}`;
  }

  readonly #join = (record: number, sync: number): number =>
    s.enter(this.m, this.at, this.entry, record, sync);

  #collect(record: number): number {
    const outcome = s.leave(this.m, this.at, record);
    dropRecord(record);
    return outcome;
  }

  #joined(record: number, join: (record: number, sync: number) => number): number {
    this.recover();
    try {
      const result = join(record, 0);
      if (result !== WAITING) dropRecord(record);
      return result;
    } catch (error) {
      dropRecord(record);
      throw error;
    }
  }

  *#entries(): Generator<number> {
    const { entries, entryCount } = this.#place;
    for (let i = 0; i < entryCount; i++) yield entries + i * s.ENTRY_WORDS;
  }

  #claimEntry(): number {
    for (const entry of this.#entries()) if (this.m[entry + s.HOLDER] === self.me) return entry;
    for (const entry of this.#entries()) if (s.claimEntry(this.m, entry)) return entry;
    if (this.recover()) return this.#claimEntry();
    throw new RuntimeError(
      `Expected at most ${this.#place.entryCount} threads to use one shared object at a time`,
    );
  }

  /** The entry that loses a permit: this thread's, or when it holds none, that of some thread that does. */
  entryToGive(): number {
    const own = this.entry;
    if (this.#place.entryCount <= 1 || this.m[own + s.COUNT] !== 0) return own;
    for (const entry of this.#entries()) if (this.m[entry + s.COUNT] !== 0) return entry;
    return own;
  }
}

/** Goes through the steps, and wakes those who are to be woken, in whichever thread. */
export function wakeEach<T>(steps: Steps<T>): T {
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) {
    const record = step.value;
    if (record <= 0) continue;
    const r = records.words;
    if (Atomics.load(r, record + SYNC) === 0) wake(r[record + THREAD]!);
    else Atomics.notify(r, record);
  }
  return step.value;
}
