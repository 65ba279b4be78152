// Replies that wait in a thread to be sent with others, where their host can read them all the same.
//
// A batch of replies costs a third of what its jobs would cost one by one, but a thread that has begun the next job
// cannot send any: that job may run for ever, or end the thread. So what waits also lies in the memory that both share,
// and the host fetches it when a thread stands still, or has died.
//
//     header: count, epoch (Int32) | words (Float64) | text (Uint16)
//
// The thread writes an entry and then counts it; when the replies have been posted it sets the count to 0 and then adds
// one to the epoch. So what was read between two equal looks at the epoch was there, and was whole. A reply that was
// fetched comes by message as well: its slot is not used again before that, as with one that was taken back.
//
// Held are primitive values and small plain data, as structured clone would copy it. Anything else is refused: the
// thread sends it before it begins another job.

import { types } from "node:util";
import { METER_END } from "./meter.ts";
import type { Slots } from "./slots.ts";

const COUNT = 0;
const EPOCH = 1;
const WORDS = 8192;
const CHARS = 16_384;
const HEADER_BYTES = 8;
/** Where the memory for them ends, behind that of the meter. */
export const HELD_END: number = METER_END + HEADER_BYTES + WORDS * 8 + CHARS * 2;

/** The longest text, the deepest nesting, the most members and the most objects of a value that is held. */
const LONGEST = 256;
const DEEPEST = 4;
const WIDEST = 32;
const MOST_OBJECTS = 32;

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const TEXT = 5;
const LIST = 6;
const RECORD = 7;

/** A reply that its host has fetched. */
export interface HeldReply {
  readonly slot: number;
  readonly kind: number;
  readonly value: unknown;
}

interface Memory {
  readonly header: Int32Array;
  readonly words: Float64Array;
  readonly text: Uint16Array;
}

function memoryOf(slots: Slots): Memory {
  const { buffer } = slots;
  return {
    header: new Int32Array(buffer, METER_END, 2),
    words: new Float64Array(buffer, METER_END + HEADER_BYTES, WORDS),
    text: new Uint16Array(buffer, METER_END + HEADER_BYTES + WORDS * 8, CHARS),
  };
}

/** The thread's side. */
export class Held {
  readonly #header: Int32Array;
  readonly #words: Float64Array;
  readonly #text: Uint16Array;
  #count = 0;
  /** Where the next word and the next character go. */
  #at = 0;
  #char = 0;
  /** The objects of the value that is being written. */
  readonly #seen: object[] = [];

  constructor(slots: Slots) {
    const { header, words, text } = memoryOf(slots);
    this.#header = header;
    this.#words = words;
    this.#text = text;
  }

  /** Lays a reply where the host can read it; false when its value is none that can lie there, or there is no room. */
  add(slot: number, kind: number, value: unknown): boolean {
    const words = this.#words;
    const at = this.#at;
    const char = this.#char;
    if (at + 4 > WORDS) return false;
    words[at] = slot;
    words[at + 1] = kind;
    if (typeof value === "number") {
      words[at + 2] = NUMBER;
      words[at + 3] = value;
      this.#at = at + 4;
    } else if (!this.#writeWhole(value, at + 2)) {
      this.#at = at;
      this.#char = char;
      return false;
    }
    Atomics.store(this.#header, COUNT, ++this.#count);
    return true;
  }

  /** Everything was posted. */
  clear(): void {
    if (this.#count === 0) return;
    this.#count = this.#at = this.#char = 0;
    Atomics.store(this.#header, COUNT, 0);
    Atomics.add(this.#header, EPOCH, 1);
  }

  /** Where a getter throws, it does so again when the value is sent, and is told. */
  #writeWhole(value: unknown, at: number): boolean {
    this.#at = at;
    try {
      return this.#write(value, 0);
    } catch {
      return false;
    }
  }

  #write(value: unknown, depth: number): boolean {
    if (typeof value === "number") return this.#put(NUMBER, value);
    if (typeof value === "string") return this.#writeText(value);
    if (value === undefined) return this.#put(UNDEFINED, 0);
    if (value === null) return this.#put(NULL, 0);
    if (typeof value === "boolean") return this.#put(value ? TRUE : FALSE, 0);
    return typeof value === "object" && this.#writeObject(value, depth);
  }

  #put(tag: number, word: number): boolean {
    const at = this.#at;
    if (at + 2 > WORDS) return false;
    this.#words[at] = tag;
    this.#words[at + 1] = word;
    this.#at = at + 2;
    return true;
  }

  #writeText(value: string): boolean {
    const { length } = value;
    const start = this.#char;
    if (length > LONGEST || start + length > CHARS || !this.#put(TEXT, length)) return false;
    const text = this.#text;
    for (let i = 0; i < length; i++) text[start + i] = value.charCodeAt(i);
    this.#char = start + length;
    return true;
  }

  /** A Proxy is refused; getters run, as they do when the value is sent. */
  #writeObject(value: object, depth: number): boolean {
    const seen = this.#seen;
    if (depth === 0) seen.length = 0;
    if (depth === DEEPEST || seen.length === MOST_OBJECTS || types.isProxy(value) || seen.includes(value))
      return false;
    seen.push(value);
    const proto = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return proto === Array.prototype && this.#writeList(value, depth);
    return proto === Object.prototype && this.#writeRecord(value as Record<string, unknown>, depth);
  }

