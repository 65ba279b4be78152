// What the last messages of a thread brought, in the memory that it shares with its host: a message that was written and
// cannot be read over there, as it is nested too deeply for the stack, is known by its place in their order.
//
//     for each of the last messages: number, slot * KINDS + kind (Int32 each)

import { HELD_END } from "./held.ts";
import type { Slots } from "./slots.ts";

/** So many messages may be under way before the first is forgotten. */
const REMEMBERED = 4096;
const KINDS = 64;
export const SENT_END: number = HELD_END + REMEMBERED * 8;

/** The first reply of a message; the others, where it has any, are of the same job, or can always be read. */
export interface SentReply {
  readonly slot: number;
  readonly kind: number;
}

/** Both sides count all messages, but for output, from 1 on. */
export class Sent {
  readonly #words: Int32Array;

  constructor(slots: Slots) {
    this.#words = new Int32Array(slots.buffer, HELD_END, REMEMBERED * 2);
  }

  /** Thread: notes what the message of this number brings, before it is posted. */
  note(message: number, slot: number, kind: number): void {
    const at = (message % REMEMBERED) * 2;
    this.#words[at] = message;
    this.#words[at + 1] = slot * KINDS + kind;
  }

  /** Host: what that message brought; null when it is forgotten. */
  find(message: number): SentReply | null {
    const at = (message % REMEMBERED) * 2;
    const word = this.#words[at + 1] as number;
    if (this.#words[at] !== message) return null;
    return { slot: Math.floor(word / KINDS), kind: word - Math.floor(word / KINDS) * KINDS };
  }
}
