// This is the executor for tests: it runs jobs on the loop of its caller, one after the other, by the same seam as a
// pool.

import { performance } from "node:perf_hooks";
import { inspect } from "node:util";
import { threadId } from "node:worker_threads";
import {
  awaitingTasks,
  checkOptionNames,
  type EventLoop,
  Future,
  got,
  optionNames,
  RuntimeError,
  runningLoopOrNull,
  taskId,
} from "../../src/core.ts";
import { type Actor, type ActorClass, spawnActor } from "../executor/actor.ts";
import { Backpressure } from "../executor/backpressure.ts";
import { broadcastJob } from "../executor/broadcast.ts";
import { type Caller, currentCaller, takeCallbacks } from "../executor/callbacks.ts";
import type { ActorHome, Calls } from "../executor/calls.ts";
import { currentJob } from "../executor/currentjob.ts";
import { arePrimitive, attachOptions, type End, Job, type JobPlace, waitingPlace } from "../executor/job.ts";
import { captureContext, carriedNow } from "../executor/jobcontext.ts";
import { started, submitted, tellSubmitted } from "../executor/jobevents.ts";
import { OpenStreams } from "../executor/openstreams.ts";
import {
  type CallOptions,
  checkCloseOptions,
  patienceOf,
  type Settings,
  settingsOf,
  type WorkerPoolOptions,
} from "../executor/options.ts";
import { Settlement } from "../executor/settlement.ts";
import { type Time, timeOf } from "../executor/time.ts";
import { PoolView } from "../executor/view.ts";
import { type JobSnapshot, type PoolSnapshot, takeSnapshot } from "../observe/snapshot.ts";
import { describeStats, type PoolStats } from "../observe/stats.ts";
import { TaskForest } from "../observe/tasktree.ts";
import type { CloseOptions, CloseReport } from "../pool/closing.ts";
import { JobQueue } from "../pool/jobqueue.ts";
import { reasonOf } from "../shipping/reason.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { ShipError } from "../shipping/shiperror.ts";
import { functionName } from "../wire/describe.ts";
import { PoolClosedError } from "../wire/errors.ts";
import { BUCKETS, count, histogramOf } from "../wire/memory.ts";
import type { Attached, JobKind } from "../wire/protocol.ts";
import { holdSignals } from "../wire/signals.ts";
import { InlineJob, type InlineOwner, MOST_RUNNING } from "./inlinejob.ts";
import { inNextIteration } from "./localchannel.ts";

/** Options of an InlineExecutor; they are those of a WorkerPool that name no thread. */
export interface InlineExecutorOptions
  extends Pick<WorkerPoolOptions, "tasksPerWorker" | "maxQueue" | "cancelGrace" | "context"> {
  /** How many workers it stands for: `size` times `tasksPerWorker` jobs are in progress at once. Default 1. */
  readonly size?: number;
  /** Shows in errors and reports. Default "inline". */
  readonly name?: string;
}

const OPTIONS = optionNames<InlineExecutorOptions>({
  size: true,
  name: true,
  tasksPerWorker: true,
  maxQueue: true,
  cancelGrace: true,
  context: true,
});

/** A list of jobs names at most so many. */
const MOST_JOBS = 1000;
/** What a job calls, and when it was submitted. */
interface Submission {
  readonly fn: AnyFunction;
  readonly at: number;
}

/** The loop that it belongs to, from its first job on. */
interface Home {
  readonly loop: EventLoop;
  readonly time: Time;
  readonly streams: OpenStreams;
}

