// These are values on their way to another thread. Structured clone copies plain data; what it would lose or refuse
// is taken apart here, and put together again on the other side.
//
// In place of such an object a stand-in travels, an empty object, and beside the value two lists: the stand-ins, and
// what each of them stands for. Structured clone keeps identities within one message, so the other side finds each
// stand-in wherever it is, and nothing that a program sends can be taken for one. The list is flat: a chain of 100,000
// causes is no deeper than one error, and an error that is met a hundred times is sent once.
//
// Buffers need no stand-in: structured clone copies their bytes and makes Uint8Arrays of them; they are listed, and the
// other side gives the very objects their class back.

import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { Search } from "../shipping/search.ts";
import { mapStack } from "../shipping/stacks.ts";
import { classesOf, classNamed, type ErrorClass } from "./errorclasses.ts";
import { numberOf, signalOf } from "./signals.ts";
import * as kind from "./valuekind.ts";

/** A value on its way, and what it takes to make it whole again. */
export interface Cargo {
  readonly value: unknown;
  readonly standIns?: readonly object[];
  /** What the stand-ins stand for, in their order. */
  readonly parts?: readonly Part[];
  /** Those of the Uint8Arrays in the value that are Buffers. */
  readonly buffers?: readonly Uint8Array[];
}

/** Is not looked through again: all that is in it can be copied. The lists come first, so that no stand-in lies deep. */
class Prepared implements Cargo {
  readonly standIns: readonly object[];
  readonly parts: readonly Part[];
  readonly buffers: readonly Uint8Array[];
  readonly value: unknown;

  constructor(
    value: unknown,
    standIns: readonly object[],
    parts: readonly Part[],
    buffers: readonly Uint8Array[],
  ) {
    this.standIns = standIns;
    this.parts = parts;
    this.buffers = buffers;
    this.value = value;
  }
}
kind.isData(Prepared);

/** What is sent for an object, by how it is made again. */
export type Part = EncodedError | Remade | SentSignal;

/** An object that can be made of a text or a list. */
interface Remade {
  readonly make: "URL" | "URLSearchParams" | "Headers";
  readonly of: unknown;
}

/** An error taken apart. */
export interface EncodedError {
  readonly make: "error";
  /** The marks of its classes, the most derived first. */
  readonly classes: readonly string[];
  /** Its name, when that is its class's. */
  readonly name: string | null;
  /** Its message; null when it has none of its own. */
  readonly message: string | null;
  readonly stack: string | null;
  /** Of a DOMException: what it keeps to itself. */
  readonly hidden?: Hidden;
  /** Other properties of its own: each its key, whether it is enumerable, and its value. */
  readonly properties: readonly unknown[];
}

/** An AbortSignal: one that is aborted, for this reason, or the one that has a number in the thread. */
interface SentSignal {
  readonly make: "signal";
  readonly id: number;
  readonly reason?: readonly [unknown];
}

interface Hidden {
  readonly name: string;
  readonly message: string;
  /** Of a QuotaExceededError. */
  readonly limits?: { readonly quota: unknown; readonly requested: unknown };
}

/** A thrown value: an error, or anything else as far as it can be copied. */
export type Encoded = Cargo;

/** What is in an error can be nested so deep: the thread that reads it has less stack than the one that writes it. */
const MOST_LEVELS = 100;
/** A getter may make another object each time, without end. */
const MOST_GETTERS = 10_000;

/**
 * Takes a thrown value apart. Never throws: what cannot be read is left out, and of what cannot be copied a text is
 * sent. The frames from the first one of the file `below` on are the runtime's: they are left out.
 */
export function encodeThrown(thrown: unknown, below?: string): Encoded {
  const packing = new Packing(below);
  try {
    return packing.pack(thrown, 0);
  } catch (failure) {
    return new Packing(below).pack(unreadable(failure), 0);
  }
}

/** Puts a thrown value together again. */
export function decodeThrown(encoded: Encoded): unknown {
  return unpack(encoded);
}

/** What is told in place of a thrown value that cannot even be asked what it is. */
function unreadable(failure: unknown): TypeError {
  const text = types.isNativeError(failure)
    ? attempt(() => Error.prototype.toString.call(failure))
    : undefined;
  const why = text === undefined ? "" : `: ${text}`;
  return new TypeError(`What was thrown cannot be read, as reading it throws${why}`);
}

/** Outside of errors there is no level: everything must be copied, or the whole is refused. */
const STRICT = -1;

/**
 * Prepares a value for structured clone. Of what is in errors it copies what it can; of the rest it leaves to structured
 * clone what that refuses by itself, and throws a DataCloneError for what it would lose.
 */
