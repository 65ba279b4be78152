// The inside of a pool: takes jobs, ships their functions, dispatches them, and decides what becomes of each when its
// worker says so or dies. `WorkerPool` is the outside.
//
// States:  OPEN --close()--> CLOSING --all settled, threads ended--> CLOSED
//          OPEN --a worker cannot be set up--> BROKEN

import type { MessagePort } from "node:worker_threads";
import { got } from "../../src/core.ts";
import { Backpressure } from "../executor/backpressure.ts";
import { type Caller, currentCaller, takeCallbacks } from "../executor/callbacks.ts";
import type { ActorHome, Calls } from "../executor/calls.ts";
import { CodeBook, type ShippedFunction } from "../executor/codebook.ts";
import {
  arePrimitive,
  attachOptions,
  type End,
  isBound,
  Job,
  type JobPlace,
  Moments,
} from "../executor/job.ts";
import { captureContext, carriedNow } from "../executor/jobcontext.ts";
import { started, submitted, tellSubmitted } from "../executor/jobevents.ts";
import { OpenStreams } from "../executor/openstreams.ts";
import type { CallOptions, RecycleOptions, Settings } from "../executor/options.ts";
import { Settlement } from "../executor/settlement.ts";
import { realTime } from "../executor/time.ts";
import type { Host, Owner } from "../host/host.ts";
import { Output } from "../host/output.ts";
import { type ThreadDeath, terminatedError, unstartedError } from "../host/threaddeath.ts";
import { Threads } from "../host/threads.ts";
import { modulesLoading, refuseWhileLoading } from "../shipping/loading.ts";
import { loadParts } from "../shipping/parts.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { moduleExport, type ShipMode, shipOnce } from "../shipping/ship.ts";
import { BrokenPoolError, WorkerTerminatedError } from "../wire/errors.ts";
import type { JobKind, SessionSetup } from "../wire/protocol.ts";
import { holdSignals } from "../wire/signals.ts";
import { Broadcasts } from "./broadcasts.ts";
import { Dispatcher } from "./dispatch.ts";
import { SetUp } from "./setup.ts";

/** How often a function is shipped another way before its job fails. */
const MOST_RESHIPS = 3;
/** How many threads in a row may die before they are set up: then the pool is broken. */
const MOST_STILLBORN = 3;

