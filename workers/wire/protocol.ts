// This is what crosses the port between a host (main side) and its thread, in which order.
//
//     host                                             thread
//     DEFINE 7 recipe                                  remembers function 7
//     [slot 3, function 7, argc 2, a, b]  ---------->  claims slot 3, runs
//     [slot 4, function 7, argc 2, c, d]               claims slot 4, runs
//     CANCEL 4 "message"                  ---------->  cancels the task of slot 4
//                          <----------  [3, OK, value, 4, CANCELLED, "message", | busy, ran]
//
// One port per worker carries everything, as two would reorder each other's messages. A message is one flat array of
// records: a job is `slot, function, argc, ...args`, or `slot, function, ~argc, details, ...args` when it has more than
// that; anything else begins with a negative code. What belongs to a job is in its record and nowhere else: a record
// that cannot be sent, or that is skipped, leaves nothing behind. The other way every
// record is `slot, kind, value`, and a message ends with two numbers: microseconds spent in jobs and jobs begun
// since the last message.
//
// Invariant: a slot is used again only after its final reply (or SKIPPED) was read, and both directions are ordered:
// so a CANCEL can arrive late, for a job that has ended, but never for the next job of the same slot.

import type { MessagePort } from "node:worker_threads";
import type { CarriedVariable } from "../../src/core.ts";
import type { ThreadLoader } from "../shipping/loader.ts";
import type { Recipe } from "../shipping/recipe.ts";
import type { Encoded } from "./serialize.ts";

export type { Recipe };

// Down: the codes of the records that are not jobs.
/** `DEFINE, number, recipe`: from here on `number` means this function. */
export const DEFINE = -1;
/** `CANCEL, slot, message`: cancel the coroutine of this slot; its cancel bit is set already. */
export const CANCEL = -2;
/** `CREDIT, slot, count`: the reader of a stream takes this many items more. */
export const CREDIT = -4;
/** `ASK, id, question`: ANSWER it. */
export const ASK = -5;
/** `FORGET, number, 0`: function `number` does not exist any more on the main side. */
export const FORGET = -6;
/** `TAKEN, descriptor, 0`: what the thread had printed when it asked has arrived. */
export const TAKEN = -7;
/** `LET_GO, 0, 0`: the session ends, and the thread closes the port when it has read this. */
export const LET_GO = -8;
/** `HURRY, 0, 0`: the pool closes; jobs that have ended wait no more for calls of their callers' functions. */
export const HURRY = -9;
/** `GO_ON, stays, 0`: the thread, which is to be replaced, ends what it has; 1: it is not, as an actor needs it. */
export const GO_ON = -10;
/** `ABORT, number, reason`: the AbortSignal of this number, which jobs have among their arguments, is aborted. */
export const ABORT = -13;
/** `RELEASE, number, 0`: no job has that signal any more. */
export const RELEASE = -14;
/** `TEAR_DOWN, 0, 0`: the thread, which is to be replaced, has nothing left to do: it runs its teardown and says TORN_DOWN. */
export const TEAR_DOWN = -11;
/** `AWAY, slot, change`: so many jobs more, or less, are under way for which this one may wait: it leaves its place. */
export const AWAY = -12;
/** `SHARING, hasErrors`, before the jobs of a message: some of them share objects, of which each is to have its own. */
export const SHARING = -15;
/** Every record that is not a job has this many words. */
export const CONTROL_WORDS = 3;
/** A job's record has this many words before its details and its arguments. */
export const JOB_WORDS = 3;
/** The function number of a job whose function travels with it, in its details. */
export const OWN_FUNCTION = 0;

// Up: the kinds of replies. Those up to LAST_FINAL end the job and give its slot back.
export const OK = 0;
export const REPLY_FAILED = 1;
export const REPLY_CANCELLED = 2;
/** Taken back by the host before it started; only the slot comes home. */
export const SKIPPED = 3;
/** The thread cannot load the function; the value is the encoded error. */
export const UNLOADABLE = 4;
export const LAST_FINAL = UNLOADABLE;
/** A timed job begins. */
export const STARTED = 5;
/** An item of a stream. */
export const ITEM = 6;
/** In place of a slot, alone in its message: this reply is about the session. */
export const ABOUT_SESSION = -1;
/** In place of a slot: `HELD, count, [words, text]`, first in its message: so many replies as they lay in the shared memory. */
export const HELD = -2;
/** An error of code that no open job of the thread is charged with. */
export const STRAY = 7;
/** The first message of a session; the value is the thread's id. */
export const HELLO = 8;
/** The thread is set up. */
export const READY = 10;
/** The last message of a session that could not be set up; the value is the encoded error. */
export const BROKEN = 9;

/** The answer to a question: `[id, answer]`. */
export const ANSWER = 11;

/** The thread has had its jobs, or its heap is too large: it claims no more until it hears GO_ON. */
export const RETIRES = 13;
/** The last message of a thread that is replaced; the value is what its teardown threw, encoded, or null. */
export const TORN_DOWN = 14;

/** A call of the default executor by the code of the thread; the value is a NestedCall. */
export const NESTED = 15;

/** A piece of output: `[ABOUT_SESSION, PRINTED, slot, descriptor, chunk, asks]`; TAKEN is to be answered when it asks. */
export const PRINTED = 12;

/** How such a message begins. */
export type HeldReplies = readonly [
  held: typeof HELD,
  count: number,
  laid: readonly [words: Float64Array, text: Uint16Array | null],
];

