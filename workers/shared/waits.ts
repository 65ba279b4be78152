/**
 * The waits of this thread's loop for shared objects, and what ends them.
 *
 * One `Atomics.waitAsync` on a word of the thread's serves all of them: when it changes, the first waits of each line are
 * looked at, as a line is served in order. Nothing else is needed to hear of a wake-up, so none can be lost; and as a
 * pending waitAsync does not keep the process alive, a timer does while there are waits.
 */

import { setInterval } from "node:timers";
import { Future, inRootContext } from "../../src/core.ts";
import { dropRecord, records, WAITING } from "./records.ts";
import { DEATHS, deaths, myWakeWord, notifyThread, roster, self } from "./roster.ts";
import { OWNER_DIED } from "./sections.ts";

/** A line in which this thread waits. */
export interface WaitingPlace {
  /** Which one it is, the same for all objects over the same memory. */
  readonly line: number;
  readonly waits: Set<Wait>;
  /** Takes the record out of the line: how the wait ended. */
  _leave(record: number): number;
  /** Looks after what dead threads have left behind. */
  _recover(): void;
  /** What is waited for, in words. */
  _what(): string;
}

/** One wait, as a future of how it ends. */
export class Wait extends Future<number> {
  /** Its record; 0 when that has been read and given back. */
  record: number;
  /** With which record its task is to wait on, as the turn that had come was taken by one that blocks the thread. */
  replacement = 0;
  /** Tells, after the death of a thread, whether the wait is to end as OWNER_DIED. */
  readonly isDoomed: (() => boolean) | null;
  readonly line: number;
  readonly #place: WaitingPlace;
  readonly #counted: { _waitOutside(change: 1 | -1): void };

  constructor(place: WaitingPlace, record: number, isDoomed: (() => boolean) | null) {
    super();
    this.#place = place;
    this.record = record;
    this.isDoomed = isDoomed;
    this.line = place.line;
    this.#counted = this._loop;
    this.#counted._waitOutside(1);
    begin(place, this);
    // With the record of another, of whose turn that may have told before.
    if (this.record !== 0 && Atomics.load(records.words, record) !== WAITING) notifyThread(self.me);
  }

  /** Whether it has ended in this way, and nobody has taken that over. */
  hasEndedAs(outcome: number): boolean {
    if (this.replacement !== 0 || this.cancelled()) return false;
    return this.record === 0
      ? this.result() === outcome
      : Atomics.load(records.words, this.record) === outcome;
  }

  /**
   * Gives the turn that has come to it to one that blocks the thread, and takes that one's record, which is in line.
   * Returns the record with the turn, or OVERTOOK when the wait was over already and only its task had not run.
   */
  changePlaces(blocked: number): number {
    const { record } = this;
    if (record === 0) {
      this.replacement = blocked;
      return OVERTOOK;
    }
    this.record = blocked;
    this.#place.waits.delete(this);
    this.#place.waits.add(this); // its place in line is behind the others of this thread
    if (Atomics.load(records.words, blocked) !== WAITING) notifyThread(self.me);
    return record;
  }

  override _tellAll(): void {
    super._tellAll();
    this.#counted._waitOutside(-1);
  }

  override _what(): string {
    return this.#place._what();
  }
}

/** Ends a wait that was cancelled: how it had ended, or WAITING when it had not. */
export function endWait(place: WaitingPlace, wait: Wait): number {
  forget(place, wait);
  if (wait.record === 0) return wait.result();
  return collect(place, wait);
}

/** Stands for the record of one that took a turn which had been told already. */
export const OVERTOOK = 0;

/** Those whose tasks have not gone on, whether they are over or not. */
const awaited = new Set<Wait>();

/** Keeps a wait until its task goes on; behind the others of its thread. */
export function keepAwaited(wait: Wait): void {
  awaited.delete(wait);
  awaited.add(wait);
}

export function dropAwaited(wait: Wait): void {
  awaited.delete(wait);
}

