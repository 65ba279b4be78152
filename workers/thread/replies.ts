// This is what the thread has to say to its host. A result waits at most FLUSH_AFTER, with others that end
// meanwhile, in a batch as in one turn of the loop; and where the host can fetch it, should the next job keep the
// thread. One that cannot wait there is sent before anything else runs.

import { setImmediate } from "node:timers";
import type { MessagePort, Transferable } from "node:worker_threads";
import { monotonicTime } from "../../src/core.ts";
import { Channel } from "../wire/channel.ts";
import { resultError } from "../wire/clone.ts";
import { CloneError } from "../wire/errors.ts";
import { Held } from "../wire/held.ts";
import { Sent, type Slots, SUSPENDED } from "../wire/memory.ts";
import * as wire from "../wire/protocol.ts";
import { type Encoded, encodeThrown } from "../wire/serialize.ts";

const RESOLVED = Promise.resolve();
const FLUSH_AFTER = 0.5;

export class Replies {
  /** A batch is being worked on; it will flush. */
  inBatch = false;
  /** The names of the jobs that had each slot last, for what is said when a result cannot be sent. */
  readonly names: string[] = [];
  readonly #channel: Channel;
  /** Fails the job whose item cannot be sent. */
  readonly #blame: (slot: number, error: unknown) => void;
  #busy = 0;
  #ran = 0;
  #lastFlush = 0;
  readonly #slots: Slots;
  /** Suspended coroutines that the host was told of. */
  #reported = 0;
  #flushQueued = false;
  /** What waits and cannot be fetched from here. */
  readonly #held: Held;
  /** Whose reply waits that is not held: it waits alone, as only such a one may be unreadable over there. 0: none does. */
  #alone = 0;
  #messages = 0;
  readonly #sent: Sent;
  /** What was sent in place of what could not be. */
  readonly #plain = new WeakSet<object>();
  /** Ends the thread, which cannot send anything; about this slot, or the session. */
  readonly #endThread: (slot: number) => void;

