// This is what crosses Redis. Calls travel in batches, each one BullMQ job, to whichever machine is free; everything
// else goes from process to process over inboxes: one Redis stream a process, read by it alone, in order.
//
//     client                                                  machine
//     batch: functions by name, calls   ---- BullMQ job --->  takes it, runs the calls in its pool
//     inbox  <----  BATCH_BEGAN                               when it lasts longer than a few milliseconds
//            <----  CALL_ITEM, CALLBACK                       streams, functions of the caller
//            ---->  GIVE_CREDIT, ANSWER_CALLBACK, ... ----->  inbox
//            <----  CALL_OK, _FAILED, _CANCELLED or _LOST     one for each call, BATCH_ENDING before the last one
//            ---->  RUN_BATCH --------------------------->  inbox: a batch for this machine only (`direct`)
//
// Records that come together leave as one entry. An entry has its sender's number, so one that a connection sent twice
// is read once. The first final record of a call settles it; a call that is posted again gets a new number, so what a
// machine says that was believed lost finds no call.
//
// Primitives stand in a record as they are. An object is bytes of its own: a value that cannot be written or read
// concerns nobody but its call, and no two calls share one.

import { deserialize, serialize } from "node:v8";
import type { CallOptions } from "../workers/executor/options.ts";
import type { Attached, JobKind } from "../workers/wire/protocol.ts";
import { decode, encode } from "./payload.ts";

/** Who reads a newer version than its own refuses it by name; the version before this one is understood. */
export const VERSION = 2;
/** Machines of this version take batches by their inboxes, and so have actors and broadcasts. */
export const DIRECT_SINCE = 2;

// From a machine to a client.
export const CALL_OK = 0;
export const CALL_FAILED = 1;
export const CALL_CANCELLED = 2;
/** The machine that had the call is gone, or did not end it. */
export const CALL_LOST = 3;
export const BATCH_BEGAN = 4;
export const BATCH_ENDING = 5;
export const CALL_ITEM = 6;
export const CALLBACK = 7;
/** The answer to an ASK. */
export const TOLD = 8;
/** An actor is not there any more, or will not be in a moment: the error says why. */
export const ACTOR_LOST = 9;

// From a client to a machine.
export const CANCEL_CALL = 20;
export const GIVE_CREDIT = 21;
/** The answer to CALLBACK. */
export const ANSWER_CALLBACK = 22;
/** An AbortSignal among the arguments of a batch is aborted. */
export const ABORT_SIGNAL = 23;
/** The tasks of the machine's threads. */
export const ASK_MACHINE = 24;
/** What its pool does and has done, in numbers, which it goes on to count for a while. */
export const ASK_NUMBERS = 25;
/** A batch for this machine; calls with turns run in the order of those. */
export const RUN_BATCH = 26;
/** Nobody calls this actor any more. */
export const LEAVE_ACTOR = 27;
/** Threads that are born later do not run this broadcast. */
export const FORGET_BROADCAST = 28;
/** Which of these batches the machine does not have. */
export const ASK_BATCHES = 29;

/** A primitive, or an object as bytes. */
export type Word = string | number | bigint | boolean | null | undefined | Uint8Array;

/** What a client reads. */
export type Reply =
  | readonly [typeof CALL_OK, call: number, value: Word]
  | readonly [typeof CALL_FAILED, call: number, thrown: Word]
  | readonly [typeof CALL_CANCELLED, call: number, message: string]
  | readonly [typeof CALL_LOST, call: number]
  | readonly [typeof BATCH_BEGAN, batch: string, machine: string, threads: number]
  | readonly [typeof BATCH_ENDING, batch: string, milliseconds: number]
  | readonly [typeof CALL_ITEM, call: number, at: number, item: Word]
  | readonly [typeof CALLBACK, call: number, message: Word]
  | readonly [typeof TOLD, question: number, answer: Word]
  | readonly [typeof ACTOR_LOST, actor: number, thrown: Word];