export class Packing {
  readonly #below: string | undefined;
  readonly #placed = new Map<object, unknown>();
  /** What is still to be copied: neither depth nor cycles take stack. */
  readonly #open: (() => void)[] = [];
  readonly #standIns: object[] = [];
  readonly #parts: Part[] = [];
  readonly #buffers: Uint8Array[] = [];
  #getters = 0;

  constructor(below?: string) {
    this.#below = below;
  }

  /** Packs one value. With a level the value is part of an error: of what cannot be copied a text is sent. */
  pack(value: unknown, level: number = STRICT): Cargo {
    const packed = this.#place(value, level);
    for (let copy = this.#open.pop(); copy !== undefined; copy = this.#open.pop()) copy();
    return new Prepared(packed, this.#standIns, this.#parts, this.#buffers);
  }

  #place(value: unknown, level: number): unknown {
    if (typeof value === "object" && value !== null) {
      const placed = this.#placed.get(value);
      return placed === undefined ? this.#placeNew(value, level) : placed;
    }
    if (level === STRICT || (typeof value !== "function" && typeof value !== "symbol")) return value;
    return textOf(value);
  }

  #placeNew(object: object, level: number): unknown {
    const placed = level === STRICT ? this.#replace(object, level) : this.#replaceOrTell(object, level);
    this.#placed.set(object, placed);
    return placed;
  }

  /** In an error: nothing in it is worth losing the rest for. */
  #replaceOrTell(object: object, level: number): unknown {
    try {
      const placed = this.#replace(object, level);
      if (placed !== object || isCopied(object)) return placed;
      return level === 0 ? String(object) : textOf(object);
    } catch (failure) {
      if (level === 0) throw failure; // it is what was thrown itself
      return textOf(object);
    }
  }

  /** What travels in place of an object: a stand-in, a copy that will be filled, or the object itself. */
  #replace(object: object, level: number): unknown {
    const what = kind.trueKind(object);
    if (what === kind.ERROR) return this.#placeError(object as Error);
    if (what === kind.REMADE) return this.#standIn(remade(object));
    if (what === kind.BUFFER) this.#buffers.push(object as Uint8Array);
    if (what === kind.SIGNAL) return this.#placeSignal(object as AbortSignal, level);
    if (what === kind.LOST) return refused(object, level);
    return what > kind.SET ? object : this.#placeContainer(object, what, level);
  }

  #standIn(part: Part): object {
    const standIn = {};
    this.#standIns.push(standIn);
    this.#parts.push(part);
    return standIn;
  }

  /** Followed from here on; in an error only as it is now. */
  #placeSignal(signal: AbortSignal, level: number): unknown {
    if (signal.aborted)
      return this.#standIn({ make: "signal", id: 0, reason: [this.#place(signal.reason, 1)] });
    const id = level === STRICT ? numberOf(signal) : undefined;
    return id === undefined ? refused(signal, level) : this.#standIn({ make: "signal", id });
  }

  #placeContainer(source: object, what: kind.ValueKind, level: number): unknown {
    if (level >= MOST_LEVELS || (level !== STRICT && hasText(source))) return textOf(source);
    const inner = level === STRICT ? STRICT : level + 1;
    if (what === kind.MAP) return this.#copyMap(source as Map<unknown, unknown>, inner);
    if (what === kind.SET) return this.#copySet(source as Set<unknown>, inner);
    const copy = what === kind.ARRAY ? new Array((source as unknown[]).length) : {};
    this.#open.push(() => {
      for (const key of Object.keys(source)) {
        const property = this.#read(source, key, inner);
        if (property !== null) define(copy, key, property.value, true);
      }
    });
    return copy;
  }

  #copyMap(source: Map<unknown, unknown>, level: number): unknown {
    const copy = new Map();
    this.#open.push(() => {
      Map.prototype.forEach.call(source, (value, key) => {
        copy.set(this.#place(key, level), this.#place(value, level));
      });
    });
    return copy;
  }

  #copySet(source: Set<unknown>, level: number): unknown {
    const copy = new Set();
    this.#open.push(() => {
      Set.prototype.forEach.call(source, (value) => {
        copy.add(this.#place(value, level));
      });
    });
    return copy;
  }

  #placeError(error: Error): object {
    const properties: unknown[] = [];
    const head = headOf(error, this.#below);
    const standIn = this.#standIn({ ...head, make: "error", properties });
    this.#open.push(() => {
      for (const key of keysOf(error)) {
        const property = isTold(key, error, head) ? null : this.#read(error, key, 1);
        if (property !== null) properties.push(onTheWire(key), property.enumerable, property.value);
      }
      const inherited = inheritedErrors(error);
      if (inherited !== null) properties.push("errors", false, this.#place(inherited, 1));
    });
    return standIn;
  }

  /** A property of its own, as it travels; null when it cannot be read and can be left out. */
  #read(object: object, key: PropertyKey, level: number): { value: unknown; enumerable: boolean } | null {
    try {
      const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
      if (descriptor === undefined) return null;
      const { enumerable = false, get } = descriptor;
      if (get !== undefined && ++this.#getters > MOST_GETTERS)
        throw new RangeError(`More than ${MOST_GETTERS} getters had to be read`);
      return {
        enumerable,
        value: this.#place(get === undefined ? descriptor.value : get.call(object), level),
      };
    } catch (failure) {
      if (level === STRICT) throw failure;
      return null;
    }
  }
}

