// The intake is the worker's half of the bridge: it reads batches in order, claims each job and starts it.
//
// It works until the batches are done, at most TURN_AFTER at a time: then the thread's own timers and sockets have
// their turn, and messages about jobs in progress (cancel, credit), which are read as they arrive, before what waits.
// A job whose function is still loading, or one beyond the limit of jobs at once, holds up those behind it: they stay
// unclaimed, so the host can move them to another worker.

import { setImmediate } from "node:timers";
import type { MessagePort } from "node:worker_threads";
import { type EventLoop, inRootContext, monotonicTime, type Runnable, UNTRACKED } from "../../src/core.ts";
import { leaveCallbacks } from "../executor/callbacks.ts";
import { inJobContext } from "../executor/jobcontext.ts";
import type { ThreadOptions } from "../executor/options.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import {
  CURRENT,
  cancelRequested,
  claim,
  JOBS_STARTED,
  POSTED,
  park,
  ShortCalls,
  type Slots,
  Stopwatch,
} from "../wire/memory.ts";
import { separated } from "../wire/ownership.ts";
import * as wire from "../wire/protocol.ts";
import { encodeThrown } from "../wire/serialize.ts";
import type { Actors } from "./actors.ts";
import { startFollowed } from "./followed.ts";
import { type Callee, type Functions, loadOnce } from "./functions.ts";
import { specialBody } from "./jobkinds.ts";
import { Replies } from "./replies.ts";
import { Running, type Stage } from "./runningjob.ts";

const TURN_AFTER = 1;
/** A call that takes so long is worth a flush before the next one of its function. */
const SLOW = 0.5;

const MEGABYTE = 1024 * 1024;
/**
 * A parked thread hears nothing but its host, which may be blocked: its own loop turns after so many milliseconds. With
 * less, the timer of the kernel, which is then the next that is due, costs as much as parking gains.
 */
const PARKED_AT_MOST = 4;
/** It parks where the last message came so soon after the work on the one before it. */
const SOON = 1;
/** For microtasks: Node's queueMicrotask makes an async resource each time. */
const RESOLVED = Promise.resolve();
/** More jobs than a session has. */
const NEVER = 2 ** 30;
let v8: typeof import("node:v8") | null = null;

/** What outlives a session: it is the thread's. */
export interface ThreadState {
  readonly loop: EventLoop;
  readonly functions: Functions;
  readonly actors: Actors;
  /** An error of code that belongs to the job that is running, or to none. */
  reportUnhandled(error: unknown): void;
  /** The broadcast of this number was run by a job. */
  ranBroadcast(number: number): void;
  /** How many jobs it has begun, of all sessions. */
  begun: number;
  /** Says that the thread is to be replaced; it has claimed its last job. */
  retires(): void;
  /** Ends the thread, as it cannot send anything: it could not tell what came of the job of this slot. */
  endThread(slots: Slots, slot: number): void;
  /** Takes what the host says that is about no job. */
  hear(code: number, id: number, value: unknown): void;
}

/** What a thread needs to park. */
interface Parking {
  /** How many things keep a thread alive that has nothing of its own. */
  readonly usual: number;
  /** Takes a message that has come; false when there is none. */
  takeNext(): boolean;
}

/** A job read from a batch. */
interface Call {
  readonly slot: number;
  readonly number: number;
  readonly args: readonly unknown[];
  readonly details: wire.Details | undefined;
}

export class Intake implements Stage {
  readonly slots: Slots;
  readonly loop: EventLoop;
  readonly replies: Replies;
  readonly watch: Stopwatch;
  readonly #shortCalls: ShortCalls;
  readonly #thread: ThreadState;
  readonly #limit: number;
  /** Jobs that may be in progress now. */
  #places: number;
  /** The job after which the thread is to be replaced. */
  readonly #lastJob: number;
  /** The bytes of heap above which it is, 0 where they do not count. */
  readonly #mostHeap: number;
  #isRetiring = false;
  /** Jobs in progress, by slot: an array, as a Map would cost a job as much as its call. */
  readonly #running: (Running | undefined)[] = [];
  #inProgress = 0;
  #kept = 0;
  readonly #batches: (readonly unknown[])[] = [];
  #batch: readonly unknown[] = [];
  #at = 0;
  #started = 0;
  /** A turn is going on, or will come by itself. */
  #busy = false;
  /** What was called last. */
  #last: Callee | null = null;
  /** A claimed job waits for its function. */
  #loading = false;
  /** Null where the thread is not to park. */
  #parking: Parking | null = null;
  #isParkingSoon = false;
  /** When the loop of the thread has turned last. */
  #loopTurnedAt = 0;
  /**
   * Whether the thread had nothing of its own then, or when it parked first after it; null before that. What Node does not
   * list, as unref'd timers and work of its thread pool, waits at most for PARKED_AT_MOST.
   */
  #isAlone: boolean | null = null;
  /** When the last turn ended, and whether the one after it began soon. */
  #endedAt = 0;
  #follows = false;