/** What a machine reads. */
export type Order =
  | readonly [typeof CANCEL_CALL, call: number, message: string]
  | readonly [typeof GIVE_CREDIT, call: number, count: number]
  | readonly [typeof ANSWER_CALLBACK, call: number, message: Word]
  | readonly [typeof ABORT_SIGNAL, batch: string, signal: number, reason: Word]
  | readonly [typeof ASK_MACHINE, question: number, patience: number]
  | readonly [typeof ASK_NUMBERS, question: number, lease: number]
  | readonly [typeof RUN_BATCH, batch: string, turn: number, body: Uint8Array]
  | readonly [typeof LEAVE_ACTOR, actor: number]
  | readonly [typeof FORGET_BROADCAST, broadcast: number]
  | readonly [typeof ASK_BATCHES, question: number, batches: readonly string[]];

/** What a call is beside a function and arguments. */
export interface CallDetails {
  readonly kind: JobKind;
  readonly attached: Attached;
  readonly options: Pick<CallOptions, "timeout" | "cancelGrace" | "name">;
  /** The positions of the arguments that are functions of the caller. */
  readonly callbacks: readonly number[] | null;
}

/** Arguments: primitives as they are, or all of them as bytes. */
export type WrittenArgs = readonly Word[] | Uint8Array;

/** One call of a batch; `code` is the place of its function in the batch's list, `details` are CallDetails. */
export type CallRecord = readonly [call: number, code: number, args: WrittenArgs, details?: Uint8Array];

/** What a batch is, once it was unsealed. */
export interface BatchBody {
  /** NamedRecipes. */
  readonly codes: readonly (readonly [recipe: Uint8Array, name: string])[];
  readonly calls: readonly CallRecord[];
  /** Its calls are cancelled when the client is gone. */
  readonly cancelOrphans: boolean;
  /** Bytes of a result that the client takes. */
  readonly most: number;
}

/** The data of a batch's BullMQ job. */
export interface BatchData {
  readonly v: number;
  /** The client that posted it. */
  readonly from: string;
  /** How many calls it has. */
  readonly n: number;
  /** Its body in base64, or the key of the blob that has it. */
  readonly p?: string;
  readonly b?: string;
  readonly mac?: string;
}

/** The body of an entry or of a batch: what is in it is made of words. */
export const bodyOf = (records: readonly (Reply | Order)[] | BatchBody): Buffer => serialize(records);

/** What a body holds; what it is has to be looked at, as it comes from elsewhere. */
export const contentOf = (body: Uint8Array): unknown => deserialize(body);

/** A value as it stands in a record. Throws what structured clone throws for it. */
export function written(value: unknown): Word {
  switch (typeof value) {
    case "object":
      return value === null ? null : encode(value);
    case "function":
    case "symbol":
      return encode(value); // throws
    default:
      return value as Word;
  }
}

/** Arguments as they stand in a record. Throws what structured clone throws for one. */
export function writtenArgs(args: readonly unknown[]): WrittenArgs {
  for (let i = 0; i < args.length; i++) {
    const kind = typeof args[i];
    if (kind === "function" || kind === "symbol" || (kind === "object" && args[i] !== null))
      return encode(args);
  }
  return args as readonly Word[];
}

/** The arguments that were written. */
export function readArgs(args: WrittenArgs): readonly unknown[] {
  return args instanceof Uint8Array ? (decode(args) as readonly unknown[]) : args;
}

/** How many bytes words take, about. */
export function sizeOf(words: readonly unknown[] | Uint8Array): number {
  if (words instanceof Uint8Array) return words.length;
  let size = 0;
  for (const word of words)
    size += typeof word === "string" || word instanceof Uint8Array ? word.length + 8 : 8;
  return size;
}

/** The value that was written. */
export function read(word: Word): unknown {
  return word instanceof Uint8Array ? decode(word) : word;
}