/** For what structured clone would lose; of what is in an error a text is told. */
function refused(object: object, level: number): string {
  const text = textOf(object);
  if (level !== STRICT) return text;
  throw new DOMException(`${text.slice(1, -1)} object could not be cloned.`, "DataCloneError");
}

/** Whether structured clone takes an object that is no container. */
function isCopied(object: object): boolean {
  try {
    if (ArrayBuffer.isView(object) && object.byteLength > 0) return true;
    if (types.isAnyArrayBuffer(object) && object.byteLength > 0) return true;
    structuredClone(object);
    return true;
  } catch {
    return false;
  }
}

/** Whether an object, which cannot be copied with that, has a function of its own to say what it is. */
function hasText(object: object): object is { toString(): unknown } {
  return typeof Object.getOwnPropertyDescriptor(object, "toString")?.value === "function";
}

/** What is told of a value that cannot be copied. Runs as little of the value's code as can be, and never throws. */
function textOf(value: unknown): string {
  try {
    if (typeof value === "object" && value !== null && hasText(value)) return String(value);
    if (typeof value === "string") return value;
    if (typeof value === "symbol") return Symbol.prototype.toString.call(value);
    const called = typeof value === "function" ? value : Object.getPrototypeOf(value)?.constructor;
    const name: unknown = called?.name;
    if (typeof value === "function")
      return typeof name === "string" && name !== "" ? `[Function: ${name}]` : "[Function]";
    return typeof name === "string" && name !== "" ? `[${name}]` : "[Object]";
  } catch {
    return "[Object]";
  }
}

function remade(object: object): Remade {
  if (object instanceof URL) return { make: "URL", of: object.href };
  if (object instanceof URLSearchParams) return { make: "URLSearchParams", of: object.toString() };
  return { make: "Headers", of: [...(object as Headers)] };
}

// Errors: taking apart.

type Head = Omit<EncodedError, "make" | "properties">;

/** Errors that came from another thread: the classes they had there, and whether their name was set here. */
const arrived = new WeakMap<object, { readonly classes: readonly string[]; readonly named: boolean }>();

function headOf(error: Error, below: string | undefined): Head {
  const before = arrived.get(error);
  const classes = before?.classes ?? attempt(() => classesOf(error)) ?? [];
  const hidden = error instanceof DOMException ? hiddenIn(error, classes) : undefined;
  const hasName = before?.named !== true && attempt(() => Object.hasOwn(error, "name")) === true;
  const stack = attempt(() => error.stack);
  return {
    classes,
    ...(hidden === undefined ? {} : { hidden }),
    name: hasName ? null : (attempt(() => String(error.name)) ?? null),
    message: hidden === undefined ? messageOf(error) : null,
    stack: typeof stack === "string" ? framesAbove(stack, below) : null,
  };
}

/** The message, as far as it is an ordinary one: a text of its own, or one of its class. */
function messageOf(error: Error): string | null {
  const own = attempt(() => Object.getOwnPropertyDescriptor(error, "message"));
  if (own === undefined) return attempt(() => String(error.message)) || null;
  return own.enumerable === false && typeof own.value === "string" ? own.value : null;
}

const QUOTA_EXCEEDED = "=QuotaExceededError";

/** By the getters of its class: it may have properties of these names, too. */
function hiddenIn(error: DOMException, classes: readonly string[]): Hidden {
  const read = (key: string) => String(attempt(() => Reflect.get(DOMException.prototype, key, error)) ?? "");
  const hidden = { name: read("name"), message: read("message") };
  if (!classes.includes(QUOTA_EXCEEDED)) return hidden;
  const { quota, requested } = error as { quota?: unknown; requested?: unknown };
  return { ...hidden, limits: { quota, requested } };
}

/** What reading a value gives, or undefined when it throws. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Of the file that was asked for last: it is nearly always the same. */
let pathOf = { url: "", path: "" };

/** A loader that maps stacks (tsx) writes paths in place of URLs. */
function framesAbove(stack: string, below: string | undefined): string {
  if (below === undefined) return stack;
  if (below !== pathOf.url)
    pathOf = { url: below, path: below.startsWith("file:") ? fileURLToPath(below) : below };
  const cuts = [stack.indexOf(below), stack.indexOf(pathOf.path)].filter((cut) => cut >= 0);
  return cuts.length === 0 ? stack : stack.slice(0, stack.lastIndexOf("\n", Math.min(...cuts)));
}

