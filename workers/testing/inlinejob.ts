// This is one job in progress on the loop of its caller: the place of the job, and what its own code finds as the
// job it runs in. It stands where a host, a port and a thread stand in a pool, and does the same with the same
// parts: what goes in and what comes out is serialised and read again, so that what would not travel is found;
// nothing is shared but what threads share.

import type { Transferable } from "node:worker_threads";
import { CancelledError, Context, type EventLoop, isInstance, type Task } from "../../src/core.ts";
import { answerCalls, callBack } from "../executor/callbacks.ts";
import type { RunningJob } from "../executor/currentjob.ts";
import { detailsOf, type End, type Job, type JobPlace, jobTimer } from "../executor/job.ts";
import { inJobContext } from "../executor/jobcontext.ts";
import type { Time } from "../executor/time.ts";
import { reasonOf } from "../shipping/reason.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { Actors } from "../thread/actors.ts";
import type { Credit } from "../thread/credit.ts";
import { type BodyOwner, specialBody } from "../thread/jobkinds.ts";
import { jobError, resultError } from "../wire/clone.ts";
import {
  CURRENT,
  FIRST_SLOT,
  FREE,
  NOWHERE,
  RUNNING,
  requestCancel,
  SLOT_COUNT,
  type Slots,
} from "../wire/memory.ts";
import { packed, unpacked } from "../wire/message.ts";
import { CREDIT, type Details, ITEM } from "../wire/protocol.ts";
import { decodeThrown, encodeThrown } from "../wire/serialize.ts";
import { abortSignal, releaseSignal, type SignalSession, sendingTo } from "../wire/signals.ts";
import { checkAttached, unmarked } from "../wire/transfer.ts";
import { LocalPort } from "./localchannel.ts";

/** So many jobs at most are in progress in this thread. */
export const MOST_RUNNING: number = SLOT_COUNT - FIRST_SLOT;

/** What an executor is for its jobs in progress. */
export interface InlineOwner {
  readonly loop: EventLoop;
  readonly time: Time;
  readonly actors: Actors;
  readonly cancelGrace: number;
  end(job: Job, how: End, value: unknown): void;
  /** This one is not in progress any more. */
  ended(running: InlineJob): void;
  /** Its place is another's while it waits for a job of the same executor. */
  leftPlace(change: 1 | -1): void;
}

export class InlineJob implements JobPlace, RunningJob, BodyOwner {
  readonly label = "running";
  readonly job: Job;
  readonly name: string;
  readonly owner: InlineOwner;
  readonly slots: Slots = slots();
  slot: number = takeSlot();
  readonly begunAt: number;
  credit: Credit | null = null;
  #task: Task<unknown> | null = null;
  /** Jobs of the same executor that it waits for. */
  #away = 0;

  constructor(owner: InlineOwner, job: Job) {
    this.owner = owner;
    this.job = job;
    this.name = job.name;
    this.begunAt = owner.time.now();
    job._place = this;
  }

  get task(): Task<unknown> | null {
    return this.#task;
  }

  get hasEnded(): boolean {
    return this.slot === NOWHERE;
  }

  /** It hears of each cancel at once. */
  get isCancelComing(): boolean {
    return false;
  }

