// This looks through a value that has arrived for the objects that others take the place of, and puts those there.
// What arrives was made by structured clone, so there are no getters, and no classes but its own.

import { type InspectOptions, inspect } from "node:util";

/** Depth and cycles take no stack. */
export class Search {
  readonly #replacing: (object: object) => object | undefined;
  /** Every object met, and what takes its place. */
  readonly #seen = new Map<object, object>();
  /** Containers that are still to be looked through. */
  readonly #open: object[] = [];

  /** `replacing` gives what takes the place of an object, if anything does. */
  constructor(replacing: (object: object) => object | undefined) {
    this.#replacing = replacing;
  }

  /** Replaces what is in a value, in place; returns the value, or what takes its place. */
  through(value: unknown): unknown {
    const result = this.#replacement(value);
    for (let container = this.#open.pop(); container !== undefined; container = this.#open.pop()) {
      this.#into(container);
    }
    return result;
  }

  #replacement(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const seen = this.#seen.get(value);
    if (seen !== undefined) return seen;
    const result = this.#replacing(value) ?? value;
    this.#seen.set(value, result);
    if (result === value) this.#open.push(value);
    return result;
  }

  #into(container: object): void {
    if (Array.isArray(container)) this.#intoArray(container);
    else if (container instanceof Map) this.#intoMap(container);
    else if (container instanceof Set) this.#intoSet(container);
    else if (Object.getPrototypeOf(container) === Object.prototype) this.#intoObject(container);
  }

  /** An array with holes may be long and nearly empty. */
  #intoArray(items: unknown[]): void {
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === "object" && item !== null) items[i] = this.#replacement(item);
      else if (item === undefined && !(i in items)) {
        this.#intoObject(items);
        return;
      }
    }
    this.#intoObject(items, namesOf(items));
  }

  #intoObject(object: object, keys: readonly string[] = Object.keys(object)): void {
    const properties = object as Record<string, unknown>;
    for (const key of keys) {
      const value = properties[key];
      if (typeof value === "object" && value !== null) properties[key] = this.#replacement(value);
    }
  }

  #intoMap(map: Map<unknown, unknown>): void {
    const entries = [...map];
    map.clear();
    for (const [key, value] of entries) map.set(this.#replacement(key), this.#replacement(value));
  }

  #intoSet(set: Set<unknown>): void {
    const items = [...set];
    set.clear();
    for (const item of items) set.add(this.#replacement(item));
  }
}

/** Up to here the keys of an array are read sooner than a text of it is made. */
const FEW_ITEMS = 64;
/** Node does not go through the items for that. */
const NO_ITEMS: InspectOptions = { maxArrayLength: 0, depth: 0, customInspect: false, colors: false };
const NO_NAMES: readonly string[] = [];

/** The properties of an array that are no items, such as what a match of a RegExp has; the array has no holes. */
export function namesOf(items: readonly unknown[]): readonly string[] {
  const { length } = items;
  if (length > FEW_ITEMS && inspect(items, NO_ITEMS) === `[ ... ${length} more items ]`) return NO_NAMES;
  const keys = Object.keys(items);
  return keys.length === length ? NO_NAMES : keys.slice(length);
}