/** The thread cannot read the message of that number; all that come count, from 1 on. */
export const UNREAD = 16;

/** Standard output or standard error. */
export type Descriptor = 1 | 2;

/** What is read where output and other things come over one port. */
export function isPrinted(message: unknown): message is Printed {
  return Array.isArray(message) && message[0] === ABOUT_SESSION && message[1] === PRINTED;
}

export type Printed = readonly [
  about: typeof ABOUT_SESSION,
  kind: typeof PRINTED,
  slot: number,
  descriptor: Descriptor,
  chunk: string | Uint8Array,
  asks: boolean,
];

export const REPLY_WORDS = 3;
export const TRAILER_WORDS = 2;

/**
 * What a thread can be asked: the tasks of it and, within so many milliseconds, of its own pools' workers; whether its
 * loop turns; what it has recorded since the last time.
 */
export type Question =
  | { readonly about: "tasks"; readonly patience: number }
  | { readonly about: "ping" }
  | { readonly about: "events" };

/** A function as it is first sent. */
export interface Definition {
  readonly recipe: Recipe;
  readonly name: string;
}

/** The parts of a job's record. */
export interface JobRecord {
  readonly details: Details | undefined;
  /** Where its arguments are in the message: from here to the next record. */
  readonly first: number;
  readonly end: number;
}

/** The jobs of a message. */
export function countJobs(words: readonly unknown[]): number {
  let jobs = 0;
  for (let at = 0; at < words.length; jobs++) {
    const count = words[at + 2] as number;
    at += JOB_WORDS + (count >= 0 ? count : 1 + ~count);
  }
  return jobs;
}

/** Adds a job's record to a message; returns whether an object is in it. */
export function writeJob(
  words: unknown[],
  slot: number,
  fn: number,
  details: Details | null,
  args: readonly unknown[],
): boolean {
  let hasObject = details !== null;
  if (details === null) words.push(slot, fn, args.length);
  else words.push(slot, fn, ~args.length, details);
  for (let i = 0; i < args.length; i++) {
    words.push(args[i]);
    hasObject ||= typeof args[i] === "object";
  }
  return hasObject;
}

/** Finds the parts of the job's record at `at`. */
export function readJob(words: readonly unknown[], at: number): JobRecord {
  const count = words[at + 2] as number;
  const first = at + JOB_WORDS;
  if (count >= 0) return { details: undefined, first, end: first + count };
  return { details: words[first] as Details, first: first + 1, end: first + 1 + ~count };
}

/**
 * What a job does with its function. A call is what most do, and need not say so; a stream replies ITEMs, at most `credit` before the first
 * CREDIT; the argument of an `each` is a chunk of items; a thread that has run the broadcast of a number does not run it
 * again at a later session.
 */
export type JobKind =
  | { readonly is?: "call" }
  | { readonly is: "each" }
  | { readonly is: "stream"; readonly credit: number }
  | { readonly is: "actorMake"; readonly id: number }
  | { readonly is: "actorCall"; readonly id: number; readonly method: string }
  | { readonly is: "actorDrop"; readonly id: number }
  | { readonly is: "broadcast"; readonly number: number };

/** What a job may have beside that, whatever it does. */
export interface Attached {
  /** The function itself, when it is a snapshot for this call only. */
  readonly recipe?: Recipe;
  /** Reply STARTED when it begins: the host watches its time. */
  readonly timed?: boolean;
  /** Values of the AsyncLocalStorages named in the pool's options. */
  readonly stores?: Readonly<Record<string, unknown>>;
  /** Values of context variables, where the job carries them. */
  readonly variables?: readonly CarriedVariable[];
  /** Positions of the arguments that are functions of the caller, and the port over which they are called. */
  readonly callbacks?: { readonly at: readonly number[]; readonly port: MessagePort };
  /** Somebody follows the job: what its events in the worker say. */
  readonly life?: JobLife;
  /** The name of the task that runs the job in the worker's loop. */
  readonly name?: string;
}

/** What a job is beside a function and arguments; only jobs that are more than a plain call carry it, in their record. */
export type Details = JobKind & Attached;

/** What a chunk of a map gives: the results up to the first failure, and that failure. */
export interface ChunkResult {
  readonly values: readonly unknown[];
  readonly failure?: Encoded;
}

/** What the events of a job that somebody follows say of it. */
export interface JobLife {
  readonly id: number;
  readonly name: string;
  readonly pool: string;
  readonly carrier: Readonly<Record<string, string>>;
  /** The thread records what it does, from here on if it did not before. */
  readonly recorded: boolean;
}

/** What a session is started with: the data of its piscina task. */
export interface SessionSetup<Options = unknown> {
  readonly port: MessagePort;
  readonly slots: SharedArrayBuffer;
  readonly loader: ThreadLoader;
  /** What the pool was told that the thread itself goes by: the `ThreadOptions` of `executor/options`. */
  readonly options: Options;
  /** Modules to import before the first job. */
  readonly preload: readonly string[];
  readonly initializer: Recipe | null;
  readonly teardown: Recipe | null;
  /** What was broadcast so far, in order; the thread runs what it has not run yet. */
  readonly broadcasts: readonly Broadcast[];
}

/**
 * The other piscina task: the thread runs its teardown, and posts null or the encoded error over this port; before it,
 * what the teardown prints, as PRINTED.
 */
export interface TeardownSetup {
  readonly teardownPort: MessagePort;
}

export interface Broadcast {
  readonly number: number;
  readonly recipe: Recipe;
  readonly args: readonly unknown[];
}
