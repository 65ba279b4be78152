/**
 * This is what is done to a shared queue, each as one section (see latch.ts).
 *
 * An item is a chunk of the area in a linked list; ITEMS counts those that nobody has been promised, ROOM the free
 * places. The permit of a place is in the hands of who puts, then in the item, then in the hands of who takes; HANDS
 * counts what each thread has taken and not called done. So whoever dies, everything is found again but what it had
 * in its hands.
 */
import { CLASSES, NEXT_CHUNK, wordsOf } from "./area.ts";
import { LATCH, latch, WRITTEN } from "./latch.ts";
import { OWN } from "./memory.ts";
import { records, TICKET } from "./records.ts";
import { roster, rowOf, self } from "./roster.ts";
import * as s from "./sections.ts";

const FIRST = OWN;
const LAST = OWN + 1;
export const UNFINISHED = OWN + 2;
export const MAXSIZE = OWN + 3;
/** Where memory begins that was never used. */
const TOP = OWN + 4;
/** How long the area is. */
export const AREA_LENGTH = OWN + 5;
const FREE = OWN + 6;
export const OWN_WORDS = 6 + CLASSES;

/** This thread must refresh its view of the area and try again. */
export const STALE = -3;

/** The first word of the area that is used: 0 is nothing. */
const FIRST_CHUNK = 16;

/** Prepares the memory of a new queue. */
export function setUp(m: Int32Array, maxsize: number, length: number): void {
  m[MAXSIZE] = maxsize;
  m[TOP] = FIRST_CHUNK;
  m[AREA_LENGTH] = length;
}

/** Takes a chunk of a class; 0 when the area must grow first. */
export function allocate(m: Int32Array, a: Int32Array, chunkClass: number): number {
  const words = wordsOf(chunkClass);
  const free = FREE + chunkClass;
  let chunk = 0;
  const hold = latch(m);
  if (m[free] !== 0) {
    chunk = m[free]!;
    if (chunk < a.length) m[free] = a[chunk + NEXT_CHUNK]!;
    else chunk = STALE;
  } else if (m[TOP]! + words <= m[AREA_LENGTH]!) {
    chunk = m[TOP]!;
    m[TOP] = chunk + words;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return chunk;
}

/** How long the area must be for one more chunk of this class. */
export function lengthFor(m: Int32Array, chunkClass: number): number {
  return Atomics.load(m, TOP) + wordsOf(chunkClass);
}

/** Gives a chunk back. */
export function release(m: Int32Array, a: Int32Array, chunk: number, chunkClass: number): void {
  const hold = latch(m);
  a[chunk + NEXT_CHUNK] = m[FREE + chunkClass]!;
  m[FREE + chunkClass] = chunk;
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
}

/** Appends an item. Returns the first who waits for one and must be served, REFUSED when it is shut down, or STALE. */
export function append(
  m: Int32Array,
  a: Int32Array,
  chunk: number,
  items: number,
  join: number,
  roomEntry: number,
): number {
  let result = s.REFUSED;
  const hold = latch(m);
  const last = m[LAST]!;
  if (last >= a.length) {
    result = STALE;
  } else if (m[s.CLOSED] === 0) {
    a[chunk + NEXT_CHUNK] = 0;
    if (last === 0) m[FIRST] = chunk;
    else a[last + NEXT_CHUNK] = chunk;
    m[LAST] = chunk;
    m[UNFINISHED]!++;
    m[join + s.VALUE] = 0;
    m[items + s.VALUE]!++;
    if (m[roomEntry + s.COUNT]! > 0) m[roomEntry + s.COUNT]!--;
    result = m[items + s.HEAD]!;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/** Takes the first item, which this thread was promised. Returns its chunk, 0 when it was dropped meanwhile, or STALE. */
export function take(
  m: Int32Array,
  a: Int32Array,
  itemsEntry: number,
  roomEntry: number,
  handsEntry: number,
): number {
  const hold = latch(m);
  let chunk = m[FIRST]!;
  if (chunk >= a.length) {
    chunk = STALE;
  } else {
    m[itemsEntry + s.COUNT]!--;
    if (chunk !== 0) {
      const next = a[chunk + NEXT_CHUNK]!;
      m[FIRST] = next;
      if (next === 0) m[LAST] = 0;
      m[roomEntry + s.HOLDER] = self.me;
      m[roomEntry + s.COUNT]!++;
      m[handsEntry + s.HOLDER] = self.me;
      m[handsEntry + s.COUNT]!++;
    }
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return chunk;
}

/** Drops the first item. Returns its chunk, 0 when there is none, or STALE. */
export function drop(m: Int32Array, a: Int32Array, items: number): number {
  const hold = latch(m);
  let chunk = m[FIRST]!;
  if (chunk >= a.length) {
    chunk = STALE;
  } else if (chunk !== 0) {
    const next = a[chunk + NEXT_CHUNK]!;
    m[FIRST] = next;
    if (next === 0) m[LAST] = 0;
    if (m[items + s.VALUE]! > 0) m[items + s.VALUE]!--;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return chunk;
}

/** Counts an item as dealt with. Returns the first who joins and must be served, or REFUSED when there is none open. */
export function finish(m: Int32Array, join: number, handsEntry: number): number {
  let result = s.REFUSED;
  const hold = latch(m);
  if (m[UNFINISHED]! > 0) {
    m[UNFINISHED]!--;
    if (m[handsEntry + s.COUNT]! > 0) m[handsEntry + s.COUNT]!--;
    result = 0;
    if (m[UNFINISHED] === 0) {
      result = m[join + s.HEAD]!;
      m[join + s.VALUE] = 1;
      m[join + s.CALLED] = m[join + s.TICKETS]!;
      m[join + s.CALLED_AS] = s.GRANTED;
    }
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/** Counts what a dead thread had in its hands as dealt with, and tells those who join, or the next who does. */
export function lose(m: Int32Array, join: number, handsEntry: number): void {
  const rows = rowOf(0);
  const rowWords = rowOf(1) - rows;
  const hold = latch(m);
  const count = m[handsEntry + s.COUNT]!;
  if (count !== 0 && roster.words[rows + m[handsEntry + s.HOLDER]! * rowWords] === 1) {
    const head = m[join + s.HEAD]!;
    const left = m[UNFINISHED]! - count;
    // biome-ignore lint/complexity/useMathMinMax: a thread can be terminated at a call, see latch.ts.
    m[UNFINISHED] = left > 0 ? left : 0;
    if (left <= 0) m[join + s.VALUE] = 1;
    if (head === 0 || ((records.words[head + TICKET]! - m[join + s.CALLED]!) | 0) <= 0)
      m[join + s.UNTOLD] = 1;
    else {
      m[join + s.CALLED] = m[join + s.TICKETS]!;
      m[join + s.CALLED_AS] = s.OWNER_DIED;
    }
    m[handsEntry + s.COUNT] = 0;
    m[handsEntry + s.HOLDER] = 0;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
}
