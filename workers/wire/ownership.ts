// No call has an object of another's. Structured clone keeps identities within one message, and a message may bring many
// jobs, and a job a chunk of many calls: what two of them share is copied here for all but the first, before any of them
// runs. Within a call identities are kept. Shared memory, shared objects, signals and ports stay what they are.
//
// The other way, what a call gives while its job goes on is copied when it is given, as the next one may change it.

import { types } from "node:util";
import { namesOf, Search } from "../shipping/search.ts";
import { packed, unpacked } from "./message.ts";
import { JOB_WORDS, readJob } from "./protocol.ts";
import * as kind from "./valuekind.ts";

/** The deepest nesting and the most objects of what is copied at once. */
const DEEPEST = 4;
const MOST_OBJECTS = 32;

/** The jobs of a message that says that they share objects; each has its own. */
export function separated(message: readonly unknown[]): unknown[] {
  const words = message.slice(2);
  const separation = new Separation(message[1] === true);
  for (let at = 0; at < words.length; ) {
    const { details, first, end } = readJob(words, at);
    if (details?.is !== "each") separation.give(words, at + JOB_WORDS, end);
    else {
      separation.give(words, at + JOB_WORDS, first);
      const items = words[first] as unknown[];
      for (let i = 0; i < items.length; i++) separation.give(items, i, i + 1);
    }
    at = end;
  }
  return words;
}

class Separation {
  /** What the calls before have. */
  readonly #owned = new Set<object>();
  /** What a copy was made of. */
  readonly #origins = new Map<object, object>();
  /** How small objects are copied that several calls have; null for one that is not small. */
  readonly #plans = new Map<object, Plan | null>();
  /** Errors are not looked into: where there are some, a call's values are copied as a whole. */
  readonly #hasErrors: boolean;

  constructor(hasErrors: boolean) {
    this.#hasErrors = hasErrors;
  }

  /** Gives a call, whose values are a part of a list, its own of what others have. */
  give(values: unknown[], first: number, end: number): void {
    const at = onlyObject(values, first, end);
    if (at === NONE || (this.#hasErrors && copyAll(values, first, end))) return;
    if (at === SEVERAL || !this.#giveSmall(values, at)) this.#giveAny(values, first, end);
  }

  /** What comes most: many calls that have the same few settings. */
  #giveSmall(values: unknown[], at: number): boolean {
    const value = values[at] as object;
    const plan = this.#owned.has(value) ? this.#planOf(value) : null;
    if (plan === null) return false;
    values[at] = copyBy(plan);
    return true;
  }

  #planOf(value: object): Plan | null {
    const known = this.#plans.get(value);
    if (known !== undefined) return known;
    const plan = copySmall(value, DEEPEST, []) === null ? null : planOf(value);
    this.#plans.set(value, plan);
    return plan;
  }

  #giveAny(values: unknown[], first: number, end: number): void {
    const met: object[] = [];
    const copies = new Copies(this.#origins);
    const search = new Search((object) => {
      const memory = kind.memoryOf(object);
      if (this.#owned.has(object) || (memory !== null && this.#owned.has(memory))) return copies.of(object);
      met.push(object);
      if (memory !== null) met.push(memory);
      return undefined;
    });
    for (let i = first; i < end; i++) values[i] = search.through(values[i]);
    for (const object of met) this.#owned.add(object);
  }
}

/** How an object is copied that is small plain data, and that nothing changes meanwhile: what it holds is looked at once. */
interface Plan {
  readonly original: object;
  readonly parts: readonly { readonly key: string; readonly plan: Plan }[];
}

function planOf(original: object): Plan {
  const objects = Object.entries(original).filter(([, value]) => typeof value === "object" && value !== null);
  return { original, parts: objects.map(([key, value]) => ({ key, plan: planOf(value as object) })) };
}

function copyBy({ original, parts }: Plan): object {
  const copy = Array.isArray(original) ? original.slice() : { ...original };
  for (const { key, plan } of parts) (copy as Record<string, unknown>)[key] = copyBy(plan);
  return copy;
}

const NONE = -1;
const SEVERAL = -2;

/** Where the one object among these values is. */
function onlyObject(values: readonly unknown[], first: number, end: number): number {
  let at = NONE;
  for (let i = first; i < end; i++) {
    const value = values[i];
    if (typeof value !== "object" || value === null) continue;
    if (at !== NONE) return SEVERAL;
    at = i;
  }
  return at;
}

/** False where something cannot be copied, as a signal that follows one of the caller. */
function copyAll(values: unknown[], first: number, end: number): boolean {
  try {
    const copies = cloned(values.slice(first, end)) as unknown[];
    for (let i = first; i < end; i++) values[i] = copies[i - first];
    return true;
  } catch {
    return false;
  }
}

function cloned(value: unknown): unknown {
  return unpacked(structuredClone(packed(value)));
}

/** The copies of one call. What is copied has arrived by structured clone; neither depth nor cycles take stack. */
class Copies {
  readonly #origins: Map<object, object>;
  readonly #made = new Map<object, object>();
  /** Copies that still hold what the originals hold. */
  readonly #open: object[] = [];

  constructor(origins: Map<object, object>) {
    this.#origins = origins;
  }

  of(object: object): object {
    const copy = this.#place(object) as object;
    for (let open = this.#open.pop(); open !== undefined; open = this.#open.pop()) this.#fill(open);
    return copy;
  }

  #place(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const origin = this.#origins.get(value) ?? value;
    const made = this.#made.get(origin);
    if (made !== undefined) return made;
    const copy = this.#copy(value);
    this.#made.set(origin, copy);
    this.#origins.set(copy, origin);
    return copy;
  }

  #copy(object: object): object {
    switch (kind.valueKindOf(object)) {
      case kind.ARRAY:
        return this.#toFill((object as unknown[]).slice(), object);
      case kind.PLAIN:
      case kind.INSTANCE:
        return this.#toFill({ ...object }, object);
      case kind.MAP:
        return this.#toFill(new Map(object as Map<unknown, unknown>), object);
      case kind.SET:
        return this.#toFill(new Set(object as Set<unknown>), object);
      case kind.DATA:
      case kind.BUFFER:
        return this.#copyData(object);
      case kind.REMADE:
        return cloned(object) as object;
      default:
        return object;
    }
  }

  #toFill(copy: object, source: object): object {
    if (Array.isArray(source)) {
      const names = source.length === 0 || !hasHoles(source) ? namesOf(source) : Object.keys(source);
      for (const name of names) Reflect.set(copy, name, Reflect.get(source, name));
    }
    this.#open.push(copy);
    return copy;
  }

