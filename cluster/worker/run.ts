// This is one batch on a machine: its calls run in the machine's pool, and what they say goes to the inbox of their
// client.
//
// A batch that was given to this machine as another one was lost with it is not run: its calls are told as LOST, and
// their client says which of them run again. Where the client's inbox is gone nobody reads that either.

import { clearTimeout, setTimeout } from "node:timers";
import { CancelledError, monotonicTime } from "../../src/core.ts";
import { callable } from "../../workers/executor/callbacks.ts";
import type { Job } from "../../workers/executor/job.ts";
import type { CallOptions } from "../../workers/executor/options.ts";
import type { ThreadScheduler } from "../../workers/pool/threadworkers.ts";
import type { AnyFunction } from "../../workers/shipping/recipe.ts";
import { resultError } from "../../workers/wire/clone.ts";
import { CloneError, PoolClosedError } from "../../workers/wire/errors.ts";
import { type Attached, CREDIT, type JobKind } from "../../workers/wire/protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "../../workers/wire/serialize.ts";
import { type ReceivedSignals, receivingFrom } from "../../workers/wire/signals.ts";
import { RemotePort } from "../callbackport.ts";
import type { Outbox } from "../outbox.ts";
import { decode, encode } from "../payload.ts";
import * as wire from "../protocol.ts";
import type { NamedFunctions } from "./namedfunctions.ts";
import { detailsOf } from "./received.ts";

/** A batch that is over sooner says nothing but its results; milliseconds. */
const BEGAN_AFTER = 4;

/** The machine that runs it. */
export interface BatchHost {
  /** Its name for clients. */
  readonly id: string;
  readonly scheduler: ThreadScheduler;
  readonly functions: NamedFunctions;
  readonly maxPayload: number;
  /** Makes a job of a call that is for this very machine; null where it is one like any other. */
  submitDirect(call: DirectRunCall): Job | null;
}

/** A call that came past the queue. */
export interface DirectRunCall {
  readonly client: string;
  readonly turn: number;
  readonly fn: AnyFunction;
  readonly args: readonly unknown[];
  readonly kind: JobKind;
  readonly attached: Attached;
}

/** Which batch it is: whose, and, when it came past the queue, its turn. */
export interface BatchOrigin {
  readonly id: string;
  readonly client: string;
  readonly turn: number | null;
}

/** A call that is not over. */
interface Open {
  readonly job: Job;
  readonly port: RemotePort | null;
  /** It waits for what its client says: it calls it, or gives it items as it wants them. */
  readonly isTalking: boolean;
}

const EMPTY: CallOptions = Object.freeze({});

export class BatchRun {
  readonly id: string;
  /** Its client. */
  readonly client: string;
  readonly cancelsOrphans: boolean;
  /** Settles when all calls have ended and their client has been told. */
  readonly done: Promise<void>;
  /** The calls that have failed, and the first error. */
  failed = 0;
  firstError: unknown = null;
  readonly #host: BatchHost;
  readonly #turn: number | null;
  readonly #out: Outbox<wire.Reply>;
  readonly #body: wire.BatchBody;
  readonly #open = new Map<number, Open>();
  readonly #signals: ReceivedSignals = new Map();
  readonly #begunAt = monotonicTime();
  #left: number;
  #beginning: NodeJS.Timeout | null = null;
  #hasBegun = false;
  #end: () => void = () => {};