  #writeList(list: readonly unknown[], depth: number): boolean {
    const { length } = list;
    if (length > WIDEST || Object.keys(list).length !== length || !this.#put(LIST, length)) return false;
    for (let i = 0; i < length; i++) if (!this.#write(list[i], depth + 1)) return false;
    return true;
  }

  #writeRecord(record: Record<string, unknown>, depth: number): boolean {
    const keys = Object.keys(record);
    if (keys.length > WIDEST || !this.#put(RECORD, keys.length)) return false;
    for (const key of keys) {
      if (key === "__proto__" || !this.#writeText(key) || !this.#write(record[key], depth + 1)) return false;
    }
    return true;
  }
}

/** The host's side: what the thread holds now. Nothing when the thread was sending it meanwhile: then it is on its way. */
export class HeldReader {
  readonly #memory: Memory;
  #at = 0;
  #char = 0;

  constructor(slots: Slots) {
    this.#memory = memoryOf(slots);
  }

  get hasSome(): boolean {
    return Atomics.load(this.#memory.header, COUNT) > 0;
  }

  /** Another number once what was read has been sent, and other replies are held. */
  get epoch(): number {
    return Atomics.load(this.#memory.header, EPOCH);
  }

  /** The thread has let go: what is still there was sent. */
  forget(): void {
    Atomics.store(this.#memory.header, COUNT, 0);
  }

  read(): readonly HeldReply[] {
    const { header, words } = this.#memory;
    const epoch = Atomics.load(header, EPOCH);
    const count = Atomics.load(header, COUNT);
    if (count === 0) return [];
    const replies: HeldReply[] = [];
    this.#at = this.#char = 0;
    while (replies.length < count && this.#at < WORDS) {
      const [slot, kind] = [words[this.#at] as number, words[this.#at + 1] as number];
      this.#at += 2;
      replies.push({ slot, kind, value: this.#value(0) });
    }
    return Atomics.load(header, EPOCH) === epoch ? replies : [];
  }

  /** What lies there may be overwritten while it is read: any word may be anything, and no more than there is is read. */
  #value(depth: number): unknown {
    const { words } = this.#memory;
    const tag = words[this.#at];
    const word = words[this.#at + 1] as number;
    this.#at += 2;
    if (tag === NUMBER) return word;
    if (tag === TEXT) return this.#string(word);
    if (tag === NULL) return null;
    if (tag === FALSE || tag === TRUE) return tag === TRUE;
    if (depth === DEEPEST || !(word <= WIDEST)) return undefined;
    if (tag === LIST) return Array.from({ length: word }, () => this.#value(depth + 1));
    return tag === RECORD ? this.#record(word, depth) : undefined;
  }

  #record(count: number, depth: number): object {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = String(this.#value(DEEPEST));
      record[key] = this.#value(depth + 1);
    }
    return record;
  }

  #string(length: number): string {
    const start = this.#char;
    this.#char += length <= LONGEST ? length : 0;
    return String.fromCharCode(...this.#memory.text.subarray(start, this.#char));
  }
}