  /** Begins the job as a task of the loop, in a context of its own; its first step runs now. */
  start(fn: AnyFunction): void {
    const { job } = this;
    let body: () => unknown;
    try {
      body = this.#bodyOf(fn);
    } catch (cause) {
      const details = job._extra === null ? undefined : (detailsOf(job._extra) ?? undefined);
      this.#end("failed", jobError(this.name, job._args, details, cause));
      return;
    }
    job._extra?.onStarted?.();
    const context = new Context();
    context._owner = this;
    this.slots[CURRENT] = this.slot;
    const task = this.owner.loop.createTask(body as () => Promise<unknown>, {
      name: this.name,
      context,
      eagerStart: true,
    });
    this.slots[CURRENT] = 0;
    this.#task = task;
    if (task.done()) this.#settleAs(task);
    else {
      task._listen(() => this.#settleAs(task));
      if (job._extra?.ending != null) task.cancel(job._extra.ending.message); // by its own first step
    }
  }

  isRunning(): boolean {
    return !this.hasEnded;
  }

  /** It is asked to stop; when it goes on beyond the grace, the job ends without it, as no thread can be ended. */
  stop(job: Job, ending: Error): void {
    const extra = job._more();
    const isFirst = extra.ending === null;
    extra.ending = ending;
    if (this.hasEnded) return;
    requestCancel(this.slots, this.slot);
    this.#task?.cancel(ending.message);
    const grace = extra.options.cancelGrace ?? this.owner.cancelGrace;
    if (isFirst) jobTimer(extra, this.owner.time, grace, () => this.abandon());
  }

  control(_: Job, code: number, value: unknown): void {
    if (code === CREDIT) this.credit?.give(value as number);
  }

  /** The job ends now, whatever its code does. */
  abandon(): void {
    this.#end("stopped", this.job._extra?.ending);
  }

  leavePlace(change: 1 | -1): void;
  leavePlace(job: Job, change: 1 | -1): void;
  leavePlace(first: Job | 1 | -1, second?: 1 | -1): void {
    const change = second ?? (first as 1 | -1);
    if (this.hasEnded) return;
    this.#away += change;
    if (this.#away === (change === 1 ? 1 : 0)) this.owner.leftPlace(change);
  }

  /** Fails with an error of code that it has started. */
  blame(error: unknown): void {
    this.#end("failed", error);
    this.#task?.cancel("The job failed with an error that nothing in it handled");
  }

  notice(kind: number, value: unknown): void {
    if (this.hasEnded || kind !== ITEM) return;
    try {
      this.job._extra?.onItem?.(this.#copyOut(value));
    } catch (cause) {
      this.blame(resultError(this.name, value, cause));
    }
  }

  flush(): void {}

  keepThread(): void {}

  shareThread(): void {}

  /** What is to be run, with copies of all that travels. Throws what structured clone throws. */
  #bodyOf(fn: AnyFunction): () => unknown {
    const { job } = this;
    const extra = job._extra;
    const { transfer = [], signal: _ } = extra?.options ?? {};
    const details: Details | null = extra === null ? null : detailsOf(extra);
    checkAttached(transfer);
    const { args, stores, variables } = sendingHere(() =>
      copyOf({ args: job._args, stores: details?.stores, variables: details?.variables }, transfer),
    );
    const plain = (all: readonly unknown[]) => (): unknown => fn(...(all as never[]));
    const bodyFor = (all: readonly unknown[]): (() => unknown) =>
      (details === null ? null : specialBody(this, fn, all, details, this.owner.actors)) ?? plain(all);
    const body = extra?.callbacks == null ? bodyFor(args) : () => this.#callBack(args, bodyFor);
    if (stores === undefined && variables === undefined) return body;
    const context = { ...(stores && { stores }), ...(variables && { variables }) };
    return () => inJobContext(context, body);
  }

  /** Runs a body some of whose arguments are functions of the caller. */
  #callBack(args: readonly unknown[], bodyFor: (all: readonly unknown[]) => () => unknown): Promise<unknown> {
    const callbacks = this.job._extra?.callbacks ?? new Map();
    const [theirs, port] = LocalPort.pair(this.owner.loop);
    answerCalls(this.name, callbacks, theirs);
    this.job._more().cleanups.push(() => port.close());
    return callBack(this.name, args, { at: [...callbacks.keys()], port }, (all) => bodyFor(all)());
  }

  #settleAs(task: Task<unknown>): void {
    let value: unknown;
    try {
      value = task.result();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.hasEnded) return;
    let copy: unknown;
    try {
      copy = this.#copyOut(value);
    } catch (cause) {
      this.#end("failed", resultError(this.name, value, cause));
      return;
    }
    this.#end("succeeded", copy);
  }

  #fail(error: unknown): void {
    if (isInstance(error, CancelledError))
      this.#end("stopped", this.job._extra?.ending ?? new CancelledError(reasonOf(error)));
    else this.#end("failed", errorCopyOf(error));
  }

  #copyOut(value: unknown): unknown {
    const moving: Transferable[] = [];
    const plain = unmarked(value, moving);
    checkAttached(moving);
    return copyOf({ value: plain }, moving).value;
  }

  /** The first end counts. */
  #end(how: End, value: unknown): void {
    if (this.hasEnded) return;
    this.slots[this.slot] = FREE;
    this.slot = NOWHERE;
    if (this.#away > 0) this.owner.leftPlace(-1);
    this.owner.end(this.job, how, value);
    this.owner.ended(this);
  }
}

/** A value as another thread would have it. */
function copyOf<T>(value: T, transfer: readonly Transferable[]): T {
  return unpacked(structuredClone(packed(value), { transfer: transfer as Transferable[] })) as T;
}

function errorCopyOf(error: unknown): unknown {
  return decodeThrown(copyOf({ thrown: encodeThrown(error) }, []).thrown);
}

/** AbortSignals among the arguments become signals of the job's side, which follow those of the caller. */
const session: SignalSession = {
  signals: new Set(),
  signalAborted: (id, reason) => abortSignal(id, errorCopyOf(reason)),
  signalReleased: (id) => releaseSignal(id),
};

function sendingHere<T>(copy: () => T): T {
  let result: T | undefined;
  sendingTo(session, () => {
    result = copy();
  });
  return result as T;
}

let words: Slots | null = null;
let last = FIRST_SLOT;

/** The words in which code looks for its cancel, as in the memory that a thread shares with its host. */
function slots(): Slots {
  words ??= new Int32Array(SLOT_COUNT);
  return words;
}

/** One that no job in progress has; there is one, as executors start no more than there are. */
function takeSlot(): number {
  const all = slots();
  do last = last + 1 === SLOT_COUNT ? FIRST_SLOT : last + 1;
  while (all[last] !== FREE);
  all[last] = RUNNING;
  return last;
}