function keysOf(error: object): readonly PropertyKey[] {
  return attempt(() => Reflect.ownKeys(error).filter((key) => onTheWire(key) !== null)) ?? [];
}

/** Properties that are told in the error's head. */
function isTold(key: PropertyKey, error: object, head: Head): boolean {
  if (key === "message") return head.message !== null;
  return key === "stack" || (key === "name" && arrived.get(error)?.named === true);
}

/** `class HttpErrors { get errors() { ... } }`: what a class gives is gone where the class is not known. */
function inheritedErrors(error: object): readonly unknown[] | null {
  return (
    attempt(() => {
      const { errors } = error as { errors?: unknown };
      return Array.isArray(errors) && !Object.hasOwn(error, "errors") ? errors : null;
    }) ?? null
  );
}

/** A key as it travels: symbols of the registry, and the language's own, are there in every thread. */
function onTheWire(key: PropertyKey): unknown {
  if (typeof key !== "symbol") return key;
  const registered = Symbol.keyFor(key);
  if (registered !== undefined) return [registered];
  const name = /^Symbol\(Symbol\.(\w+)\)$/.exec(String(key))?.[1];
  return name !== undefined && Reflect.get(Symbol, name) === key ? { name } : null;
}

function fromTheWire(key: unknown): PropertyKey {
  if (Array.isArray(key)) return Symbol.for(key[0] as string);
  return typeof key === "object" ? Reflect.get(Symbol, (key as { name: string }).name) : (key as string);
}

// Putting together again.

/** Makes a value whole that has arrived, in place where it can be. */
export function unpack({ value, standIns = [], parts = [], buffers = [] }: Cargo): unknown {
  for (const bytes of buffers) Object.setPrototypeOf(bytes, Buffer.prototype);
  if (standIns.length === 0) return value;
  const made = parts.map(make);
  const byStandIn = new Map(standIns.map((standIn, at) => [standIn, finished(made[at] as object)]));
  const search = new Search((object) => byStandIn.get(object));
  for (const [at, part] of parts.entries()) {
    if (part.make === "error") setProperties(made[at] as object, part, search);
    else if (part.make === "signal" && part.reason !== undefined)
      (made[at] as AbortController).abort(search.through(part.reason[0]));
  }
  return search.through(value);
}

/** A signal that is aborted already is made with its reason, which may be an error that is made beside it. */
function finished(made: object): object {
  return made instanceof AbortController ? made.signal : made;
}

function make(part: Part): object {
  switch (part.make) {
    case "signal":
      return part.reason === undefined ? signalOf(part.id) : new AbortController();
    case "error":
      return errorOf(part);
    case "URL":
      return new URL(part.of as string);
    case "URLSearchParams":
      return new URLSearchParams(part.of as string);
    case "Headers":
      return new Headers(part.of as [string, string][]);
  }
}

/** The error without its properties, which may lead back to it. */
function errorOf(encoded: EncodedError): Error {
  const { classes, name, stack } = encoded;
  const errorClass = classNamed(classes);
  const error = withoutStack(() => instanceFor(errorClass, encoded));
  if (Object.getPrototypeOf(error) !== errorClass.prototype)
    Object.setPrototypeOf(error, errorClass.prototype);
  if (stack === null) Reflect.deleteProperty(error, "stack");
  else define(error, "stack", mapStack(stack), false);
  const named = name !== null && error.name !== name;
  if (named) define(error, "name", name, false);
  arrived.set(error, { classes, named });
  return error;
}

/** An object with the hidden state of the class; most classes of errors have none. */
function instanceFor(errorClass: ErrorClass, { message, hidden }: EncodedError): Error {
  if (hidden?.limits !== undefined)
    return Reflect.construct(classNamed([QUOTA_EXCEEDED]), [hidden.message, hidden.limits]);
  if (hidden !== undefined && (errorClass === DOMException || errorClass.prototype instanceof DOMException))
    return new DOMException(hidden.message, hidden.name);
  return new Error(message ?? undefined);
}

function setProperties(error: object, { properties }: EncodedError, search: Search): void {
  for (let at = 0; at < properties.length; at += 3) {
    const [key, enumerable, value] = [properties[at], properties[at + 1], properties[at + 2]];
    define(error, fromTheWire(key), search.through(value), enumerable === true);
  }
}

/** The stack of the place where an error is put together says nothing, and costs. */
function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  const isSet = Reflect.set(Error, "stackTraceLimit", 0); // in a hardened program it cannot be
  try {
    return make();
  } finally {
    if (isSet) Reflect.set(Error, "stackTraceLimit", limit);
  }
}

function define(target: object, key: PropertyKey, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable, configurable: true });
}