  constructor(port: MessagePort, slots: Slots, options: ThreadOptions, thread: ThreadState) {
    this.slots = slots;
    this.loop = thread.loop;
    this.watch = new Stopwatch(slots);
    this.#shortCalls = new ShortCalls(slots);
    const blame = (slot: number, error: unknown) => this.#running[slot]?.blame(error);
    this.replies = new Replies(port, slots, blame, (slot) => thread.endThread(slots, slot));
    this.#thread = thread;
    const { tasksPerWorker, recycle } = options;
    const { jobs = NEVER, heap = Number.POSITIVE_INFINITY } = recycle;
    this.#limit = this.#places = tasksPerWorker;
    this.#lastJob = Math.min(jobs - thread.begun, NEVER);
    this.#mostHeap = Number.isFinite(heap) ? heap * MEGABYTE : 0;
  }

  /** Takes a message of the host: jobs wait for their turn, anything else is done at once. */
  receive(message: readonly unknown[]): void {
    if (message[0] === wire.SHARING) this.receive(separated(message));
    else if ((message[0] as number) < 0) this.#control(message);
    else {
      this.#batches.push(message);
      this.#wake();
    }
  }

  /** From here on the thread parks when it has nothing to do; null: it does not any more. */
  mayPark(parking: Parking | null): void {
    this.#parking = parking;
  }

  /** A message comes by way of the thread's loop. */
  loopTurned(): void {
    this.#loopTurnedAt = monotonicTime();
    this.#isAlone = null;
  }

