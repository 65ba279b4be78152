// This batches records for one port. Records gather in a flat array and leave together; when structured clone
// refuses the batch they leave one by one, so that only the culprit is refused.

import type { MessagePort, Transferable } from "node:worker_threads";
import { packedWords } from "./message.ts";
import { checkAttached } from "./transfer.ts";

/** What tells a channel how its records are made. */
export interface Framing {
  /** How many words the record at `at` has. */
  length(words: readonly unknown[], at: number): number;
  /** Completes a message before it is posted. */
  seal?(words: unknown[]): void;
  /** What to post instead of a message, where it is more than words. */
  pack?(words: readonly unknown[]): unknown;
  /** The record at `at` cannot be cloned, with the error of `postMessage`. */
  refused(words: readonly unknown[], at: number, error: unknown): void;
  /** A message with these words, or these and a trailer, was posted. */
  posted?(words: readonly unknown[]): void;
}

type Pack = (words: readonly unknown[]) => unknown;

const asItIs: Pack = (words) => words;

export class Channel {
  /** What will leave with the next flush; writers push whole records. */
  words: unknown[] = [];
  readonly #port: MessagePort;
  readonly #framing: Framing;
  readonly #pack: Pack;

  constructor(port: MessagePort, framing: Framing) {
    this.#port = port;
    this.#framing = framing;
    this.#pack = framing.pack ?? packedWords;
  }

  /** Posts what has gathered. */
  flush(): void {
    if (this.words.length > 0) this.#post(this.#take(), this.#pack);
  }

  /** The same where no object is among it that anything would be lost of: it is not looked through. */
  flushPlain(): void {
    if (this.words.length > 0) this.#post(this.#take(), asItIs);
  }

  /** Posts a record that says the same as what has gathered. */
  flushAs(record: unknown[]): void {
    const words = this.#take();
    if (!this.#postAll(record, asItIs)) this.#post(words, asItIs);
  }

  #take(): unknown[] {
    const words = this.words;
    this.words = [];
    return words;
  }

  /** Posts one record, which is the channel's from here on, in a message of its own, after everything before it, and moves the listed objects. */
  send(record: unknown[], transfer: readonly Transferable[]): void {
    this.flush();
    try {
      checkAttached(transfer);
      this.#postSealed(record, transfer);
    } catch (error) {
      this.#framing.refused(record, 0, error);
    }
  }

  /** The same of a record whose sender is to hear what cannot be cloned: throws the error of `postMessage`. */
  sendOrThrow(record: unknown[], transfer: readonly Transferable[]): void {
    this.flush();
    this.#postSealed(record, transfer);
  }

  #post(words: unknown[], pack: Pack): void {
    if (!this.#postAll(words, pack)) this.#postOneByOne(words);
  }

  /** In one message; false, and the words are as before, when that cannot be cloned. */
  #postAll(words: unknown[], pack: Pack): boolean {
    const count = words.length;
    try {
      this.#framing.seal?.(words);
      this.#port.postMessage(pack(words));
      this.#framing.posted?.(words);
      return true;
    } catch {
      words.length = count;
      return false;
    }
  }

  /** Without a list where nothing moves: Node takes a third of a short message's time to read an empty one. */
  #postSealed(words: unknown[], transfer?: readonly Transferable[]): void {
    this.#framing.seal?.(words);
    if (transfer === undefined || transfer.length === 0) this.#port.postMessage(this.#pack(words));
    else this.#port.postMessage(this.#pack(words), transfer as Transferable[]);
    this.#framing.posted?.(words);
  }

  #postOneByOne(words: readonly unknown[]): void {
    for (let at = 0; at < words.length; ) {
      const end = at + this.#framing.length(words, at);
      try {
        this.#postSealed(words.slice(at, end));
      } catch (error) {
        this.#framing.refused(words, at, error);
      }
      at = end;
    }
  }
}