class InlineCalls implements Calls, InlineOwner {
  readonly settings: Settings;
  readonly title: string;
  readonly settlement: Settlement;
  readonly backpressure: Backpressure;
  readonly actors = new Map<number, object>();
  readonly queue = new JobQueue();
  readonly running = new Set<InlineJob>();
  readonly waits: Uint32Array = new Uint32Array(BUCKETS);
  readonly runs: Uint32Array = new Uint32Array(BUCKETS);
  /** Why no more jobs are taken, or null. */
  refusal: Error | null = null;
  readonly submissions = new WeakMap<Job, Submission>();
  readonly #places: number;
  #home: Home | null = null;
  /** Jobs in progress that have left their places to others. */
  #away = 0;
  #isWoken = false;
  /** The place of jobs that are being made. */
  readonly #made: JobPlace = waitingPlace("submitted", (job, ending) => this.end(job, "stopped", ending));
  readonly #queued: JobPlace = waitingPlace("queued", (job, ending) => {
    this.queue.forget();
    this.end(job, "stopped", ending);
  });

  constructor(settings: Settings) {
    this.settings = settings;
    this.title = `executor "${settings.name}"`;
    this.settlement = new Settlement(settings.name);
    this.backpressure = new Backpressure(`Executor "${settings.name}"`, settings.maxQueue, this);
    this.#places = settings.size * settings.tasksPerWorker;
  }

  get cancelGrace(): number {
    return this.settings.cancelGrace;
  }

  get loop(): EventLoop {
    return this.#here().loop;
  }

  get time(): Time {
    return this.#here().time;
  }

  get streams(): OpenStreams {
    return this.#here().streams;
  }

  /** Jobs that have not started, without as many as workers would begin at once. */
  get backlog(): number {
    return this.queue.length - Math.min(this.settings.size, this.#free);
  }

  submit(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    this.#check(fn);
    return this.#send(this.#make(fn, args, options));
  }

  submitSpecial(
    fn: AnyFunction,
    args: readonly unknown[],
    options: CallOptions | null,
    kind: JobKind,
    onItem: ((item: unknown) => void) | null,
  ): Job {
    this.#check(fn);
    const job = this.#make(fn, args, options);
    const extra = job._more();
    extra.kind = kind;
    extra.onItem = onItem;
    return this.#send(job);
  }

  checkOpen(): void {
    if (this.refusal !== null) throw this.refusal;
  }

  /** The function itself: it is called in this thread, with what it captures there. */
  hold(fn: AnyFunction): AnyFunction {
    return fn;
  }

  exportOf(url: string, name: string): AnyFunction {
    const call = async (...args: never[]): Promise<unknown> => (await this.#load(url, name))(...args);
    return Object.defineProperty(call, "name", { value: name });
  }

  async findHome(Class: AnyFunction): Promise<ActorHome> {
    const submit = (kind: JobKind, args: readonly unknown[], attached: Attached): Job =>
      this.#submitBound(Class, kind, args, attached);
    return { submit, leave: () => {} };
  }

  async runEverywhere(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]> {
    return [await this.#submitBound(fn, { is: "broadcast", number: 0 }, args, { name: functionName(fn) })];
  }

  end(job: Job, how: End, value: unknown): void {
    this.settlement.end(job, how, value);
    this.backpressure.announce();
  }

  ended(running: InlineJob): void {
    this.running.delete(running);
    count(this.runs, this.time.now() - running.begunAt);
    this.#wake();
    this.backpressure.announce();
  }

  leftPlace(change: 1 | -1): void {
    this.#away += change;
    this.#wake();
  }

  /** Resolves when no job is open. */
  async settled(): Promise<void> {
    if (this.settlement.open === 0) return;
    const settled = new Future<void>();
    this.settlement.onAllSettled = () => settled.done() || settled.setResult();
    await settled;
  }

  /** Ends every open job; returns them. */
  drop(errorOf: (job: Job) => Error): Job[] {
    const jobs = [...this.queue];
    for (const job of jobs) job._place.stop(job, errorOf(job));
    for (const running of [...this.running]) {
      jobs.push(running.job);
      running.stop(running.job, errorOf(running.job));
      running.abandon();
    }
    return jobs;
  }

  /** How many jobs more may be in progress. */
  get #free(): number {
    const { size } = this.running;
    return Math.min(this.#places + this.#away, MOST_RUNNING) - size;
  }

  /** The loop that it belongs to. Throws RuntimeError without one, and in another one. */
  #here(): Home {
    const home = this.#home;
    if (home !== null) return home;
    const loop = loopHere();
    const time = timeOf(loop);
    this.#home = { loop, time, streams: new OpenStreams("executor", this.settings.name, time) };
    return this.#home;
  }

  #check(fn: AnyFunction): void {
    this.checkOpen();
    if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
    if (loopHere() !== this.loop)
      throw new RuntimeError(
        `The ${this.title} belongs to the loop in which it was used first: make another InlineExecutor for this one`,
      );
    this.backpressure.check();
  }

  #make(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    const isPlain = arePrimitive(args);
    const called = isPlain ? null : takeCallbacks(args);
    const job: Job = new Job(null, called === null ? args : called.rest, this.#made, { isOutside: false });
    this.submissions.set(job, { fn, at: this.time.now() });
    this.settlement.open++;
    if (options !== null) attachOptions(job, options, this.time);
    const extra = job._more();
    extra.attached = { name: functionName(fn), ...extra.attached };
    if (called !== null) {
      extra.callbacks = called.callbacks;
      called.caller.pool = this;
      called.caller.leavePlace = (change) => job._place.leavePlace?.(job, change);
    }
    const releaseSignals = isPlain ? null : holdSignals(args);
    if (releaseSignals !== null) extra.cleanups.push(releaseSignals);
    this.#takePlaceOf(currentCaller(), job);
    this.#takePlaceOf(this.#callerHere(), job);
    const { context } = this.settings;
    const variables = carriedNow;
    const captured = context === undefined ? {} : captureContext(context);
    extra.attached = { ...extra.attached, ...captured, ...(variables && { variables }) };
    if (submitted.hasSubscribers || started.hasSubscribers) tellSubmitted(job, fn, this.settings.name);
    return job;
  }

  /** The job of this executor whose code is running. */
  #callerHere(): Caller | undefined {
    const job = currentJob();
    if (!(job instanceof InlineJob) || job.owner !== this) return undefined;
    return { pool: this, leavePlace: (change) => job.leavePlace(change) };
  }

  /** Code of a job submits another one, and may wait for it: it leaves its place. */
  #takePlaceOf(caller: Caller | undefined, job: Job): void {
    if (caller?.pool !== this || job.done()) return;
    caller.leavePlace(1);
    job._listen(() => caller.leavePlace(-1));
  }

  #submitBound(fn: AnyFunction, kind: JobKind, args: readonly unknown[], attached: Attached): Job {
    this.checkOpen();
    const job = this.#make(fn, args, null);
    const extra = job._more();
    extra.kind = kind;
    extra.attached = { ...extra.attached, ...attached };
    return this.#send(job);
  }

  #send(job: Job): Job {
    if (job.done()) return job;
    job._place = this.#queued;
    this.queue.push(job);
    this.#wake();
    return job;
  }

  /** One job begins in each iteration of the loop. */
  #wake(): void {
    if (this.#isWoken || this.#free <= 0 || this.queue.length === 0) return;
    this.#isWoken = true;
    this.loop._push(inNextIteration(this.#startNext));
  }

  readonly #startNext = (): void => {
    this.#isWoken = false;
    const job = this.#free > 0 ? this.queue.shift() : undefined;
    if (job !== undefined) {
      const { fn, at } = this.submissions.get(job) as Submission;
      count(this.waits, this.time.now() - at);
      const running = new InlineJob(this, job);
      this.running.add(running);
      running.start(fn);
    }
    this.#wake();
    this.backpressure.announce();
  };

  /** A virtual clock waits for it, as for a thread that loads it. */
  async #load(url: string, name: string): Promise<AnyFunction> {
    const { loop } = this;
    loop._waitOutside(1);
    try {
      const fn: unknown = ((await import(url)) as Record<string, unknown>)[name];
      if (typeof fn === "function") return fn as AnyFunction;
    } catch (cause) {
      throw new ShipError("ERR_SHIP_UNREACHABLE", `Cannot import ${url}: ${reasonOf(cause)}`, { cause });
    } finally {
      loop._waitOutside(-1);
    }
    throw new ShipError("ERR_SHIP_NO_EXPORT", `Module ${url} has no function \`${name}\` among its exports`);
  }
}

