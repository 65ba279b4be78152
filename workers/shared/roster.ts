/**
 * These are the threads of the process in shared memory: which of them are dead, and a word for each, by which
 * another thread wakes the waits in it.
 *
 * A thread's death is seen by the thread that started it: `process` tells of every Worker that is made, whoever makes
 * it, and the Worker tells of its end. So a thread is watched if its parent had loaded this module when it started the
 * thread; main does when it imports threadloop.
 */
import { threadId, type Worker } from "node:worker_threads";
import { ensureWords, processMemory, refresh } from "./processmemory.ts";

/** Counts the deaths; who waits for something watches it. */
export const DEATHS = 0;
/** A number that tells the threads of one process memory from those of another. */
const HOME = 1;
/** The highest thread id that was seen. */
const LAST = 2;
const ROWS = 8;
const ROW_WORDS = 4;
// The words of a row.
const DEAD = 0;
const WAKES = 1;
const PARENT = 2;

const MOST_THREADS = 1 << 21;

/** Who is asking: the number of this thread in shared memory, where 0 is nobody. The model of the tests changes it. */
export const self = { me: threadId + 1 };

export const roster = processMemory("roster", ROWS + 1024 * ROW_WORDS, ROWS + MOST_THREADS * ROW_WORDS);

Atomics.compareExchange(roster.words, HOME, 0, 1 + Math.floor(Math.random() * 0x7ffffffe));
/** Which process memory this thread uses. */
export const home = Atomics.load(roster.words, HOME);

ensureRow(self.me);
/** The word that is changed to wake this thread. */
export const myWakeWord = rowOf(self.me) + WAKES;

process.on("worker", watch);

/** Where the row of a thread begins; its first word is 1 when the thread is dead. */
export function rowOf(thread: number): number {
  return ROWS + thread * ROW_WORDS;
}

/** Whether a thread is known to be dead. */
export function isDead(thread: number): boolean {
  const row = rowOf(thread);
  if (row >= roster.words.length) refresh(roster);
  return row < roster.words.length && Atomics.load(roster.words, row + DEAD) === 1;
}

/** Wakes the waits of another thread. */
export function notifyThread(thread: number): void {
  ensureRow(thread);
  const word = rowOf(thread) + WAKES;
  Atomics.add(roster.words, word, 1);
  Atomics.notify(roster.words, word);
}

/** How many deaths there have been. */
export function deaths(): number {
  return Atomics.load(roster.words, DEATHS);
}

/** Says that a thread, and with it every thread it had started, is dead, and wakes all who wait for something. */
function markDead(thread: number): void {
  bury(thread);
  Atomics.add(roster.words, DEATHS, 1);
  Atomics.notify(roster.words, DEATHS);
}

function bury(thread: number): void {
  Atomics.store(roster.words, rowOf(thread) + DEAD, 1);
  const last = Atomics.load(roster.words, LAST);
  ensureRow(last);
  for (let child = thread + 1; child <= last; child++) {
    if (Atomics.load(roster.words, rowOf(child) + PARENT) !== thread) continue;
    if (!isDead(child)) bury(child);
  }
}

function watch(worker: Worker): void {
  const thread = worker.threadId + 1;
  ensureRow(thread);
  Atomics.store(roster.words, rowOf(thread) + PARENT, self.me);
  worker.once("exit", () => markDead(thread));
}

function ensureRow(thread: number): void {
  const end = rowOf(thread + 1);
  if (end > roster.words.length && !ensureWords(roster, end)) {
    throw new RangeError(`Expected at most ${MOST_THREADS} threads in the life of a process`);
  }
  let last = Atomics.load(roster.words, LAST);
  while (last < thread) last = Atomics.compareExchange(roster.words, LAST, last, thread);
}
