/**
 * This is what is done to a barrier, each as one section (see latch.ts). Its gate has no permits: only a line that
 * is called.
 */
import { LATCH, latch, WRITTEN } from "./latch.ts";
import { ENTRY, NEXT, OF, PREV, records, SYNC, THREAD, TICKET, WAITING } from "./records.ts";
import { roster, rowOf } from "./roster.ts";
import * as s from "./sections.ts";

/** The index of who arrives is put above so many bits of the result. */
export const INDEX_SHIFT = 4;

/** How the arrival went, without the index. */
export function statusOf(result: number): number {
  return result & ((1 << INDEX_SHIFT) - 1);
}

/**
 * Joins the line, or calls it when this is the last one. Returns WAITING, GRANTED (the last one), BROKEN, MUST_WAIT
 * (without a record), or REFUSED when others are called already and must be told first; and the index above that.
 */
export function arrive(m: Int32Array, g: number, parties: number, record: number, sync: number): number {
  let result = s.REFUSED;
  const hold = latch(m);
  const r = records.words;
  const head = m[g + s.HEAD]!;
  const index = m[g + s.SIZE]!;
  if (head !== 0 && ((r[head + TICKET]! - m[g + s.CALLED]!) | 0) <= 0) {
    result = s.REFUSED;
  } else if (m[s.CLOSED] !== 0) {
    result = s.BARRIER_BROKEN;
  } else if (index + 1 === parties) {
    m[g + s.CALLED] = m[g + s.TICKETS]!;
    m[g + s.CALLED_AS] = s.GRANTED;
    result = s.GRANTED | (index << INDEX_SHIFT);
  } else if (record === 0) {
    result = s.MUST_WAIT;
  } else {
    const tail = m[g + s.TAIL]!;
    const ticket = (m[g + s.TICKETS]! + 1) | 0;
    r[record + NEXT] = 0;
    r[record + PREV] = tail;
    r[record + TICKET] = ticket;
    r[record + SYNC] = sync;
    r[record + ENTRY] = g + s.GATE_WORDS;
    r[record + OF] = m[s.ID]!;
    r[record] = WAITING;
    if (tail === 0) m[g + s.CALLED] = ticket - 1;
    if (tail === 0) m[g + s.HEAD] = record;
    else r[tail + NEXT] = record;
    m[g + s.TAIL] = record;
    m[g + s.TICKETS] = ticket;
    m[g + s.SIZE]!++;
    result = WAITING | (index << INDEX_SHIFT);
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/**
 * Breaks the barrier if this record waits in it for a dead thread. Returns the head of the line, who must be served, 0
 * when it does not, or REFUSED as `arrive` does.
 */
export function breakIfDead(m: Int32Array, g: number, record: number): number {
  const rows = rowOf(0);
  const rowWords = rowOf(1) - rows;
  let result = 0;
  const hold = latch(m);
  const r = records.words;
  const head = m[g + s.HEAD]!;
  if (head !== 0 && ((r[head + TICKET]! - m[g + s.CALLED]!) | 0) <= 0) {
    result = s.REFUSED;
  } else if (r[record] === WAITING && r[record + OF] === m[s.ID]) {
    if (roster.words[rows + r[record + THREAD]! * rowWords] === 1) {
      m[s.CLOSED] = 1;
      m[g + s.CALLED] = m[g + s.TICKETS]!;
      m[g + s.CALLED_AS] = s.OWNER_DIED;
      result = head;
    }
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/**
 * Sends all who wait away, and shuts the barrier or opens it, in one: a thread that dies meanwhile has done both or
 * nothing. Returns the head of the line, who must be served, or REFUSED as `arrive` does.
 */
export function sendAway(m: Int32Array, g: number, closed: number): number {
  const hold = latch(m);
  let head = m[g + s.HEAD]!;
  if (head !== 0 && ((records.words[head + TICKET]! - m[g + s.CALLED]!) | 0) <= 0) {
    head = s.REFUSED;
  } else {
    m[s.CLOSED] = closed;
    m[g + s.CALLED] = m[g + s.TICKETS]!;
    m[g + s.CALLED_AS] = s.BARRIER_BROKEN;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return head;
}