/**
 * An executor for tests: it runs jobs on the loop of its caller, in this thread, by the contract of a WorkerPool.
 *
 * Arguments, results, items, errors and what goes to callbacks are copied as between threads, so that a test finds what
 * would not travel; functions are called as they are, so a spy or a mock may be one. A cancel reaches a coroutine at its
 * next await. All limits are counted by the loop's clock: with a VirtualClock a job of an hour takes a millisecond.
 *
 * What needs a thread it has not: code that blocks blocks its caller too, cannot be stopped in between, and waits for no
 * `SharedLock`; a job that goes on beyond `cancelGrace` is settled and its code left to itself; what a module keeps is
 * there once, for jobs and for their callers. `initializer`, `recycle` and other options of threads are refused.
 *
 * It belongs to the loop in which it is used first; `submit` throws RuntimeError outside it. Throws RangeError or
 * TypeError that names the option when one is wrong.
 *
 * @example
 * ```ts
 * import { run, sleep } from "threadloop";
 * import { InlineExecutor, VirtualClock } from "threadloop/testing";
 *
 * const slowSquare = async (n: number) => {
 *   await sleep(60_000);
 *   return n * n;
 * };
 * await run(async () => {
 *   await using executor = new InlineExecutor({ size: 2 });
 *   for await (const square of executor.map(slowSquare, [1, 2, 3])) console.log(square); // 1, 4, 9
 * }, { clock: new VirtualClock() });
 * ```
 */
export class InlineExecutor extends PoolView {
  readonly #calls: InlineCalls;
  #closing: InlineClosing | null = null;

  constructor(options: InlineExecutorOptions = {}) {
    checkOptionNames("InlineExecutor", options, OPTIONS);
    const calls = new InlineCalls(
      settingsOf({ ...options, size: options.size ?? 1, name: options.name ?? "inline" }),
    );
    super(calls, null);
    this.#calls = calls;
  }

  /** The name given in the options. */
  get name(): string {
    return this.#calls.settings.name;
  }