  keeping(change: 1 | -1): void {
    this.#kept += change;
    if (this.#kept === 0 && !this.#busy && this.#hasWork()) this.#wakeLater();
  }

  leaving(change: 1 | -1): void {
    this.#inProgress -= change;
    if (!this.#busy && this.#hasWork()) this.#wakeLater();
  }

  ended(slot: number): void {
    this.watch.end(slot);
    this.#running[slot] = undefined;
    this.#inProgress--;
    if (this.#mostHeap > 0 && usedHeap() > this.#mostHeap) this.#retire();
    if (!this.#busy && this.#hasWork()) this.#wakeLater();
  }

  #control(words: readonly unknown[]): void {
    for (let at = 0; at < words.length; at += wire.CONTROL_WORDS) {
      try {
        this.#obey(words[at] as number, words[at + 1] as number, words[at + 2]);
      } catch (error) {
        this.#thread.reportUnhandled(error);
      }
    }
  }

  /** Nobody else can have the actors of this thread, so it stays for them. */
  #retire(): void {
    if (this.#isRetiring || this.#thread.actors.size > 0) return;
    this.#isRetiring = true;
    this.#places = 0;
    this.#thread.retires();
  }

  /** Jobs that are left here, as they cannot go elsewhere, are ended. */
  goOn(stays: boolean): void {
    this.#isRetiring = !stays;
    this.#places = this.#limit;
    if (!this.#busy && this.#hasWork()) this.#wakeLater();
  }

  /** How many jobs of this session have begun. */
  get started(): number {
    return this.#started;
  }

  #obey(code: number, slot: number, value: unknown): void {
    if (code === wire.DEFINE) this.#thread.functions.define(slot, value as wire.Definition);
    else if (code === wire.CANCEL) this.#running[slot]?.cancel(value as string | undefined);
    else if (code === wire.CREDIT) this.#running[slot]?.credit?.give(value as number);
    else if (code === wire.AWAY) this.#running[slot]?.leavePlace(value as 1 | -1);
    else if (code === wire.HURRY) leaveCallbacks();
    else if (code === wire.FORGET) this.#thread.functions.forget(slot);
    else this.#thread.hear(code, slot, value);
  }

  #hasWork(): boolean {
    return this.#at < this.#batch.length || this.#batches.length > 0;
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#turn();
  }

  #wakeLater(): void {
    this.#busy = true;
    inRootContext(setImmediate, this.#turn);
  }

  /**
   * What is ready in the loop was there before, such as the end of a job, which is to be told before the next one has the
   * thread: the turn then comes behind it.
   */
  #turn = (): void => {
    if (this.loop._hasReady()) this.loop._push(this.#afterWhatIsReady);
    else this.#take();
  };

  readonly #afterWhatIsReady: Runnable = {
    _run: () => {
      inRootContext(this.#take);
      return UNTRACKED;
    },
  };

  /**
   * The guard of a turn: whatever fails in it that is no job's failure is told, what was to be said is said, and what
   * waits has its turn.
   */
  #take = (): void => {
    const { replies } = this;
    let endedAt: number | undefined;
    try {
      replies.inBatch = true;
      endedAt = this.#takeSome();
    } catch (error) {
      this.slots[CURRENT] = 0;
      this.#thread.reportUnhandled(error);
    } finally {
      replies.inBatch = this.#busy = false;
      if (this.#canGoOn()) this.#wakeLater();
      if (endedAt === undefined || !this.#busy) replies.flush(endedAt);
      if (!this.#busy && this.#follows && this.#isAlone !== false) this.#parkSoon(endedAt);
    }
  };

  /** Once what the jobs have left to do at once is done, microtasks and ticks. */
  #parkSoon(now: number | undefined): void {
    if (this.#isParkingSoon || this.#parking === null || now === undefined) return;
    if (now - this.#loopTurnedAt >= TURN_AFTER) return;
    this.#isParkingSoon = true;
    RESOLVED.then(this.#parkNext);
  }

  readonly #parkNext = (): void => process.nextTick(this.#park);

  /** Waits for one message without a way through the loop of the thread, which turns every TURN_AFTER all the same. */
  readonly #park = (): void => {
    this.#isParkingSoon = false;
    const parking = this.#parking;
    if (parking === null || !this.#isIdle) return;
    this.#isAlone ??= process.getActiveResourcesInfo().length <= parking.usual;
    if (!this.#isAlone) return;
    const seen = Atomics.load(this.slots, POSTED);
    if (parking.takeNext()) return;
    park(this.slots, seen, PARKED_AT_MOST);
    parking.takeNext();
  };

  /** Whether no job goes on, and nothing is left to say. */
  get #isIdle(): boolean {
    if (this.#busy || this.#inProgress > 0 || this.#loading || this.#isRetiring || this.#hasWork())
      return false;
    return !this.loop._hasReady() && !this.replies.hasUnsent;
  }

  /** Starts what can be started now; returns the time at the end. */
  #takeSome(): number {
    const begin = monotonicTime();
    let before = begin;
    this.#follows = begin - this.#endedAt < SOON;
    this.watch.start(begin);
    while (this.#next()) {
      const now = monotonicTime();
      this.watch.next(now);
      this.#learn(now - before);
      before = now;
      this.replies.flushIfLate(now);
      if (now - begin >= TURN_AFTER) break;
    }
    this.#endedAt = before;
    return before;
  }

  /** Whether the next turn would find something that may begin. */
  #canGoOn(): boolean {
    const isFree = !this.#loading && this.#kept === 0 && this.#inProgress < this.#places;
    return isFree && this.#hasWork();
  }

  /** Notes how long a call kept the thread; a first call says nothing, its code was cold. */
  #learn(took: number): void {
    const callee = this.#last;
    if (callee === null) return;
    if (!callee.isCold) this.replies.ran(took);
    callee.isCold = false;
    callee.isSlow = took >= SLOW;
    if (callee.number !== wire.OWN_FUNCTION) this.#shortCalls.note(callee, took);
  }

  /** Starts the next job that can be claimed; false when there is none, or it has to wait. */
  #next(): boolean {
    while (!this.#loading && this.#kept === 0 && this.#inProgress < this.#places) {
      if (this.#at >= this.#batch.length) {
        const batch = this.#batches.shift();
        if (batch === undefined) return false;
        this.#batch = batch;
        this.#at = 0;
      }
      const slot = this.#batch[this.#at] as number;
      if (claim(this.slots, slot)) {
        this.#begin(slot);
        return true;
      }
      this.#skip(slot);
    }
    return false;
  }

  #read(slot: number): Call {
    const batch = this.#batch;
    const at = this.#at;
    const number = batch[at + 1] as number;
    const count = batch[at + 2] as number;
    // What comes most; slice and the parts of a record each cost as much as an empty job.
    if (count >= 0) {
      const first = at + wire.JOB_WORDS;
      this.#at = first + count;
      const args = count === 1 ? [batch[first]] : batch.slice(first, first + count);
      return { slot, number, args, details: undefined };
    }
    const { details, first, end } = wire.readJob(batch, at);
    this.#at = end;
    return { slot, number, args: batch.slice(first, end), details };
  }

  #skip(slot: number): void {
    const { details, end } = wire.readJob(this.#batch, this.#at);
    this.#at = end;
    details?.callbacks?.port.close();
    this.replies.add(slot, wire.SKIPPED, 0);
  }

  /** Whatever fails here is the job's failure: the thread goes on. */
  #begin(slot: number): void {
    this.slots[JOBS_STARTED] = ++this.#started;
    try {
      const call = this.#read(slot);
      if (this.#started >= this.#lastJob) this.#retire();
      this.watch.begin(slot);
      const callee = this.#load(call);
      if (callee instanceof Promise) this.#beginLater(call, callee);
      else if (callee !== null) this.#start(call, callee);
    } catch (error) {
      this.#failed(slot, error);
    }
  }

  #failed(slot: number, error: unknown): void {
    this.slots[CURRENT] = 0;
    const running = this.#running[slot];
    if (running !== undefined) running.fail(error);
    else this.replies.add(slot, wire.REPLY_FAILED, encodeThrown(error));
  }

  #load(call: Call): Callee | Promise<Callee> | null {
    const known = this.#thread.functions.known.get(call.number);
    if (known !== undefined && known.fn !== null) return known;
    try {
      const recipe = call.details?.recipe;
      return recipe === undefined
        ? this.#thread.functions.load(call.number)
        : loadOnce(recipe, call.details?.name ?? "anonymous");
    } catch (error) {
      this.#unloadable(call, error);
      return null;
    }
  }

