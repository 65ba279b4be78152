/**
 * This is the latch of a shared object: who holds it may change the object's words and the records in its lines.
 *
 * A thread can be terminated at any call and at any turn of a loop. So what is done under a latch has neither: a
 * *section* takes the latch, goes straight on to `m[DONE] = hold` and lets the latch go, all in one function. A thread
 * that dies in between dies at the last call, after DONE, when everything is written. Whoever finds a latch held by
 * somebody who has reached DONE may therefore take it over, dead or only late, without asking which.
 *
 * Sections are some 50 ns long, so others spin for the latch; they sleep when its holder has lost its core.
 */
import { monotonicTime, RuntimeError } from "../../src/core.ts";
import { refresh } from "./processmemory.ts";
import { MEMORY_LENGTH, records } from "./records.ts";
import { isDead, self } from "./roster.ts";

// The first words of every shared object.
/** 0, or the hold: who has the latch, and for which time. */
export const LATCH = 0;
/** The last hold that has written everything. */
export const WRITTEN = 1;

const HOLD_BITS = 9;
const SPINS = 100;
/** Milliseconds. */
const NAP = 0.5;
const GIVE_UP_AFTER = 10_000;

let holds = 0;

/** Takes the latch, and sees to it that this thread sees all records. Returns the hold. */
export function latch(m: Int32Array): number {
  const hold = (self.me << HOLD_BITS) | (++holds & ((1 << HOLD_BITS) - 1));
  for (let tries = 0; ; tries++) {
    if (Atomics.compareExchange(m, LATCH, 0, hold) !== 0 && !(tries > SPINS && takeOver(m, hold))) continue;
    if (records.words.length >= (records.words[MEMORY_LENGTH] as number)) return hold;
    m[WRITTEN] = hold;
    Atomics.compareExchange(m, LATCH, hold, 0);
    refresh(records);
  }
}

/** Sleeps a little; takes the latch of one who had nothing left to do but let it go. */
function takeOver(m: Int32Array, hold: number): boolean {
  const begin = monotonicTime();
  const held = Atomics.load(m, LATCH);
  for (;;) {
    const isDone = Atomics.load(m, WRITTEN) === held;
    Atomics.wait(m, LATCH, held, NAP);
    const now = Atomics.load(m, LATCH);
    if (now !== held || held === 0) return false;
    if (isDone || isDead(held >>> HOLD_BITS)) return Atomics.compareExchange(m, LATCH, held, hold) === held;
    if (monotonicTime() - begin > GIVE_UP_AFTER) {
      throw new RuntimeError(
        `Thread ${(held >>> HOLD_BITS) - 1} has stopped in the middle of a shared object's change`,
      );
    }
  }
}
