// Messages between threads, in which Buffers, errors, URLs and shared objects keep their class.
//
// Plain values pay next to nothing: primitives are not looked at, and what is an object is looked through once, at some
// nanoseconds a property, where structured clone takes a hundred. Only a message in which something was found is more
// than the values themselves.

import { PACKAGE_ROOT } from "../../src/core.ts";
import { beginWriting, endWriting, hasCarriers, knowsKinds, revived } from "../shipping/carrier.ts";
import { namesOf } from "../shipping/search.ts";
import { type Cargo, Packing, unpack } from "./serialize.ts";
import * as kind from "./valuekind.ts";

const MESSAGE = "threadloop:message";

interface Packed extends Cargo {
  readonly [MESSAGE]: true;
  /** What the shared objects in it are made of again. */
  readonly carried?: readonly object[];
}

/**
 * Returns what to post, or to give as `workerData`, instead of a message in which Buffers, errors, URLs and shared
 * objects are to keep their class; `unpacked` gives the message back on the other side. A pool's jobs need neither.
 *
 * Throws a DataCloneError for an object of Node's own classes that could not be used in another thread.
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
  if (!hasCarriers()) return packedData(message);
  const cargo = cargoOf(message);
  return {
    get [MESSAGE]() {
      beginWriting();
      return true;
    },
    ...(cargo ?? { value: message }),
    get carried() {
      return endWriting();
    },
  };
}

/** The same for what cannot hold shared objects. */
export function packedData(message: unknown): unknown {
  const cargo = cargoOf(message);
  if (cargo === null) return isPacked(message) ? { [MESSAGE]: true, value: message } : message;
  return { [MESSAGE]: true, ...cargo };
}

/** Whether a message holds carriers and this thread knows no kind of them yet. */
export function needsKinds(received: unknown): boolean {
  return !knowsKinds() && isPacked(received) && hasCarried(received);
}

/** Returns the message that was `packed`, with all that keeps its class; any other message as it is. */
export function unpacked(received: unknown): unknown {
  if (!isPacked(received)) return received;
  const value = unpack(received);
  return hasCarried(received) ? revived(value, received.carried as readonly object[]) : value;
}

function hasCarried({ carried }: Packed): boolean {
  return carried !== undefined && carried.length > 0;
}

function isPacked(value: unknown): value is Packed {
  if (Array.isArray(value)) return false; // what comes most; those who read much look themselves before they ask
  return typeof value === "object" && value !== null && Object.hasOwn(value, MESSAGE);
}

/** What has to travel beside a message, or null when it can go as it is. */
function cargoOf(message: unknown): Cargo | null {
  if (typeof message !== "object" || message === null) return null;
  const finds: Finds = { buffers: null, seen: null, looked: 0 };
  if (look(message, finds)) return new Packing().pack(message);
  return finds.buffers === null ? null : { value: message, buffers: finds.buffers };
}

/** What is looked through before it is remembered what was seen: most messages are smaller, and trees. */
const UNREMEMBERED = 64;

interface Finds {
  buffers: Uint8Array[] | null;
  seen: Set<object> | null;
  looked: number;
}

/**
 * Looks through an object for what structured clone would lose; true as soon as something has to be taken apart. It
 * calls itself at each level, as structured clone does, which takes more stack for it.
 */
function look(object: object, finds: Finds): boolean {
  if (++finds.looked > UNREMEMBERED) {
    finds.seen ??= new Set();
    if (finds.seen.has(object)) return false;
    finds.seen.add(object);
  }
  switch (kind.valueKindOf(object)) {
    case kind.ARRAY:
      return lookAtItems(object as unknown[], finds);
    case kind.PLAIN:
      return lookAtProperties(object as Record<string, unknown>, finds);
    case kind.INSTANCE:
      return lookAtKeys(object as Record<string, unknown>, finds);
    case kind.MAP:
      return lookAtEntries(object as Map<unknown, unknown>, finds);
    case kind.SET:
      return lookAtMembers(object as Set<unknown>, finds);
    case kind.BUFFER:
      finds.buffers ??= [];
      finds.buffers.push(object as Uint8Array);
      return false;
    case kind.DATA:
    case kind.HOST:
    case kind.CARRIER:
      return false;
    default:
      return true;
  }
}

function lookAtItems(items: readonly unknown[], finds: Finds): boolean {
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "object") {
      if (item !== null && look(item, finds)) return true;
    } else if (item === undefined && !(i in items)) {
      return lookAtKeys(items as unknown as Record<string, unknown>, finds); // it may be long and nearly empty
    }
  }
  return lookAt(items, namesOf(items), finds);
}

function lookAtProperties(object: Record<string, unknown>, finds: Finds): boolean {
  for (const key in object) {
    const value = object[key];
    if (typeof value === "object" && value !== null && look(value, finds)) return true;
  }
  return false;
}

/** What a class's prototype has is not copied. */
function lookAtKeys(object: Record<string, unknown>, finds: Finds): boolean {
  return lookAt(object, Object.keys(object), finds);
}

function lookAt(object: object, keys: readonly string[], finds: Finds): boolean {
  for (const key of keys) {
    const value = (object as Record<string, unknown>)[key];
    if (typeof value === "object" && value !== null && look(value, finds)) return true;
  }
  return false;
}

function lookAtEntries(map: Map<unknown, unknown>, finds: Finds): boolean {
  let found = false;
  Map.prototype.forEach.call(map, (value, key) => {
    found ||= isFound(key, finds) || isFound(value, finds);
  });
  return found;
}

function lookAtMembers(set: Set<unknown>, finds: Finds): boolean {
  let found = false;
  Set.prototype.forEach.call(set, (value) => {
    found ||= isFound(value, finds);
  });
  return found;
}

function isFound(value: unknown, finds: Finds): boolean {
  return typeof value === "object" && value !== null && look(value, finds);
}

// What arrives, in order. The classes of shared objects are loaded with the first message that holds one, as most threads
// need none: it waits for them, and so does what comes after it.

/** By its address, as a bundler would take the file along for whatever program. Who bundles has the classes loaded. */
const loadShared = (): Promise<unknown> => import(new URL("workers/shared/index.js", PACKAGE_ROOT).href);

/** Returns a message with its shared objects. */
export async function open(received: unknown): Promise<unknown> {
  if (needsKinds(received)) await loadShared();
  return unpacked(received);
}

export class Inbox {
  readonly #receive: (message: unknown) => void;
  /** What came since a message waits, where one does. */
  waiting: unknown[] | null = null;

  constructor(receive: (message: unknown) => void) {
    this.#receive = receive;
  }

  take = (received: unknown): void => {
    if (this.waiting !== null) this.waiting.push(received);
    else if (needsKinds(received)) void this.#wait(received);
    else this.#receive(unpacked(received));
  };

  async #wait(first: unknown): Promise<void> {
    const waiting = [first];
    this.waiting = waiting;
    await loadShared();
    this.waiting = null;
    for (const received of waiting) this.#receive(unpacked(received));
  }
}