  #beginLater(call: Call, callee: Promise<Callee>): void {
    const goOn = () => {
      this.#loading = false;
      this.slots[CURRENT] = 0;
      if (!this.#busy && this.#hasWork()) this.#wakeLater();
    };
    this.#loading = true;
    this.slots[CURRENT] = call.slot;
    callee
      .then(
        (loaded) => this.#startUnlessCancelled(call, loaded),
        (error) => this.#unloadable(call, error),
      )
      .catch((error) => this.#failed(call.slot, error))
      .finally(goOn);
  }

  #unloadable(call: Call, error: unknown): void {
    this.replies.add(call.slot, wire.UNLOADABLE, encodeThrown(error));
  }

  #startUnlessCancelled(call: Call, callee: Callee): void {
    if (cancelRequested(this.slots, call.slot)) {
      this.watch.end(call.slot);
      this.replies.add(call.slot, wire.REPLY_CANCELLED, undefined);
    } else this.#start(call, callee);
  }

  #start(call: Call, callee: Callee): void {
    const { slot, args, details } = call;
    const running = new Running(this, slot, details?.name ?? callee.name);
    this.replies.names[slot] = running.name;
    this.#running[slot] = running;
    this.#inProgress++;
    this.#last = callee;
    if (callee.isSlow) this.replies.flush();
    if (details?.timed === true) this.replies.send(slot, wire.STARTED, 0);
    if (details === undefined) running.start(callee, args);
    else if (details.life === undefined) this.#startSpecial(running, callee, args, details);
    else startFollowed(running, details.life, () => this.#startSpecial(running, callee, args, details));
  }

  #startSpecial(running: Running, callee: Callee, args: readonly unknown[], details: wire.Details): void {
    if (details.is === "broadcast") this.#thread.ranBroadcast(details.number);
    const body = specialBody(running, callee.fn as AnyFunction, args, details, this.#thread.actors);
    const { stores, variables } = details;
    if (stores !== undefined || variables !== undefined)
      running.startTask(() => inJobContext(details, body ?? (() => callPlain(callee, args))));
    else if (body !== null) running.startTask(body);
    else running.startInContext(callee, args);
  }
}

/** Costs about a microsecond. */
function usedHeap(): number {
  v8 ??= process.getBuiltinModule("node:v8");
  return v8.getHeapStatistics().used_heap_size;
}

function callPlain(callee: Callee, args: readonly unknown[]): unknown {
  const fn = callee.fn as (...args: readonly unknown[]) => unknown;
  return fn(...args);
}
