/**
 * These are the records of those who wait, in memory that all threads share. A record belongs to the thread that
 * waits: it takes it, others only link it into a line and write how the wait ends, and the thread itself takes it
 * back when it has read that. So a thread keeps its free records in an ordinary array.
 *
 * They come in chunks. The chunk of a dead thread goes to the next who needs one, once none of its records is in a
 * line any more: who serves a line drops the dead from it.
 */
import { ensureWords, processMemory } from "./processmemory.ts";
import { deaths, isDead, self } from "./roster.ts";

// The words of a record.
/** WAITING while it is in a line, then how the wait ended; 0 when the record is free. */
export const STATE = 0;
export const NEXT = 1;
export const PREV = 2;
/** Its number in the line: later ones are higher. */
export const TICKET = 3;
export const THREAD = 4;
/** 1 when the thread itself is blocked, so that the record must be notified and not the word of the thread. */
export const SYNC = 5;
/** Where the primitive counts what this thread holds. */
export const ENTRY = 6;
/** The primitive. */
export const OF = 7;
const RECORD_WORDS = 8;

export const WAITING = 1;

/** How long the records' memory is; a thread whose view is shorter must look again before it touches a record. */
export const MEMORY_LENGTH = 0;
/** Where the next chunk begins. */
const TOP = 1;
const HEADER = RECORD_WORDS;
const CHUNK = 64 * RECORD_WORDS;
/** The owner of a chunk, in the place of its first record. */
const OWNER = 0;

const FIRST = HEADER + CHUNK * 16;
const MOST_WAITS = 1 << 21;

export const records = processMemory("records", FIRST, MOST_WAITS * RECORD_WORDS);
Atomics.compareExchange(records.words, MEMORY_LENGTH, 0, FIRST);
Atomics.compareExchange(records.words, TOP, 0, HEADER);

const free: number[] = [];
let deathsSeen = deaths();

/** Takes a record of this thread. */
export function takeRecord(): number {
  return free.pop() ?? openChunk();
}

/** Takes a record back that is in no line. */
export function dropRecord(record: number): void {
  free.push(record);
}

function openChunk(): number {
  const chunk = inherit() ?? claimNew();
  for (let record = chunk + CHUNK - RECORD_WORDS; record > chunk; record -= RECORD_WORDS) {
    records.words[record + THREAD] = self.me;
    Atomics.store(records.words, record + STATE, 0);
    free.push(record);
  }
  return free.pop() as number;
}

function claimNew(): number {
  const chunk = Atomics.add(records.words, TOP, CHUNK);
  const end = chunk + CHUNK;
  if (!ensureWords(records, end)) {
    Atomics.sub(records.words, TOP, CHUNK);
    throw new RangeError(`Cannot wait: ${MOST_WAITS} waits for shared objects are going on already`);
  }
  publishLength();
  Atomics.store(records.words, chunk + OWNER, self.me);
  return chunk;
}

function publishLength(): void {
  const length = records.words.length;
  let known = Atomics.load(records.words, MEMORY_LENGTH);
  while (known < length) known = Atomics.compareExchange(records.words, MEMORY_LENGTH, known, length);
}

/** The chunk of a dead thread that is out of use; looked for only when somebody has died since. */
function inherit(): number | undefined {
  const now = deaths();
  if (now === deathsSeen) return undefined;
  const top = Math.min(Atomics.load(records.words, TOP), records.words.length);
  for (let chunk = HEADER; chunk + CHUNK <= top; chunk += CHUNK) {
    const owner = Atomics.load(records.words, chunk + OWNER);
    if (owner === 0 || !isDead(owner) || isInUse(chunk)) continue;
    if (Atomics.compareExchange(records.words, chunk + OWNER, owner, self.me) === owner) return chunk;
  }
  deathsSeen = now;
  return undefined;
}

function isInUse(chunk: number): boolean {
  for (let record = chunk + RECORD_WORDS; record < chunk + CHUNK; record += RECORD_WORDS) {
    if (Atomics.load(records.words, record + STATE) === WAITING) return true;
  }
  return false;
}
