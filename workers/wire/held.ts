// These are replies that wait in a thread to be sent with others, where their host can read them all the same.
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
// thread sends it before it begins another job. The names of a record's properties are written once: those after it that
// have the same ones in that order say which record that was. So a copy of the words and the text is also the quickest
// message: structured clone takes five times as long for the values themselves.

import { types } from "node:util";
import type { Slots } from "./memory.ts";
import { MEMORY_END } from "./memory.ts";
import { isWalked } from "./valuekind.ts";

const COUNT = 0;
const EPOCH = 1;
const WORDS = 8192;
const CHARS = 16_384;
const HEADER_BYTES = 8;
/** Where the memory that a thread shares with its host ends. */
export const HELD_END: number = MEMORY_END + HEADER_BYTES + WORDS * 8 + CHARS * 2;

/** The longest text, the deepest nesting, the most members and the most objects of a value that is held. */
const LONGEST = 256;
const DEEPEST = 4;
const WIDEST = 32;
const MOST_OBJECTS = 32;
/** So many lists of names are looked through for those of a record. */
const MOST_SHAPES = 8;
/** From so many replies on, numbers are sent as they lie there: for fewer the copy costs more. */
const WORTH_COPYING = 16;

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const TEXT = 5;
const LIST = 6;
/** A record with names of its own, which follow. */
const SHAPE = 7;
/** A record with the names of an earlier one. */
const RECORD = 8;

/** A text that is put together letter by letter. */
const SHORT = 12;

type Names = readonly string[];

/** Takes a reply that was read. */
export type TakeReply = (slot: number, kind: number, value: unknown) => void;

interface Memory {
  readonly header: Int32Array;
  readonly words: Float64Array;
  readonly text: Uint16Array;
}