  constructor(
    host: BatchHost,
    { id, client, turn }: BatchOrigin,
    body: wire.BatchBody,
    out: Outbox<wire.Reply>,
  ) {
    this.#host = host;
    this.id = id;
    this.client = client;
    this.#turn = turn;
    this.cancelsOrphans = body.cancelOrphans;
    this.#body = body;
    this.#out = out;
    this.#left = body.calls.length;
    this.done = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get size(): number {
    return this.#body.calls.length;
  }

  /** Jobs that have begun and not ended. */
  get running(): number {
    return this.#open.size;
  }

  /** Runs the calls. */
  start(): void {
    this.#beginning = setTimeout(() => this.beginIfRunning(), BEGAN_AFTER);
    for (const call of this.#body.calls) this.#startCall(call);
  }

  /** Says of each call that it is lost: the machine that had them is not there any more. */
  tellLost(): void {
    for (const [number] of this.#body.calls) {
      this.failed++;
      this.#out.add([wire.CALL_LOST, number]);
    }
    this.firstError = new Error("the machine that had them was lost");
    this.#end();
  }

  /** Says that it has begun, as soon as one of its calls has. */
  beginIfRunning(): void {
    if (this.#hasBegun || this.#left === 0) return;
    const isRunning = [...this.#open.values()].some(({ job }) => job.running());
    if (isRunning) this.#begin();
    else if (this.#beginning !== null) this.#beginning.refresh();
  }

  cancel(number: number, message: string | undefined): void {
    this.#open.get(number)?.job.cancel(message);
  }

  /** Some of what it has is for nobody once its client is gone. */
  get needsClient(): boolean {
    if (this.cancelsOrphans) return true;
    for (const { isTalking } of this.#open.values()) if (isTalking) return true;
    return false;
  }

  /** Its client is gone: what that wants cancelled then is, and what would wait for it for ever. */
  orphan(message: string): void {
    for (const { job, isTalking } of this.#open.values())
      if (this.cancelsOrphans || isTalking) job.cancel(message);
  }

  control(number: number, count: number): void {
    const job = this.#open.get(number)?.job;
    job?._place.control?.(job, CREDIT, count);
  }

  answer(number: number, message: wire.Word): void {
    this.#open.get(number)?.port?.deliver(message);
  }

  abort(signal: number, reason: wire.Word): void {
    this.#signals.get(signal)?.abort(decodeThrown(wire.read(reason) as Encoded));
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#stopBeginning();
    this.#out.add([wire.BATCH_BEGAN, this.id, this.#host.id, this.#host.scheduler.settings.size]);
  }

  #stopBeginning(): void {
    if (this.#beginning !== null) clearTimeout(this.#beginning);
    this.#beginning = null;
  }

  #startCall([number, code, args, written]: wire.CallRecord): void {
    let open: Open;
    try {
      open = this.#submit(number, code, args, written);
    } catch (error) {
      this.#ended(number, () => this.#fail(number, error));
      return;
    }
    this.#open.set(number, open);
    open.job._listen(() => this.#ended(number, () => this.#tellEnd(number, open)));
  }

  #submit(number: number, code: number, args: wire.WrittenArgs, written: Uint8Array | undefined): Open {
    const { functions, scheduler } = this.#host;
    const [recipe, name] = this.#body.codes[code] as readonly [Uint8Array, string];
    const fn = functions.of(recipe, name);
    const given = receivingFrom(this.#signals, () => wire.readArgs(args));
    if (written === undefined)
      return { job: scheduler.submit(fn, given, EMPTY), port: null, isTalking: false };
    const details = detailsOf(decode(written), { isDirect: this.#turn !== null });
    const { kind, callbacks } = details;
    const attached = functions.attachedHere(details.attached);
    const isTalking = callbacks !== null || kind.is === "stream";
    if (isTalking) this.#begin(); // its client talks with it
    const port =
      callbacks === null
        ? null
        : new RemotePort((message) => this.#out.add([wire.CALLBACK, number, message]));
    const complete =
      port === null ? given : callable(attached.name ?? name, given, { at: callbacks ?? [], port }).complete;
    let items = 0;
    const onItem = (item: unknown): void => {
      this.#out.add([wire.CALL_ITEM, number, items++, this.#written(attached.name ?? name, item)]);
    };
    const options = { ...details.options, ...(attached.name !== undefined && { name: attached.name }) };
    const direct =
      this.#turn === null
        ? null
        : this.#host.submitDirect({
            client: this.client,
            turn: this.#turn,
            fn,
            args: complete,
            kind,
            attached,
          });
    const job =
      direct ??
      scheduler.forward(fn, complete, options, {
        kind,
        attached,
        onItem: kind.is === "stream" ? onItem : null,
      });
    return { job, port, isTalking };
  }

  /** The last call says with its end how long the batch took. */
  #ended(number: number, tell: () => void): void {
    this.#open.get(number)?.port?.close();
    this.#open.delete(number);
    if (--this.#left === 0) {
      this.#stopBeginning();
      this.#out.add([wire.BATCH_ENDING, this.id, monotonicTime() - this.#begunAt]);
    }
    tell();
    if (this.#left === 0) this.#end();
  }

  #tellEnd(number: number, { job }: Open): void {
    if (job.cancelled()) {
      this.#out.add([wire.CALL_CANCELLED, number, messageOf(job)]);
      return;
    }
    const error = job.exception();
    if (error instanceof PoolClosedError) this.#out.add([wire.CALL_LOST, number]);
    else if (error !== null) this.#fail(number, error);
    else this.#succeed(number, job);
  }

  #succeed(number: number, job: Job): void {
    try {
      this.#out.add([wire.CALL_OK, number, this.#written(job.name, job.result())]);
    } catch (error) {
      this.#fail(number, error);
    }
  }

  /** Throws CloneError for what cannot be sent. */
  #written(name: string, value: unknown): wire.Word {
    let word: wire.Word;
    try {
      word = wire.written(value);
    } catch (cause) {
      throw resultError(name, value, cause);
    }
    const maxPayload = Math.min(this.#host.maxPayload, this.#body.most);
    if (wire.sizeOf([word]) <= maxPayload) return word;
    throw new CloneError(`The result of job \`${name}\` is larger than \`maxPayload\`, ${maxPayload} bytes`);
  }

  #fail(number: number, error: unknown): void {
    this.failed++;
    this.firstError ??= error;
    this.#out.add([wire.CALL_FAILED, number, encode(encodeThrown(error))]);
  }
}

function messageOf(job: Job): string {
  try {
    job.result();
  } catch (error) {
    if (error instanceof CancelledError) return error.message;
  }
  return "";
}