  constructor(
    port: MessagePort,
    slots: Slots,
    blame: (slot: number, error: unknown) => void,
    endThread: (slot: number) => void,
  ) {
    this.#slots = slots;
    this.#held = new Held(slots);
    this.#sent = new Sent(slots);
    this.#blame = blame;
    this.#endThread = endThread;
    this.#channel = new Channel(port, {
      length: () => wire.REPLY_WORDS,
      seal: (words) => this.#seal(words),
      refused: (words, at, error) => this.#refused(words, at, error),
      posted: () => this.#messages++,
    });
  }

  /** Whether something waits to be sent. */
  get hasUnsent(): boolean {
    return this.#channel.words.length > 0 || this.#reported !== this.#slots[SUSPENDED];
  }

  add(slot: number, kind: number, value: unknown): void {
    if (this.#alone !== 0 && this.#alone !== slot) this.flush();
    if (this.#alone === 0 && kind !== wire.SKIPPED && !this.#hold(slot, kind, value)) {
      if (!this.#flushAndHold(slot, kind, value)) this.#alone = slot;
    }
    this.#channel.words.push(slot, kind, value);
    if (!this.inBatch) this.#flushSoon(this.#alone !== 0 && kind <= wire.LAST_FINAL);
  }

  /** Says something about the session. */
  say(kind: number, value: unknown): void {
    this.flush();
    this.#channel.send([wire.ABOUT_SESSION, kind, value], []);
  }

  /** The same of what asks for an answer, with the objects that move. Throws when it cannot be cloned. */
  ask(kind: number, value: unknown, transfer: readonly Transferable[]): void {
    this.flush();
    this.#channel.sendOrThrow([wire.ABOUT_SESSION, kind, value], transfer);
  }

  #hold(slot: number, kind: number, value: unknown): boolean {
    return (kind === wire.OK || kind === wire.REPLY_CANCELLED) && this.#held.add(slot, kind, value);
  }

  /** What had no room beside others may have it when they are gone. */
  #flushAndHold(slot: number, kind: number, value: unknown): boolean {
    if (this.#channel.words.length === 0) return false;
    this.flush();
    return this.#hold(slot, kind, value);
  }

  /** Says it at once, and moves the listed objects. */
  send(slot: number, kind: number, value: unknown, transfer: readonly Transferable[] = []): void {
    this.flush();
    this.#channel.send([slot, kind, value], transfer);
  }

  /** Notes that a job has had the thread for so long. */
  ran(milliseconds: number): void {
    this.#busy += milliseconds;
    this.#ran++;
  }

  /** Within a batch, before another job: flushes what cannot wait for it. */
  flushIfLate(now: number): void {
    if (this.#alone !== 0 || now - this.#lastFlush >= FLUSH_AFTER) this.flush(now);
  }

  /** Sends what there is to say; that coroutines were suspended is worth a message of its own, as others can be posted. */
  flush = (now: number = monotonicTime()): void => {
    this.#flushQueued = false;
    this.#lastFlush = now;
    if (this.#channel.words.length > 0) {
      if (this.#alone === 0) this.#flushHeld();
      else {
        this.#alone = 0;
        this.#channel.flush();
      }
      this.#held.clear();
    } else if (this.#reported !== this.#slots[SUSPENDED]) this.#channel.send([], []);
  };

  /** All of it is held, so it loses nothing in a message, or is slots that come home. */
  #flushHeld(): void {
    const held = this.#held;
    if (held.isWorthCopying) this.#channel.flushAs([wire.HELD, held.count, held.copy(), ...this.#skipped()]);
    else this.#channel.flushPlain();
  }

  #skipped(): unknown[] {
    const { words } = this.#channel;
    const skipped: unknown[] = [];
    if (words.length === this.#held.count * wire.REPLY_WORDS) return skipped;
    for (let at = 0; at < words.length; at += wire.REPLY_WORDS)
      if (words[at + 1] === wire.SKIPPED) skipped.push(words[at], wire.SKIPPED, 0);
    return skipped;
  }

  #flushSoon(isUrgent: boolean): void {
    if (this.#flushQueued && !isUrgent) return;
    this.#flushQueued = true;
    const late = isUrgent || monotonicTime() - this.#lastFlush >= FLUSH_AFTER;
    if (late) RESOLVED.then(this.#flushNow);
    else setImmediate(this.#flushNow);
  }

  #flushNow = (): void => {
    if (!this.#flushQueued) return;
    if (!this.inBatch) this.flush();
    else this.#flushQueued = false;
  };

  #seal(words: unknown[]): void {
    this.#sent.note(this.#messages + 1, (words[0] ?? 0) as number, (words[1] ?? 0) as number);
    words.push(Math.round(this.#busy * 1000), this.#ran); // whole numbers: one that is not makes doubles of all
    this.#busy = this.#ran = 0;
    this.#reported = this.#slots[SUSPENDED] as number;
  }

  /** Tells the failure instead; where even that cannot be sent, the thread has no voice any more, and is ended. */
  #refused(words: readonly unknown[], at: number, cause: unknown): void {
    const [slot, kind, value] = [words[at] as number, words[at + 1] as number, words[at + 2]];
    if (this.#plain.has(value as object)) this.#endThread(slot);
    else if (slot === wire.ABOUT_SESSION)
      this.say(wire.STRAY, this.#plainly("An error cannot be sent to its pool"));
    else if (kind === wire.REPLY_FAILED || kind === wire.UNLOADABLE) {
      this.add(
        slot,
        wire.REPLY_FAILED,
        this.#plainly(`The error of job \`${this.names[slot]}\` cannot be sent back`),
      );
    } else {
      const error = resultError(this.names[slot] as string, value, cause);
      if (kind === wire.ITEM) this.#blame(slot, error);
      else this.add(slot, wire.REPLY_FAILED, encodeThrown(error));
    }
    if (!this.inBatch) this.flush();
  }

  /** An error of which it is known that it can be sent. */
  #plainly(message: string): Encoded {
    const encoded = encodeThrown(new CloneError(message));
    this.#plain.add(encoded);
    return encoded;
  }
}