  #fill(copy: object): void {
    if (copy instanceof Map) this.#fillMap(copy);
    else if (copy instanceof Set) this.#fillSet(copy);
    else if (Array.isArray(copy) && !hasHoles(copy)) {
      for (let i = 0; i < copy.length; i++) if (typeof copy[i] === "object") copy[i] = this.#place(copy[i]);
      this.#fillKeys(copy, namesOf(copy));
    } else this.#fillKeys(copy, Object.keys(copy));
  }

  #fillKeys(copy: object, keys: readonly string[]): void {
    const properties = copy as Record<string, unknown>;
    for (const key of keys) {
      const value = properties[key];
      if (typeof value === "object" && value !== null) properties[key] = this.#place(value);
    }
  }

  #fillMap(copy: Map<unknown, unknown>): void {
    const entries = [...copy];
    copy.clear();
    for (const [key, value] of entries) copy.set(this.#place(key), this.#place(value));
  }

  #fillSet(copy: Set<unknown>): void {
    const items = [...copy];
    copy.clear();
    for (const item of items) copy.add(this.#place(item));
  }

  #copyData(data: object): object {
    if (types.isSharedArrayBuffer(data)) return data;
    const memory = kind.memoryOf(data);
    if (memory === null) return structuredClone(data);
    const view = data as Uint8Array;
    const copy = this.#place(memory) as ArrayBuffer;
    if (Buffer.isBuffer(view)) return Buffer.from(copy, view.byteOffset, view.byteLength);
    const make = view.constructor as Uint8ArrayConstructor;
    return new make(copy, view.byteOffset, types.isDataView(view) ? view.byteLength : view.length);
  }
}

function hasHoles(items: readonly unknown[]): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === undefined && !(i in items)) return true;
  return false;
}

/** A copy of an object that is small plain data; null of any other. */
export function smallCopy(object: object): object | null {
  try {
    return copySmall(object, DEEPEST, []);
  } catch {
    return null; // a getter threw, and will again where that is told
  }
}

/** A value as it is now. What cannot be copied is told where it is sent. */
export function copyNow(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const small = smallCopy(value);
  if (small !== null) return small;
  try {
    return cloned(value);
  } catch {
    return value;
  }
}

function copySmall(object: object, depth: number, seen: object[]): object | null {
  if (depth === 0 || seen.length === MOST_OBJECTS || types.isProxy(object) || seen.includes(object))
    return null;
  seen.push(object);
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Array.prototype && Array.isArray(object)) return copyItems(object, depth, seen);
  return prototype === Object.prototype && !types.isArgumentsObject(object)
    ? copyRecord(object, depth, seen)
    : null;
}

function copyItems(items: readonly unknown[], depth: number, seen: object[]): unknown[] | null {
  if (items.length > MOST_OBJECTS || Object.keys(items).length !== items.length) return null;
  const copy = items.slice();
  for (let i = 0; i < copy.length; i++) {
    const value = copy[i];
    if (isUncopied(value)) return null;
    if (typeof value !== "object" || value === null) continue;
    const inner = copySmall(value, depth - 1, seen);
    if (inner === null) return null;
    copy[i] = inner;
  }
  return copy;
}

/** One without properties may be more than they are. */
function copyRecord(record: object, depth: number, seen: object[]): object | null {
  const copy: Record<string, unknown> = { ...record };
  let isEmpty = true;
  for (const key in copy) {
    isEmpty = false;
    const value = copy[key];
    if (isUncopied(value)) return null;
    if (typeof value !== "object" || value === null) continue;
    const inner = copySmall(value, depth - 1, seen);
    if (inner === null) return null;
    copy[key] = inner;
  }
  return isEmpty ? null : copy;
}

function isUncopied(value: unknown): boolean {
  return typeof value === "function" || typeof value === "symbol";
}