/** The first wait of this thread in that line that has ended so, and whose task has not gone on; or null. */
export function endedIn(line: number, outcome: number): Wait | null {
  for (const wait of awaited) if (wait.line === line && wait.hasEndedAs(outcome)) return wait;
  return null;
}

/**
 * Settles what has ended, if the word has changed: done whenever this thread uses a shared object, as that it
 * has changed is told only when the loop turns.
 */
export function listenNow(): void {
  if (waits === 0) return;
  const wakes = Atomics.load(roster.words, myWakeWord);
  if (wakes === wakesSeen) return;
  wakesSeen = wakes;
  look();
}

/** Wakes whoever waits with this record, in whichever thread. */
export function wake(thread: number): void {
  if (thread !== self.me) notifyThread(thread);
  else for (const look of lookers()) look();
}

const places = new Set<WaitingPlace>();
let waits = 0;
let wakesSeen = 0;
let keepAlive: NodeJS.Timeout | null = null;

function begin(place: WaitingPlace, wait: Wait): void {
  place.waits.add(wait);
  places.add(place);
  if (++waits === 1) stayAlive();
  inRootContext(listen);
}

function forget(place: WaitingPlace, wait: Wait): void {
  if (!place.waits.delete(wait)) return;
  if (place.waits.size === 0) places.delete(place);
  if (--waits === 0) keepAlive?.unref();
}

function stayAlive(): void {
  if (keepAlive === null) keepAlive = inRootContext(() => setInterval(() => {}, 2 ** 30));
  else keepAlive.ref();
}

/** Settles what has ended. */
function look(): void {
  for (const place of places) {
    for (const wait of place.waits) {
      if (Atomics.load(records.words, wait.record) !== WAITING) settle(place, wait);
      else if (!wait.done()) break;
    }
  }
}

/** A cancelled one is left to its task, which comes soon and passes on what it was given. */
function settle(place: WaitingPlace, wait: Wait): void {
  if (wait.done()) return;
  forget(place, wait);
  wait.setResult(collect(place, wait));
}

/** Ends the waits that the death of a thread has made hopeless. */
function endDoomed(place: WaitingPlace): void {
  for (const wait of place.waits) {
    if (wait.done() || wait.isDoomed?.() !== true) continue;
    forget(place, wait);
    const outcome = collect(place, wait);
    wait.setResult(outcome === WAITING ? OWNER_DIED : outcome);
  }
}

function collect(place: WaitingPlace, wait: Wait): number {
  const { record } = wait;
  const outcome = place._leave(record);
  dropRecord(record);
  wait.record = 0;
  return outcome;
}

/** A word in shared memory, and what is done whenever it has changed while there are waits. */
class Listener {
  readonly #word: number;
  readonly #changed: () => void;
  #isListening = false;

  constructor(word: number, changed: () => void) {
    this.#word = word;
    this.#changed = changed;
  }

  listen(): void {
    while (!this.#isListening) {
      const seen = Atomics.load(roster.words, this.#word);
      this.#changed();
      if (waits === 0) return;
      const { async, value } = Atomics.waitAsync(roster.words, this.#word, seen);
      if (!async) continue;
      this.#isListening = true;
      value.then(this.#rung);
    }
  }

  readonly #rung = (): void => {
    this.#isListening = false;
    this.listen();
  };
}

let deathsSeen = deaths();

function recover(): void {
  const now = deaths();
  if (now === deathsSeen) return;
  deathsSeen = now;
  for (const place of places) {
    place._recover();
    endDoomed(place);
  }
  // Who died may have ended a wait of ours and not come to notify us.
  look();
}

const listener = new Listener(myWakeWord, look);
const deathBell = new Listener(DEATHS, recover);

function listen(): void {
  listener.listen();
  deathBell.listen();
}

/** Every copy of this module in the thread, as bundlers make some: each knows its own waits only. */
function lookers(): Set<() => void> {
  const key = Symbol.for("threadloop.lookers.1");
  const all = globalThis as { [key: symbol]: Set<() => void> | undefined };
  all[key] ??= new Set();
  return all[key];
}

lookers().add(look);
