/**
 * These are objects that keep their class when they cross threads, wherever in a message they sit.
 *
 * A carrier has one enumerable property, a getter. Structured clone calls it, and so makes plain data of the carrier by
 * itself: nothing is searched on the sending side, and a thread that has no carriers pays nothing at all. What the
 * getters gave is listed at the end of the message, and only a message that holds carriers is searched when it arrives:
 * structured clone keeps identities, so what only looks like a carrier is left alone.
 */

import { Search } from "./search.ts";

const TAG = "threadloop:carried";

/** What a carrier is on the way: its kind, and what it is made of again; these parts may be carriers themselves. */
export type CarriedParts = readonly [kind: string, ...parts: unknown[]];

type Revive = (...parts: never[]) => object;

const kinds = new Map<string, Revive>();
let inUse = false;
/** What the getters gave since a message began to be written. */
let written: object[] | null = null;

/** Says how carriers of a kind are made again in the thread that gets them. */
export function defineCarrier<P extends unknown[]>(kind: string, revive: (...parts: P) => object): void {
  kinds.set(kind, revive as unknown as Revive);
}

/** Makes an object a carrier. `carried` gives what structured clone is to see of it. */
export function makeCarrier(object: object, carried: () => CarriedParts): void {
  inUse = true;
  Object.defineProperty(object, TAG, {
    enumerable: true,
    get: () => {
      const made = carried();
      written?.push(made as unknown as object);
      return made;
    },
  });
}

/** Tells whether structured clone can carry this object although it is of a class. */
export function isCarrier(value: object): boolean {
  return Object.hasOwn(value, TAG);
}

/** Whether this thread has carriers. */
export function hasCarriers(): boolean {
  return inUse;
}

/** Whether this thread knows a kind of carriers. */
export function knowsKinds(): boolean {
  return kinds.size > 0;
}

/** A message is written from here on. */
export function beginWriting(): void {
  written = [];
}

/** What the getters gave for the message that was written. */
export function endWriting(): readonly object[] {
  const all = written ?? [];
  written = null;
  return all;
}

/** Makes the carriers in a received value again, in place where it can be; returns the value, or what replaces it. */
export function revived(value: unknown, given: readonly object[]): unknown {
  const genuine = new Set(given);
  const search: Search = new Search((object) => {
    const carried = (object as { [TAG]?: unknown })[TAG];
    if (typeof carried !== "object" || carried === null || !genuine.has(carried)) return undefined;
    const [kind, ...parts] = carried as unknown as CarriedParts;
    return kinds.get(kind)?.(...(parts.map((part) => search.through(part)) as never[]));
  });
  return search.through(value);
}
