/**
 * This is what is done to a gate, each as one section (see latch.ts): no calls and no loops between the latch and
 * DONE.
 *
 * A gate is a number of permits and a line of those who wait for one; every shared object is made of gates. A permit
 * is at any time free (VALUE), or in the hands of one thread (COUNT of its entry), so that a dead thread's permits can
 * be found. All in line up to the ticket CALLED are called at once, by one write: they are out, whatever becomes of
 * who called them, and `serve` only tells them.
 */
import { LATCH, latch, WRITTEN } from "./latch.ts";
import { ENTRY, NEXT, OF, PREV, records, SYNC, THREAD, TICKET, WAITING } from "./records.ts";
import { roster, rowOf, self } from "./roster.ts";

// The words of every shared object, after LATCH and DONE.
/** Which process memory its records are in. */
export const HOME = 2;
export const KIND = 3;
/** A number of its own. */
export const ID = 4;
/** 1 when nobody may join a line any more. */
export const CLOSED = 5;
export const FIRST_GATE = 8;

// The words of a gate.
export const VALUE = 0;
/** The most permits there can be. */
export const BOUND = 1;
/** The permits that one who passes takes: 1, or 0 where VALUE is a flag. */
export const COST = 2;
export const HEAD = 3;
export const TAIL = 4;
export const SIZE = 5;
/** The ticket given out last. */
export const TICKETS = 6;
export const CALLED = 7;
/** How the wait of those called ends. */
export const CALLED_AS = 8;
/** 1 when a holder has died and nobody was there to be told. */
export const UNTOLD = 9;
/** How many holders have died. */
export const LOST_HOLDERS = 10;
/** 1 when the death of a holder is an error for those who wait. */
export const FATAL = 11;
export const GATE_WORDS = 12;

// The words of an entry: what one thread holds.
export const HOLDER = 0;
export const COUNT = 1;
/** 1 when the holder has taken notice of what it was given. */
const NOTICED = 2;
export const ENTRY_WORDS = 3;

// How a wait ends, beside WAITING (it goes on); also what `enter` returns.
export const MUST_WAIT = 0;
export const GRANTED = 2;
export const OWNER_DIED = 3;
export const BARRIER_BROKEN = 4;
export const SHUT = 5;
const ABANDONED = 6;

/** What `give` and `call` return when nothing was done. */
export const REFUSED = -1;
/** What `serve` returns when it only took a dead thread's record out of the line. */
export const DROPPED = -2;