export class Scheduler implements Owner, Calls {
  readonly settings: Settings;
  readonly title: string;
  readonly settlement: Settlement;
  readonly dispatcher: Dispatcher;
  readonly threads: Threads;
  readonly codes: CodeBook = new CodeBook((number) => {
    for (const host of this.dispatcher.hosts) host.session?.forget(number);
  });
  readonly broadcasts = new Broadcasts();
  readonly streams: OpenStreams;
  /** Why no more jobs are taken, or null. */
  refusal: Error | null = null;
  /** Is told when a worker gets something to do. */
  onSession: () => void = () => {};
  /** What is run in each new worker and at its end. */
  readonly setup: SetUp;
  readonly #watchers = new Map<Host, Set<(death: ThreadDeath) => void>>();
  #stillborn = 0;
  readonly #moments = new Moments();
  /** Every job that turns up is ended with this. */
  #dropping: ((job: Job) => Error) | null = null;
  readonly backpressure: Backpressure;
  /** Threads that were replaced. */
  recycled = 0;
  readonly output: Output;
  readonly #onTheWay = new Set<Job>();
  /** The place of jobs whose function is on its way. */
  readonly #shipping: JobPlace = {
    label: "shipping",
    isRunning: () => false,
    stop: (job, ending) => {
      this.#onTheWay.delete(job);
      this.end(job, "stopped", ending);
    },
  };
  /** Jobs in the queue. */
  readonly #queued: JobPlace = {
    label: "queued",
    isRunning: () => false,
    stop: (job, ending) => {
      this.dispatcher.queue.forget();
      this.end(job, "stopped", ending);
    },
  };

  constructor(settings: Settings) {
    this.settings = settings;
    this.title = `pool "${settings.name}"`;
    this.settlement = new Settlement(settings.name);
    this.streams = new OpenStreams("pool", settings.name, realTime);
    this.setup = new SetUp(settings, (error) => this.broken(error));
    this.dispatcher = new Dispatcher(settings.size, this, this.#queued);
    this.backpressure = new Backpressure(`Pool "${settings.name}"`, settings.maxQueue, this);
    this.output = new Output(settings, (job, ending) => this.end(job, "stopped", ending));
    const abandon = (error: Error) => {
      for (const host of this.dispatcher.hosts) host.abandon(error);
    };
    this.threads = new Threads(settings, this.output, abandon, (error) => this.stray(error));
  }

  get name(): string {
    return this.settings.name;
  }

  /** Jobs that wait: in the queue, posted ahead, or while their function is on its way. */
  get backlog(): number {
    return this.dispatcher.backlog + this.#onTheWay.size;
  }

  get cancelGrace(): number {
    return this.settings.cancelGrace;
  }

  get tasksPerWorker(): number {
    return this.settings.tasksPerWorker;
  }

  submit(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    this.#check(fn);
    const job = this.#make(fn, args, options);
    const mode = options?.ship ?? this.settings.ship;
    const code = this.codes.known(fn, mode);
    if (job.done()) return job;
    if (code !== null) this.#shipped(job, code);
    else this.#shipFirst(job, fn, mode);
    return job;
  }

  #shipFirst(job: Job, fn: AnyFunction, mode: ShipMode): void {
    this.#shipBy(job, () => this.codes.of(fn, mode), null);
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
    if (!job.done()) this.#shipBy(job, () => this.codes.of(fn, options?.ship ?? this.settings.ship), null);
    return job;
  }

  hold(fn: AnyFunction, options: CallOptions | null): AnyFunction | Promise<AnyFunction> {
    return shipOnce(fn, options?.ship ?? this.settings.ship);
  }

  exportOf(url: string, name: string): AnyFunction {
    return moduleExport(url, name);
  }

  /** The worker with the least to do; the object keeps it, and its session. */
  async findHome(Class: AnyFunction, tellDeath: (error: Error) => void): Promise<ActorHome> {
    const code = await this.codes.of(Class, this.settings.ship);
    const host = this.dispatcher.leastBusy();
    const leave = (): void => {
      if (this.unwatch(host, died)) host.pins--;
    };
    const died = ({ cause, threadId, exitCode }: ThreadDeath): void => {
      leave();
      tellDeath(
        new WorkerTerminatedError(
          `The worker of actor ${code.name} (${this.title}) ended: ${cause.message}. Spawn another one`,
          { cause, threadId, exitCode },
        ),
      );
    };
    host.pins++;
    this.watch(host, died);
    return { submit: (kind, args, name) => this.submitTo(host, code, args, kind, name), leave };
  }

  /** In every worker there is; those born later run it when they are set up. */
  async runEverywhere(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]> {
    const code = await this.codes.of(fn, this.settings.ship);
    this.checkOpen();
    return this.broadcasts.run(code, args, (number) =>
      // Workers without a session are threads that wait for one: as many hosts open theirs, before this broadcast is
      // on the list that new sessions run through.
      this.hostsWithThreads().map((host) => this.submitTo(host, code, args, { is: "broadcast", number })),
    );
  }

  /** Makes a job that runs in one worker, of a function that is shipped already. */
  submitTo(host: Host, code: ShippedFunction, args: readonly unknown[], kind: JobKind, name?: string): Job {
    this.checkOpen();
    const job = this.#make(code.fn, args, null);
    const extra = job._more();
    extra.target = host;
    extra.kind = kind;
    if (name !== undefined) extra.attached = { ...extra.attached, name };
    this.#shipped(job, code);
    return job;
  }

  #make(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    const isPlain = arePrimitive(args);
    const called = isPlain ? null : takeCallbacks(args);
    const job = new Job(null, called === null ? args : called.rest, this.#shipping);
    job._submitted = this.#moments.now;
    this.settlement.open++;
    if (options !== null) attachOptions(job, options, realTime);
    if (called !== null) this.#takeCallbacks(job, called);
    const releaseSignals = isPlain ? null : holdSignals(args);
    if (releaseSignals !== null) job._more().cleanups.push(releaseSignals);
    if (this.settings.tasksPerWorker !== Number.POSITIVE_INFINITY) this.#takePlaceOf(currentCaller(), job);
    const { context } = this.settings;
    const variables = carriedNow;
    if (context !== undefined || variables !== null) {
      const extra = job._more();
      const captured = context === undefined ? {} : captureContext(context);
      extra.attached = { ...extra.attached, ...captured, ...(variables && { variables }) };
    }
    if (submitted.hasSubscribers || started.hasSubscribers) tellSubmitted(job, fn, this.settings.name);
    return job;
  }

  #takeCallbacks(job: Job, { callbacks, caller }: NonNullable<ReturnType<typeof takeCallbacks>>): void {
    job._more().callbacks = callbacks;
    caller.pool = this;
    caller.leavePlace = (change) => job._place.leavePlace?.(job, change);
  }

  /** The callback of a job submits one to the pool of that job, which may be waiting for it: it leaves its place. */
  #takePlaceOf(caller: Caller | undefined, job: Job): void {
    if (caller?.pool !== this || job.done()) return;
    caller.leavePlace(1);
    job._listen(() => caller.leavePlace(-1));
  }

  #check(fn: AnyFunction): void {
    this.checkOpen();
    if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
    if (this.backpressure.isLimited) this.backpressure.check();
  }

  /** Tells whenever the thread of this host dies. */
  watch(host: Host, tell: (death: ThreadDeath) => void): void {
    const watchers = this.#watchers.get(host) ?? new Set();
    this.#watchers.set(host, watchers.add(tell));
  }

  /** Whether it was being told. */
  unwatch(host: Host, tell: (death: ThreadDeath) => void): boolean {
    return this.#watchers.get(host)?.delete(tell) ?? false;
  }

  /** The hosts that have a thread; those of idle threads among them, as far as a host is free to open their session. */
  hostsWithThreads(): Host[] {
    const { hosts } = this.dispatcher;
    const live = hosts.filter((host) => host.isLive && !host.isWeary);
    const free = hosts.filter((host) => !host.isLive && host.isOpen);
    return [...live, ...free.slice(0, Math.max(0, this.threads.count - live.length))];
  }

  checkOpen(): void {
    if (modulesLoading > 0) refuseWhileLoading();
    if (this.refusal !== null) throw this.refusal;
  }

  /** Ships the job's function, at once where that is possible; `error` is why, when there is no way left. */
  #shipBy(job: Job, find: () => ShippedFunction | Promise<ShippedFunction> | null, error: unknown): void {
    this.dispatcher.warm(); // a first thread starts meanwhile
    try {
      const code = find();
      if (code === null) this.end(job, "failed", error);
      else if (!(code instanceof Promise)) this.#shipped(job, code);
      else {
        this.#onTheWay.add(job);
        code.then(
          (done) => this.#shipped(job, done),
          (failure) => this.#unshippable(job, failure),
        );
      }
    } catch (failure) {
      this.#unshippable(job, failure);
    }
  }

  #shipped(job: Job, code: ShippedFunction): void {
    job._code = code;
    if (this.#onTheWay.size > 0) this.#onTheWay.delete(job);
    const target = job._extra?.target;
    if (job.done()) return;
    if (this.#dropping !== null) this.end(job, "stopped", this.#dropping(job));
    else if (target == null) this.dispatcher.submit(job);
    else this.dispatcher.bound.post(target as Host, job);
  }

  #unshippable(job: Job, error: unknown): void {
    this.#onTheWay.delete(job);
    if (!job.done()) this.end(job, "failed", error);
    this.backpressure.announce();
  }

  // What hosts report.

  async open(port: MessagePort, slots: SharedArrayBuffer): Promise<void> {
    this.onSession();
    const broadcasts = this.broadcasts.list();
    const { tasksPerWorker } = this.settings;
    const loading = loadParts();
    if (loading !== null) await loading;
    const recipes = this.setup.recipes();
    const setup = recipes instanceof Promise ? await recipes : recipes;
    await this.threads.run({
      port,
      slots,
      loader: this.threads.loader,
      tasksPerWorker,
      recycle: recycleOf(this.settings.recycle),
      ...setup,
      broadcasts,
    });
  }

  terminate(threadId: number, busy: string): void {
    this.threads.terminate(threadId, busy);
  }

  end(job: Job, how: End, value: unknown): void {
    this.settlement.end(job, how, value);
    if (how === "stopped") this.backpressure.announce();
  }

  unloadable(job: Job, error: unknown): void {
    const extra = job._more();
    job._place = this.#shipping;
    if (extra.ending !== null) this.end(job, "stopped", extra.ending);
    else if (extra.reships++ >= MOST_RESHIPS || extra.options.transfer !== undefined)
      this.end(job, "failed", error);
    else this.#shipBy(job, () => this.codes.replace(job._code as ShippedFunction, error), error);
  }

  /**
   * A thread has had enough. Another one may take its place at once, while it ends what it has, as a job of it may wait
   * for one that is not submitted yet; but not where `tasksPerWorker` says how many may run at once, nor when something
   * is bound to it.
   */
  weary(host: Host, unstarted: Job[]): void {
    const isLimited = this.settings.tasksPerWorker !== Number.POSITIVE_INFINITY && host.jobs > 0;
    if (!isLimited && host.pins === 0 && !this.dispatcher.bound.hasFor(host)) {
      this.dispatcher.replace(host);
      this.threads.allowMore(this.dispatcher.leaving);
    }
    this.dispatcher.requeue(unstarted);
  }

  replaced(_: Host): void {
    this.recycled++;
    this.threads.allowMore(this.dispatcher.leaving);
  }

  stray(error: unknown): void {
    process.emitWarning(
      `An error in a worker of pool "${this.settings.name}" that belongs to no running job: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      { code: "THREADLOOP_STRAY_ERROR" },
    );
  }

  ready(host: Host): void {
    this.#stillborn = 0;
    this.available(host);
  }

  available(host: Host): void {
    if (this.settlement.open > 0) this.dispatcher.refill(host);
    if (this.backpressure.inLine > 0) this.backpressure.announce();
  }

  died(host: Host, death: ThreadDeath): void {
    if (!death.wasReady && ++this.#stillborn >= MOST_STILLBORN) this.broken(death.cause);
    for (const tell of [...(this.#watchers.get(host) ?? [])]) tell(death);
    const again: Job[] = [];
    for (const job of death.started) if (!this.#endDead(job, death)) again.push(job);
    for (const job of [...death.unstarted, ...this.dispatcher.strandedBy(host, death)]) {
      const error = unstartedError(job, this.settings.name, death);
      if (error === null) again.push(job);
      else this.end(job, "failed", error);
    }
    const errorOf = this.#dropping;
    if (errorOf === null) this.dispatcher.requeue(again);
    else for (const job of again) this.end(job, "stopped", errorOf(job));
  }

  returned(host: Host, jobs: readonly Job[]): void {
    for (const job of jobs) if (isBound(job)) this.dispatcher.bound.post(host, job);
    this.dispatcher.requeue(jobs.filter((job) => !isBound(job)));
  }

  /** Settles a job whose thread died under it; false when it is to run again. */
  #endDead(job: Job, death: ThreadDeath): boolean {
    const extra = job._extra;
    const ending = extra?.ending ?? null;
    if (ending !== null) {
      this.#endOnceOut(job, () => this.end(job, "stopped", ending));
      return true;
    }
    if (extra?.options.idempotent === true && !isBound(job) && ++extra.deaths < this.settings.attempts)
      return false;
    this.#endOnceOut(job, () => this.end(job, "failed", terminatedError(job, this.settings.name, death)));
    return true;
  }

  /** What a job had printed before its thread died is out before that is told; not where the pool drops its jobs. */
  #endOnceOut(job: Job, end: () => void): void {
    if (this.#dropping === null && this.output.isBehind && this.output.defers(job, end)) return;
    end();
  }

  /** No worker can be set up: everything fails, now and later. */
  broken(cause: unknown): void {
    if (this.setup.reship(cause)) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new BrokenPoolError(
      `The workers of pool "${this.settings.name}" cannot be set up: ${reason}`,
      { cause },
    );
    this.refuse(error);
    this.drop(() => error);
  }

  /** From now on no job is taken, for this reason. */
  refuse(error: Error): void {
    this.refusal ??= error;
    this.backpressure.refuse(this.refusal);
  }

  /** Resolves when no job is open. */
  async settled(): Promise<void> {
    if (this.settlement.open === 0) return;
    await new Promise<void>((resolve) => {
      this.settlement.onAllSettled = resolve;
    });
  }

  /** Cancels the jobs that have not started. */
  cancelUnstarted(message: string): void {
    for (const job of this.#unstarted()) job.cancel(message);
  }

  /** Ends every open job with an error of its own; running ones lose their threads. */
  drop(errorOf: (job: Job) => Error): Job[] {
    this.#dropping ??= errorOf;
    const unposted = [...this.#unposted(), ...this.output.waiting];
    for (const job of unposted) job._place.stop(job, errorOf(job));
    return [...unposted, ...this.dispatcher.hosts.flatMap((host) => host.drop(errorOf))];
  }

  #unstarted(): Job[] {
    const posted = this.dispatcher.hosts.flatMap((host) => host.postedJobs.filter((job) => !job.running()));
    return [...this.#unposted(), ...posted];
  }

  #unposted(): Job[] {
    return [...this.#onTheWay, ...this.dispatcher.waiting].filter((job) => !job.done());
  }
}

function recycleOf(recycle: RecycleOptions | undefined): SessionSetup["recycle"] {
  if (recycle === undefined) return null;
  const { jobs = Number.POSITIVE_INFINITY, heap = Number.POSITIVE_INFINITY } = recycle;
  return { jobs, heap };
}
