// These are messages between threads, in which Buffers, errors, URLs and shared objects keep their class.
//
// Plain values pay next to nothing: primitives are not looked at, and what is an object is looked through once, at some
// nanoseconds a property, where structured clone takes a hundred. Only a message in which something was found is more
// than the values themselves.

import { PACKAGE_ROOT } from "../../src/core.ts";
import { beginWriting, endWriting, hasCarriers, knowsKinds, revived } from "../shipping/carrier.ts";
import { namesOf } from "../shipping/search.ts";
import { JOB_WORDS, readJob, SHARING } from "./protocol.ts";
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
  return hasCarriers() ? withCarriers(message, cargoOf(message)) : packedData(message);
}

/** The same for what cannot hold shared objects. */
export function packedData(message: unknown): unknown {
  return asData(message, cargoOf(message));
}

/** The same for words of a protocol: the array itself is ours. */
export function packedWords(words: readonly unknown[]): unknown {
  const finds = newFinds();
  return withCargo(words, lookAtWords(words, 0, words.length, finds), finds);
}

/**
 * The same for the records of jobs. Structured clone keeps identities within one message: where two calls share an
 * object, SHARING says so, and the thread gives each its own.
 */
export function packedJobs(words: readonly unknown[]): unknown {
  const finds = newFinds();
  const isApart = lookAtJobs(words, finds);
  return withCargo(finds.isSharing ? [SHARING, finds.hasErrors, ...words] : words, isApart, finds);
}

function withCargo(message: readonly unknown[], isApart: boolean, { buffers }: Finds): unknown {
  if (!isApart && buffers === null && !hasCarriers()) return message;
  const cargo = isApart ? new Packing().pack(message) : buffers === null ? null : { value: message, buffers };
  return hasCarriers() ? withCarriers(message, cargo) : asData(message, cargo);
}

function asData(message: unknown, cargo: Cargo | null): unknown {
  if (cargo === null) return isPacked(message) ? { [MESSAGE]: true, value: message } : message;
  return { [MESSAGE]: true, ...cargo };
}

function withCarriers(message: unknown, cargo: Cargo | null): unknown {
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

/** Whether a message holds carriers and this thread knows no kind of them yet. */
function needsKinds(received: unknown): boolean {
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
  const finds = newFinds();
  if (look(message, finds)) return new Packing().pack(message);
  return finds.buffers === null ? null : { value: message, buffers: finds.buffers };
}

/** What is looked through before it is remembered what was seen: most messages are smaller, and trees. */
const UNREMEMBERED = 64;

/** Memory that views lie in, or that is sent itself: which call had it last, and up to where. */
interface Memory {
  call: number;
  end: number;
}

interface Finds {
  buffers: Uint8Array[] | null;
  seen: Set<object> | null;
  looked: number;
  /** Where a message holds several calls: the first of them that has an object. */
  owners: Map<object, number> | null;
  memories: Map<object, Memory> | null;
  call: number;
  /** Two calls have the same object, or may have it in an error. */
  isSharing: boolean;
  hasErrors: boolean;
  isApart: boolean;
}

function newFinds(): Finds {
  return {
    buffers: null,
    seen: null,
    looked: 0,
    owners: null,
    memories: null,
    call: 0,
    isSharing: false,
    hasErrors: false,
    isApart: false,
  };
}

/** The calls of a message are its jobs, and the items of a chunk. */
function lookAtJobs(words: readonly unknown[], finds: Finds): boolean {
  const record = readJob(words, 0);
  if (record.end === words.length && record.details?.is !== "each")
    return lookAtWords(words, JOB_WORDS, words.length, finds);
  finds.owners = new Map();
  for (let at = 0; at < words.length; ) {
    const { details, first, end } = readJob(words, at);
    finds.call++;
    if (details !== undefined) lookAtProperties(details as unknown as Record<string, unknown>, finds);
    if (details?.is === "each") lookAtChunk(words[first] as readonly unknown[], finds);
    else lookAtWords(words, first, end, finds);
    at = end;
  }
  return finds.isApart;
}

function lookAtChunk(items: readonly unknown[], finds: Finds): void {
  for (let i = 0; i < items.length; i++) {
    finds.call++;
    isFound(items[i], finds);
  }
}

function lookAtWords(words: readonly unknown[], first: number, end: number, finds: Finds): boolean {
  for (let i = first; i < end; i++) {
    const word = words[i];
    if (typeof word === "object" && word !== null && look(word, finds)) return true;
  }
  return false;
}

/** Notes which call has an object; true when it was met before. */
function isOwned(object: object, finds: Finds, owners: Map<object, number>): boolean {
  const owner = owners.get(object);
  if (owner === undefined) owners.set(object, finds.call);
  else if (owner !== finds.call) finds.isSharing = true;
  return owner !== undefined;
}

/** The same for a kind of object that each call is to have for itself. */
function isMet(object: object, what: kind.ValueKind, finds: Finds, owners: Map<object, number>): boolean {
  if (what === kind.HOST || what === kind.CARRIER || what === kind.SIGNAL) return false;
  if (what === kind.ERROR) finds.isSharing = finds.hasErrors = true; // what is in it is not looked at
  if (isOwned(object, finds, owners)) return true;
  if (what === kind.DATA || what === kind.BUFFER) noteMemory(object, what, finds);
  return false;
}

/** Small Buffers lie in memory of Node's, one behind the other: they share it only where they overlap. */
function noteMemory(object: object, what: kind.ValueKind, finds: Finds): void {
  const memory = kind.memoryOf(object);
  if (memory === null && !(object instanceof ArrayBuffer)) return;
  const { byteOffset, byteLength } = object as Uint8Array;
  const [start, end] =
    what === kind.BUFFER ? [byteOffset, byteOffset + byteLength] : [0, Number.POSITIVE_INFINITY];
  finds.memories ??= new Map();
  const before = finds.memories.get(memory ?? object);
  if (before === undefined) finds.memories.set(memory ?? object, { call: finds.call, end });
  else if (before.call === finds.call) before.end = Math.max(before.end, end);
  else if (start >= before.end) {
    before.call = finds.call;
    before.end = end;
  } else finds.isSharing = true;
}

/**
 * Looks through an object for what structured clone would lose; true as soon as something has to be taken apart, but in
 * a message of several calls, where all is looked at. It
 * calls itself at each level, as structured clone does, which takes more stack for it.
 */
function look(object: object, finds: Finds): boolean {
  const { owners } = finds;
  if (owners === null && ++finds.looked > UNREMEMBERED) {
    finds.seen ??= new Set();
    if (finds.seen.has(object)) return false;
    finds.seen.add(object);
  }
  const what = kind.valueKindOf(object);
  if (owners !== null && isMet(object, what, finds, owners)) return false;
  switch (what) {
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
      finds.isApart = true;
      return owners === null;
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
