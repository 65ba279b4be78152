/**
 * Objects that keep their class when they cross threads, wherever in a message they sit.
 *
 * A carrier has one enumerable property, a getter. Structured clone calls it, and so makes plain data of the carrier by
 * itself: nothing is searched on the sending side, and a thread that has no carriers pays nothing at all. The getter
 * counts, the count travels at the end of the message, and only a message that holds carriers is searched when it
 * arrives.
 */

const TAG = "threadloop:carried";
const MESSAGE = "threadloop:message";

/** What a carrier is on the way: its kind, and what it is made of again; these parts may be carriers themselves. */
export type Parcel = readonly [kind: string, ...parts: unknown[]];

type Revive = (...parts: never[]) => object;

interface Packed {
  readonly [MESSAGE]: unknown;
  readonly carried: number;
}

const kinds = new Map<string, Revive>();
let inUse = false;
let count = 0;

/** Says how carriers of a kind are made again in the thread that gets them. */
export function defineCarrier<P extends unknown[]>(kind: string, revive: (...parts: P) => object): void {
  kinds.set(kind, revive as unknown as Revive);
}

/** Makes an object a carrier. `parcel` gives what structured clone is to see of it. */
export function makeCarrier(object: object, parcel: () => Parcel): void {
  inUse = true;
  Object.defineProperty(object, TAG, {
    enumerable: true,
    get: () => {
      count++;
      return parcel();
    },
  });
}

/** Tells whether structured clone can carry this object although it is of a class. */
export function isCarrier(value: object): boolean {
  return Object.hasOwn(value, TAG);
}

/**
 * Returns what to post, or to give as `workerData`, instead of a message in which shared objects are to keep their
 * class; `unpacked` gives the message back on the other side. A pool's jobs need neither.
 *
 * @example
 * ```ts
 * import { MessageChannel } from "node:worker_threads";
 * import { packed, SharedLock, unpacked } from "threadloop/workers";
 *
 * const { port1, port2 } = new MessageChannel();
 * port2.once("message", (message) => {
 *   const { lock } = unpacked(message) as { lock: SharedLock };
 *   console.log(lock.locked()); // false
 * });
 * port1.postMessage(packed({ lock: new SharedLock() }));
 * port1.close();
 * ```
 */
export function packed(message: unknown): unknown {
  if (!inUse) return message;
  count = 0;
  return {
    [MESSAGE]: message,
    get carried() {
      return count;
    },
  };
}

/** Whether a message holds carriers and this thread knows no kind of them yet. */
export function needsKinds(received: unknown): boolean {
  return kinds.size === 0 && isPacked(received) && received.carried > 0;
}

/** Returns the message that was `packed`, with its shared objects; any other message as it is. */
export function unpacked(received: unknown): unknown {
  if (!isPacked(received)) return received;
  return received.carried === 0 ? received[MESSAGE] : revived(received[MESSAGE]);
}

/** Makes the carriers in a received value again, in place where it can be; returns the value, or what replaces it. */
export function revived(value: unknown): unknown {
  const search: Search = { seen: new Map(), open: [] };
  const result = replacement(value, search);
  for (let container = search.open.pop(); container !== undefined; container = search.open.pop()) {
    reviveInside(container, search);
  }
  return result;
}

function isPacked(value: unknown): value is Packed {
  if (Array.isArray(value)) return false; // what comes most: asking an array for a property takes ten times as long
  return typeof value === "object" && value !== null && Object.hasOwn(value, MESSAGE);
}

interface Search {
  /** Every object met, and what takes its place. */
  readonly seen: Map<object, object>;
  /** Containers that are still to be searched. */
  readonly open: object[];
}

function replacement(value: unknown, search: Search): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = search.seen.get(value);
  if (known !== undefined) return known;
  const parcel = Object.hasOwn(value, TAG) ? (value as { [TAG]: unknown })[TAG] : undefined;
  const made = Array.isArray(parcel) ? reviveParcel(parcel) : undefined;
  search.seen.set(value, made ?? value);
  if (made === undefined) search.open.push(value);
  return made ?? value;
}

function reviveParcel([kind, ...parts]: unknown[]): object | undefined {
  const revive = kinds.get(kind as string);
  return revive?.(...(parts.map(revived) as never[]));
}

function reviveInside(container: object, search: Search): void {
  if (Array.isArray(container)) reviveItems(container, search);
  else if (container instanceof Map) reviveMap(container, search);
  else if (container instanceof Set) reviveSet(container, search);
  else if (isPlain(container)) reviveProperties(container as Record<string, unknown>, search);
}

function isPlain(object: object): boolean {
  return Object.getPrototypeOf(object) === Object.prototype;
}

function reviveItems(items: unknown[], search: Search): void {
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "object") items[i] = replacement(item, search);
  }
}

function reviveProperties(object: Record<string, unknown>, search: Search): void {
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (typeof value === "object") object[key] = replacement(value, search);
  }
}

function reviveMap(map: Map<unknown, unknown>, search: Search): void {
  const entries = [...map];
  map.clear();
  for (const [key, value] of entries) map.set(replacement(key, search), replacement(value, search));
}

function reviveSet(set: Set<unknown>, search: Search): void {
  const items = [...set];
  set.clear();
  for (const item of items) set.add(replacement(item, search));
}
