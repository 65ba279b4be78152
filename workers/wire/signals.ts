// These are AbortSignals among the arguments of jobs. In the thread each is a signal of that thread, which aborts
// when this one does. One listener serves all jobs that have a signal, and is let go of when the last of them ends.
//
//     here                                            thread
//     a job with the signal is submitted: hold        makes signal 3 when it reads the job
//     the signal aborts: ABORT 3 reason  ---------->  aborts signal 3
//     the last job with it ends: RELEASE 3  ------->  forgets signal 3

import { setMaxListeners } from "node:events";

/** A signal that jobs have which are not settled. */
interface Held {
  readonly id: number;
  jobs: number;
  readonly stop: () => void;
}

/** A session, as the signals see it. */
export interface SignalSession {
  /** The signals that were sent over it, by number. */
  readonly signals: Set<number>;
  signalAborted(id: number, reason: unknown): void;
  signalReleased(id: number): void;
}

const held = new WeakMap<AbortSignal, Held>();
const sessions = new Set<SignalSession>();
let count = 0;
/** Where a message is about to be posted; null where no signal can be followed. */
let destination: SignalSession | null = null;

/** Arguments are looked through so far, for signals: options of a call lie near the top. */
const DEPTH = 3;
const MOST_LOOKS = 64;

/** Holds the signals among the arguments of a job; returns what lets go of them, or null when there is none. */
export function holdSignals(args: readonly unknown[]): (() => void) | null {
  const looking: Looking = { found: null, looks: 0 };
  try {
    lookAtItems(args, DEPTH, looking);
  } catch {
    // A Proxy or a getter: the job will be refused when it is posted.
  }
  return looking.found === null ? null : holdAll(looking.found);
}

interface Looking {
  found: Set<AbortSignal> | null;
  looks: number;
}

function look(object: object, depth: number, looking: Looking): void {
  if (++looking.looks > MOST_LOOKS) return;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === AbortSignal.prototype) {
    looking.found ??= new Set();
    looking.found.add(object as AbortSignal);
  } else if (depth === 0) return;
  else if (Array.isArray(object)) lookAtItems(object, depth - 1, looking);
  else if (prototype === Object.prototype)
    lookAtProperties(object as Record<string, unknown>, depth - 1, looking);
}

function lookAtItems(items: readonly unknown[], depth: number, looking: Looking): void {
  const end = Math.min(items.length, MOST_LOOKS);
  for (let i = 0; i < end && looking.looks <= MOST_LOOKS; i++) {
    const item = items[i];
    if (typeof item === "object" && item !== null) look(item, depth, looking);
  }
}

/** Of plain objects alone: V8 goes through the keys of an array, and of whatever comes here beside arrays, a tenth as fast. */
function lookAtProperties(object: Record<string, unknown>, depth: number, looking: Looking): void {
  let keys = 0;
  for (const key in object) {
    if (++keys > MOST_LOOKS || looking.looks > MOST_LOOKS) return;
    const value = object[key];
    if (typeof value === "object" && value !== null) look(value, depth, looking);
  }
}

function holdAll(signals: Iterable<AbortSignal>): () => void {
  const all = [...signals].filter((signal) => !signal.aborted);
  for (const signal of all) hold(signal);
  return () => {
    for (const signal of all) letGo(signal);
  };
}

function hold(signal: AbortSignal): void {
  const before = held.get(signal);
  if (before !== undefined) {
    before.jobs++;
    return;
  }
  const id = ++count;
  const aborted = () => {
    for (const session of sessions) if (session.signals.has(id)) session.signalAborted(id, signal.reason);
  };
  signal.addEventListener("abort", aborted, { once: true });
  held.set(signal, { id, jobs: 1, stop: () => signal.removeEventListener("abort", aborted) });
}

function letGo(signal: AbortSignal): void {
  const entry = held.get(signal);
  if (entry === undefined || --entry.jobs > 0) return;
  entry.stop();
  held.delete(signal);
  for (const session of sessions) if (session.signals.delete(entry.id)) session.signalReleased(entry.id);
}

/** Posts to a session: what is sent meanwhile may hold signals. */
export function sendingTo(session: SignalSession, post: () => void): void {
  destination = session;
  try {
    post();
  } finally {
    destination = null;
  }
}

/** The session has ended. */
export function forgetSession(session: SignalSession): void {
  sessions.delete(session);
}

/** The number by which the thread knows a signal that is not aborted; undefined where it cannot be followed. */
export function numberOf(signal: AbortSignal): number | undefined {
  const id = held.get(signal)?.id;
  if (id === undefined || destination === null) return undefined;
  sessions.add(destination);
  destination.signals.add(id);
  return id;
}

// In the thread, or wherever else messages are read.

/** The signals that came in messages of one sender, by the numbers that they have there. */
export type ReceivedSignals = Map<number, AbortController>;

const fromHost: ReceivedSignals = new Map();
/** Those of the sender whose message is being read. */
let controllers = fromHost;

/** Reads a message of another sender than the host of this thread. */
export function receivingFrom<T>(sender: ReceivedSignals, read: () => T): T {
  controllers = sender;
  try {
    return read();
  } finally {
    controllers = fromHost;
  }
}

/** The signal of this number. */
export function signalOf(id: number): AbortSignal {
  let controller = controllers.get(id);
  if (controller === undefined) {
    controller = new AbortController();
    setMaxListeners(0, controller.signal); // each of the jobs that share it may listen
    controllers.set(id, controller);
  }
  return controller.signal;
}

export function abortSignal(id: number, reason: unknown): void {
  fromHost.get(id)?.abort(reason);
}

export function releaseSignal(id: number): void {
  fromHost.delete(id);
}