function memoryOf(slots: Slots): Memory {
  const { buffer } = slots;
  return {
    header: new Int32Array(buffer, MEMORY_END, 2),
    words: new Float64Array(buffer, MEMORY_END + HEADER_BYTES, WORDS),
    text: new Uint16Array(buffer, MEMORY_END + HEADER_BYTES + WORDS * 8, CHARS),
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
  /** The names of the records that lie there, in their order. */
  readonly #shapes: Names[] = [];
  #holdsObjects = false;
  /** The objects of the value that is being written. */
  readonly #seen: object[] = [];

  constructor(slots: Slots) {
    const { header, words, text } = memoryOf(slots);
    this.#header = header;
    this.#words = words;
    this.#text = text;
  }

  /** How many replies lie there. */
  get count(): number {
    return this.#count;
  }

  /** Whether a copy of what lies there is to be sent: an object that two jobs gave would else be one for both callers. */
  get isWorthCopying(): boolean {
    return this.#count >= WORTH_COPYING || (this.#holdsObjects && this.#count > 1);
  }

  /**
   * Lays a reply where the host can read it; false when its value is none that can lie there, or there is no room. Where a
   * getter throws, it does so again when the value is sent, and is told.
   */
  add(slot: number, kind: number, value: unknown): boolean {
    const [count, at, char, shapes] = [this.#count, this.#at, this.#char, this.#shapes.length];
    try {
      // A getter may have had everything sent that lay there.
      if (this.#put(slot, kind) && this.#write(value, 0) && this.#count === count) {
        Atomics.store(this.#header, COUNT, count + 1);
        this.#count = count + 1;
        return true;
      }
    } catch {}
    const isSent = this.#count !== count;
    this.#at = isSent ? 0 : at;
    this.#char = isSent ? 0 : char;
    this.#shapes.length = isSent ? 0 : shapes;
    return false;
  }

  /** Everything was posted. */
  clear(): void {
    if (this.#count === 0) return;
    this.#count = this.#at = this.#char = this.#shapes.length = 0;
    this.#holdsObjects = false;
    Atomics.store(this.#header, COUNT, 0);
    Atomics.add(this.#header, EPOCH, 1);
  }

  /** What lies there, for `readReplies`. */
  copy(): [words: Float64Array, text: Uint16Array | null] {
    return [this.#words.slice(0, this.#at), this.#char === 0 ? null : this.#text.slice(0, this.#char)];
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
    if (depth === 0) {
      this.#holdsObjects = true;
      seen.length = 0;
    }
    if (depth === DEEPEST || seen.length === MOST_OBJECTS || types.isProxy(value) || seen.includes(value))
      return false;
    seen.push(value);
    const proto = Object.getPrototypeOf(value);
    if (proto === Object.prototype) return this.#writeRecord(value as Record<string, unknown>, depth);
    return proto === Array.prototype && Array.isArray(value) && this.#writeList(value, depth);
  }

  #writeList(list: readonly unknown[], depth: number): boolean {
    const { length } = list;
    if (length > WIDEST || Object.keys(list).length !== length || !this.#put(LIST, length)) return false;
    for (let i = 0; i < length; i++) if (!this.#write(list[i], depth + 1)) return false;
    return true;
  }

  #writeRecord(record: Record<string, unknown>, depth: number): boolean {
    const names = Object.keys(record);
    const shape = this.#shapeOf(names);
    if (hasIndexes(names) && !isWalked(record)) return false;
    if (!(shape >= 0 ? this.#put(RECORD, shape) : this.#writeNames(names))) return false;
    for (let i = 0; i < names.length; i++)
      if (!this.#write(record[names[i] as string], depth + 1)) return false;
    return true;
  }

  /** Which of the records that lie there has these names; -1 when none has. */
  #shapeOf(names: Names): number {
    const shapes = this.#shapes;
    for (let shape = 0; shape < shapes.length && shape < MOST_SHAPES; shape++)
      if (areSame(shapes[shape] as Names, names)) return shape;
    return -1;
  }

  #writeNames(names: Names): boolean {
    if (names.length > WIDEST || !this.#put(SHAPE, names.length)) return false;
    this.#shapes.push(names);
    for (const name of names) if (name === "__proto__" || !this.#writeText(name)) return false;
    return true;
  }
}

/** Whether it may be an `arguments` object, or one that is more than its properties, of which it has none. */
function hasIndexes(names: Names): boolean {
  if (names.length === 0) return true;
  const first = (names[0] as string).charCodeAt(0);
  return first >= 48 && first <= 57;
}

function areSame(some: Names, others: Names): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

/** The host's side: what the thread holds now. Nothing when the thread was sending it meanwhile: then it is on its way. */
export class HeldReader {
  readonly #memory: Memory;

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
    const { header, words, text } = this.#memory;
    const epoch = Atomics.load(header, EPOCH);
    const count = Atomics.load(header, COUNT);
    if (count === 0) return [];
    const replies: HeldReply[] = [];
    readReplies(words, text, count, (slot, kind, value) => replies.push({ slot, kind, value }));
    return Atomics.load(header, EPOCH) === epoch ? replies : [];
  }
}

/** A reply that its host has fetched. */
export interface HeldReply {
  readonly slot: number;
  readonly kind: number;
  readonly value: unknown;
}

const NO_TEXT = new Uint16Array(0);

/** Reads so many replies from words and text that lie in memory, or were copied from there. */
export function readReplies(
  words: Float64Array,
  text: Uint16Array | null,
  count: number,
  take: TakeReply,
): void {
  const reading = new Reading(words, text ?? NO_TEXT);
  for (let read = 0; read < count && reading.hasMore; read++) reading.next(take);
}

/** What lies there may be overwritten while it is read: any word may be anything, and no more than there is is read. */
class Reading {
  readonly #words: Float64Array;
  readonly #text: Uint16Array;
  readonly #shapes: Shape[] = [];
  #at = 0;
  #char = 0;

  constructor(words: Float64Array, text: Uint16Array) {
    this.#words = words;
    this.#text = text;
  }

  get hasMore(): boolean {
    return this.#at < this.#words.length;
  }

  next(take: TakeReply): void {
    const at = this.#at;
    this.#at = at + 2;
    // As integers, which V8 would else keep as floating-point numbers in each list that the slot gets to, messages too.
    take((this.#words[at] as number) | 0, (this.#words[at + 1] as number) | 0, this.#value(0));
  }

  #value(depth: number): unknown {
    const at = this.#at;
    const tag = this.#words[at];
    const word = this.#words[at + 1] as number;
    this.#at = at + 2;
    if (tag === NUMBER) return word;
    if (tag === TEXT) return this.#string(word);
    if (tag === NULL) return null;
    if (tag === FALSE || tag === TRUE) return tag === TRUE;
    if (depth === DEEPEST) return undefined;
    if (tag === LIST) return this.#list(word, depth);
    if (tag === SHAPE) return this.#record(this.#shape(word), depth);
    return tag === RECORD ? this.#record(this.#shapes[word], depth) : undefined;
  }

  #list(length: number, depth: number): unknown[] {
    const list: unknown[] = [];
    for (let i = 0; i < length && i < WIDEST; i++) list.push(this.#value(depth + 1));
    return list;
  }

  #shape(count: number): Shape {
    const empty: Record<string, unknown> = {};
    const names: string[] = [];
    for (let i = 0; i < count && i < WIDEST; i++) {
      const name = String(this.#value(DEEPEST));
      names.push(name);
      empty[name] = undefined;
    }
    const shape = { names, empty };
    this.#shapes.push(shape);
    return shape;
  }

  /** A copy has all its properties at once. */
  #record(shape: Shape | undefined, depth: number): object | undefined {
    if (shape === undefined) return undefined;
    const { names } = shape;
    const record = { ...shape.empty };
    for (let i = 0; i < names.length; i++) record[names[i] as string] = this.#value(depth + 1);
    return record;
  }

  #string(length: number): string {
    const start = this.#char;
    this.#char += length <= LONGEST ? length : 0;
    if (length > SHORT) return String.fromCharCode(...this.#text.subarray(start, this.#char));
    let string = "";
    for (let at = start; at < this.#char; at++) string += String.fromCharCode(this.#text[at] as number);
    return string;
  }
}

/** The names of a record's properties, and a record with nothing in them. */
interface Shape {
  readonly names: Names;
  readonly empty: Record<string, unknown>;
}