  /** Makes an object of which a test has a handle only, as `pool.spawn`: its methods are called by jobs. */
  spawn<T extends object, A extends unknown[]>(Class: ActorClass<T, A>, ...args: A): Promise<Actor<T>> {
    return spawnActor(this.#calls, Class, args);
  }

  /** Runs a function once, as this thread is the only place where jobs run; gives a list of its result. */
  broadcast<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return broadcastJob(this.#calls, fn as AnyFunction, args) as Promise<Awaited<R>[]>;
  }

  /** Tells what it has done and is doing, in numbers, as `pool.stats()`; it has no threads. Times are those of the loop. */
  stats(): PoolStats {
    const { queue, running, settlement, waits, runs } = this.#calls;
    const { succeeded, failed, cancelled } = settlement;
    const stats: PoolStats = {
      threads: 0,
      lost: 0,
      sessions: 0,
      running: running.size,
      queued: queue.length,
      moved: 0,
      recycled: 0,
      settled: { succeeded, failed, cancelled },
      waitTime: histogramOf(waits),
      runTime: histogramOf(runs),
      workers: [],
      eventLoop: performance.eventLoopUtilization(),
    };
    return Object.defineProperty(stats, inspect.custom, { value: () => describeStats(stats) });
  }

  /** Tells every task of the calling loop and every job, as `pool.tasks()`. */
  async tasks(options: { readonly patience?: number } = {}): Promise<TaskForest> {
    patienceOf(options);
    return new TaskForest([{ ...takeSnapshot([]), pools: [snapshotOf(this.#calls)] }]);
  }

  /**
   * Takes no more jobs and finishes what it has; resolves when that is done. Further calls return the same promise; a
   * deadline of theirs, or `cancelFutures`, hastens it.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkCloseOptions(options);
    this.#closing ??= new InlineClosing(this.#calls);
    this.#closing.hasten(options);
    return this.#closing.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override [inspect.custom](): string {
    const { settings, settlement, queue, refusal } = this.#calls;
    return `<InlineExecutor ${settings.name} ${refusal === null ? "open" : "closed"}, jobs=${settlement.open}, queued=${queue.length}>`;
  }
}

function loopHere(): EventLoop {
  const loop = runningLoopOrNull() as EventLoop | null;
  if (loop !== null) return loop;
  throw new RuntimeError(
    "No loop runs here: an InlineExecutor runs jobs on the loop of its caller, so give it jobs inside run()",
  );
}

/** The close of an executor, from the first call on. */
class InlineClosing {
  readonly report: Promise<CloseReport>;
  readonly #calls: InlineCalls;
  readonly #deadlines: (() => void)[] = [];
  #dropped: readonly Job[] | null = null;

  constructor(calls: InlineCalls) {
    this.#calls = calls;
    const { name } = calls.settings;
    const error = new PoolClosedError(
      `Executor "${name}" is closed: it takes no more jobs. Make another InlineExecutor`,
    );
    calls.refusal = error;
    calls.backpressure.refuse(error);
    this.report = this.#run();
  }

  hasten({ deadline, cancelFutures }: CloseOptions): void {
    const calls = this.#calls;
    if (cancelFutures === true)
      for (const job of [...calls.queue]) job.cancel(`Executor "${calls.settings.name}" was closed`);
    if (deadline === undefined || calls.settlement.open === 0) return;
    this.#deadlines.push(calls.time.after(deadline, () => this.#drop(deadline)));
  }

  async #run(): Promise<CloseReport> {
    const calls = this.#calls;
    if (calls.settlement.open > 0) {
      calls.streams.closing();
      await calls.settled();
      calls.streams.closed();
    }
    for (const callOff of this.#deadlines) callOff();
    calls.actors.clear();
    return { dropped: (this.#dropped ?? []).map((job) => job.name) };
  }

  #drop(deadline: number): void {
    this.#dropped ??= this.#calls.drop(
      (job) =>
        new PoolClosedError(`Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`),
    );
  }
}

function snapshotOf(calls: InlineCalls): PoolSnapshot {
  const { settings, queue, running, settlement, submissions } = calls;
  const now = settlement.open === 0 ? 0 : calls.time.now();
  const awaitedBy = (job: Job) => awaitingTasks(job as Job<never>).map(taskId);
  const begun = [...running].map(
    ({ job, slot, begunAt }): JobSnapshot => ({
      name: job.name,
      state: "running",
      since: now - begunAt,
      thread: threadId,
      slot,
      awaitedBy: awaitedBy(job),
    }),
  );
  const waiting = [...queue].map(
    (job): JobSnapshot => ({
      name: job.name,
      state: "queued",
      since: now - (submissions.get(job)?.at ?? now),
      thread: null,
      slot: null,
      awaitedBy: awaitedBy(job),
    }),
  );
  const jobs = [...begun, ...waiting].slice(0, MOST_JOBS);
  return {
    name: settings.name,
    threadName: null,
    jobs,
    more: Math.max(0, settlement.open - jobs.length),
    hosts: [],
  };
}
