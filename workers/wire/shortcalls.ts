// Which functions are known to be short, in the memory that a thread shares with its host: their last calls in this thread
// were, one after the other. A job that cannot be taken back may be posted behind such, as it waits there hardly longer
// than its message takes.
//
//     how often one was forgotten, and for each of the first functions of the pool: known (Uint8)

import { SENT_END } from "./sent.ts";
import type { Slots } from "./slots.ts";

/** A call that keeps the thread for less is short; so many of them say that the next one is. */
const SHORT = 0.05;
const KNOWN_AFTER = 8;
/** One such call, and nothing is known of its function. What is between says little: the thread may have lost its core. */
const LONG = 0.5;
/** Functions with a higher number are never known: a program has fewer. */
const FUNCTIONS = 4096;
/** Where the memory that a thread shares with its host ends. */
export const SHORT_CALLS_END: number = SENT_END + FUNCTIONS;

/** A function as it is counted here. */
interface Counted {
  readonly number: number;
  /** How many of its last calls were short, as far as they are counted. */
  shortCalls: number;
}

/** In place of OWN_FUNCTION, of which nothing is ever known. */
const FORGOTTEN = 0;

export class ShortCalls {
  readonly #known: Uint8Array;

  constructor(slots: Slots) {
    this.#known = new Uint8Array(slots.buffer, SENT_END, FUNCTIONS);
  }

  /** Thread: a call of this function took so long. */
  note(callee: Counted, took: number): void {
    if (took >= LONG) this.#forget(callee);
    else if (took >= SHORT) return;
    else if (callee.shortCalls < KNOWN_AFTER) callee.shortCalls++;
    else if (this.#known[callee.number] === 0) this.#known[callee.number] = 1;
  }

  #forget(callee: Counted): void {
    callee.shortCalls = 0;
    if (this.#known[callee.number] !== 1) return;
    this.#known[callee.number] = 0;
    (this.#known[FORGOTTEN] as number)++;
  }

  /** Host: how often a function was no longer known to be short. */
  get forgotten(): number {
    return this.#known[FORGOTTEN] as number;
  }

  /** Host: whether the function of this number is known to be short. */
  has(number: number): boolean {
    return number !== FORGOTTEN && this.#known[number] === 1;
  }

  /** Host: nothing is known of another thread. */
  clear(): void {
    this.#known.fill(0);
  }
}