/** Takes a permit if one is free and nobody waits, else joins the line with a record, or without one says MUST_WAIT. */
export function enter(m: Int32Array, g: number, entry: number, record: number, sync: number): number {
  let result = WAITING;
  const hold = latch(m);
  const r = records.words;
  if (m[g + UNTOLD] !== 0) {
    m[g + UNTOLD] = 0;
    result = OWNER_DIED;
  } else if (m[g + VALUE]! > 0 && m[g + HEAD] === 0) {
    m[g + VALUE]! -= m[g + COST]!;
    m[entry + HOLDER] = self.me;
    m[entry + COUNT]! += m[g + COST]!;
    m[entry + NOTICED] = 1;
    result = GRANTED;
  } else if (m[CLOSED] !== 0) {
    result = SHUT;
  } else if (record === 0) {
    result = MUST_WAIT;
  } else {
    const tail = m[g + TAIL]!;
    const ticket = (m[g + TICKETS]! + 1) | 0;
    r[record + NEXT] = 0;
    r[record + PREV] = tail;
    r[record + TICKET] = ticket;
    r[record + SYNC] = sync;
    r[record + ENTRY] = entry;
    r[record + OF] = m[ID]!;
    r[record] = WAITING;
    if (tail === 0) m[g + CALLED] = ticket - 1;
    if (tail === 0) m[g + HEAD] = record;
    else r[tail + NEXT] = record;
    m[g + TAIL] = record;
    m[g + TICKETS] = ticket;
    m[g + SIZE]!++;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/** Ends the wait of this thread's record: returns how it ended, or WAITING when it just left the line. */
export function leave(m: Int32Array, g: number, record: number): number {
  const hold = latch(m);
  const r = records.words;
  let outcome = r[record]!;
  if (outcome === WAITING) {
    const prev = r[record + PREV]!;
    const next = r[record + NEXT]!;
    if (prev === 0) m[g + HEAD] = next;
    else r[prev + NEXT] = next;
    if (next === 0) m[g + TAIL] = prev;
    else r[next + PREV] = prev;
    m[g + SIZE]!--;
    if (((r[record + TICKET]! - m[g + CALLED]!) | 0) <= 0) outcome = m[g + CALLED_AS]!;
  } else if (outcome === GRANTED) {
    m[r[record + ENTRY]! + NOTICED] = 1;
  }
  r[record] = 0;
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return outcome;
}

/** Gives a permit back that an entry holds. Returns the head of the line, who must be served, or REFUSED. */
export function give(m: Int32Array, g: number, entry: number): number {
  let result = REFUSED;
  const hold = latch(m);
  if (m[g + VALUE]! < m[g + BOUND]!) {
    m[g + VALUE]!++;
    if (m[entry + COUNT]! > 0) m[entry + COUNT]!--;
    result = m[g + HEAD]!;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/**
 * Ends the wait of the head of the line, if it is called, or a permit is free for it, or with `forced`. Returns its
 * record, 0 when there is nothing to do, or DROPPED when the head was a dead thread's.
 */
export function serve(m: Int32Array, g: number, forced: number): number {
  const rows = rowOf(0);
  const rowWords = rowOf(1) - rows;
  let result = 0;
  let outcome = 0;
  const hold = latch(m);
  const r = records.words;
  const head = m[g + HEAD]!;
  if (head !== 0) {
    if (roster.words[rows + r[head + THREAD]! * rowWords] === 1) outcome = ABANDONED;
    else if (((r[head + TICKET]! - m[g + CALLED]!) | 0) <= 0) outcome = m[g + CALLED_AS]!;
    else if (forced !== 0) outcome = forced;
    else if (m[g + VALUE]! > 0) {
      const entry = r[head + ENTRY]!;
      m[g + VALUE]! -= m[g + COST]!;
      m[entry + HOLDER] = r[head + THREAD]!;
      m[entry + COUNT]! += m[g + COST]!;
      m[entry + NOTICED] = 0;
      outcome = GRANTED;
    }
  }
  if (outcome !== 0) {
    const next = r[head + NEXT]!;
    m[g + HEAD] = next;
    if (next === 0) m[g + TAIL] = 0;
    else r[next + PREV] = 0;
    m[g + SIZE]!--;
    r[head] = outcome;
    result = outcome === ABANDONED ? DROPPED : head;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return result;
}

/**
 * Calls all who wait, and sets the number of permits, or leaves it with -1. Returns the head of the line, who must be served, or REFUSED
 * when others are called already and must be told first.
 */
export function call(m: Int32Array, g: number, outcome: number, value: number): number {
  const hold = latch(m);
  let head = m[g + HEAD]!;
  if (head !== 0 && ((records.words[head + TICKET]! - m[g + CALLED]!) | 0) <= 0) {
    head = REFUSED;
  } else {
    if (value >= 0) m[g + VALUE] = value;
    if (head !== 0) {
      m[g + CALLED] = m[g + TICKETS]!;
      m[g + CALLED_AS] = outcome;
    }
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return head;
}

/** Takes from a dead thread what it holds. Returns how many permits came back. */
export function reclaim(m: Int32Array, g: number, entry: number): number {
  const rows = rowOf(0);
  const rowWords = rowOf(1) - rows;
  let count = 0;
  const hold = latch(m);
  if (m[entry + COUNT] !== 0 && roster.words[rows + m[entry + HOLDER]! * rowWords] === 1) {
    count = m[entry + COUNT]!;
    const sum = m[g + VALUE]! + count;
    // biome-ignore lint/complexity/useMathMinMax: a thread can be terminated at a call, see latch.ts.
    m[g + VALUE] = sum < m[g + BOUND]! ? sum : m[g + BOUND]!;
    m[entry + COUNT] = 0;
    if (m[g + FATAL] !== 0 && m[entry + NOTICED] !== 0) {
      m[g + LOST_HOLDERS]!++;
      m[g + CALLED] = m[g + TICKETS]!;
      m[g + CALLED_AS] = OWNER_DIED;
      if (m[g + HEAD] === 0) m[g + UNTOLD] = 1;
    }
    m[entry + HOLDER] = 0;
  }
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return count;
}

/** Makes an entry this thread's: one of nobody's, or of a dead thread that holds nothing. Returns whether it is. */
export function claimEntry(m: Int32Array, entry: number): boolean {
  const rows = rowOf(0);
  const rowWords = rowOf(1) - rows;
  const hold = latch(m);
  const holder = m[entry + HOLDER]!;
  if (holder === 0 || (m[entry + COUNT] === 0 && roster.words[rows + holder * rowWords] === 1)) {
    m[entry + HOLDER] = self.me;
  }
  const isMine = m[entry + HOLDER] === self.me;
  m[WRITTEN] = hold;
  Atomics.compareExchange(m, LATCH, hold, 0);
  return isMine;
}
