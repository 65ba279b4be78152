// This is the inside of a pool: it takes jobs, ships their functions, dispatches them, and decides what becomes of
// each when its worker says so or dies. `WorkerPool` is the outside.
//
// States:  OPEN --close()--> CLOSING --all settled, threads ended--> CLOSED
//          OPEN --a worker cannot be set up--> BROKEN

import { emitWarning, got } from "../../src/core.ts";
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
  waitingPlace,
} from "../executor/job.ts";
import { captureContext, carriedNow } from "../executor/jobcontext.ts";
import { started, submitted, tellSubmitted } from "../executor/jobevents.ts";
import { OpenStreams } from "../executor/openstreams.ts";
import type { CallOptions, Settings } from "../executor/options.ts";
import { Settlement } from "../executor/settlement.ts";
import type {
  LinkOwner,
  ThreadDeath,
  WorkerEvent,
  WorkerLink,
  WorkerSource,
} from "../executor/workerlink.ts";
import { whereModulesAre } from "../shipping/advice.ts";
import { modulesLoading, refuseWhileLoading } from "../shipping/loading.ts";
import { clauseOf, stackOrReasonOf } from "../shipping/reason.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { ShipMode } from "../shipping/shipment.ts";
import { moduleExport, shipOnce } from "../shipping/shipper.ts";
import { BrokenPoolError, WorkerTerminatedError } from "../wire/errors.ts";
import type { Attached, JobKind } from "../wire/protocol.ts";
import { holdSignals } from "../wire/signals.ts";
import { Broadcasts, type RunningBroadcast } from "./broadcasts.ts";
import { Dispatcher } from "./dispatch.ts";
import { terminatedError, unstartedError } from "./threaddeath.ts";

/** How often a function is shipped another way before its job fails. */
const MOST_RESHIPS = 3;
/** How many threads in a row may die before they are set up: then the pool is broken. */
const MOST_STILLBORN = 3;

/** What a job of another process is beside a function, arguments and options. */
export interface ForwardedJob {
  readonly kind: JobKind;
  readonly attached: Attached;
  readonly onItem: ((item: unknown) => void) | null;
}

export class Scheduler<Source extends WorkerSource = WorkerSource> implements LinkOwner, Calls {
  readonly settings: Settings;
  readonly title: string;
  readonly settlement: Settlement;
  readonly dispatcher: Dispatcher;
  /** Where its workers come from. */
  readonly source: Source;
  readonly codes: CodeBook = new CodeBook((number) => {
    for (const worker of this.dispatcher.workers) worker.forget(number);
  });
  readonly broadcasts = new Broadcasts();
  readonly streams: OpenStreams;
  /** Why no more jobs are taken, or null. */
  refusal: Error | null = null;
  readonly #watchers = new Map<WorkerLink, Set<(death: ThreadDeath) => void>>();
  #stillborn = 0;
  readonly #moments = new Moments();
  /** Every job that turns up is ended with this. */
  #dropping: ((job: Job) => Error) | null = null;
  readonly backpressure: Backpressure;
  /** Threads that were replaced. */
  recycled = 0;
  readonly #onTheWay = new Set<Job>();
  /** The place of jobs whose function is on its way. */
  readonly #shipping: JobPlace = waitingPlace("shipping", (job, ending) => {
    this.#onTheWay.delete(job);
    this.end(job, "stopped", ending);
  });
  /** Jobs in the queue. */
  readonly #queued: JobPlace = waitingPlace("queued", (job, ending) => {
    this.dispatcher.queue.forget();
    this.end(job, "stopped", ending);
  });

  /** `sourceFor` makes the source of its workers; it is not to call the pool yet. */
  constructor(settings: Settings, sourceFor: (pool: Scheduler<Source>) => Source) {
    this.settings = settings;
    this.title = `pool "${settings.name}"`;
    this.settlement = new Settlement(settings.name);
    this.source = sourceFor(this);
    const { time } = this.source;
    this.streams = new OpenStreams("pool", settings.name, time);
    this.dispatcher = new Dispatcher(settings.size, () => this.source.link(this), time, this.#queued);
    this.backpressure = new Backpressure(`Pool "${settings.name}"`, settings.maxQueue, this);
  }

  get name(): string {
    return this.settings.name;
  }

  /** Jobs that wait: in the queue, posted ahead, or while their function is on its way. */
  get backlog(): number {
    return this.dispatcher.backlog + this.#onTheWay.size;
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

  /** The same for a job of another process, with what travels with it from there. */
  forward(
    fn: AnyFunction,
    args: readonly unknown[],
    options: CallOptions,
    { kind, attached, onItem }: ForwardedJob,
  ): Job {
    this.#check(fn);
    const job = this.#make(fn, args, options);
    const extra = job._more();
    extra.kind = kind;
    extra.attached = { ...extra.attached, ...attached };
    extra.onItem = onItem;
    if (!job.done()) this.#shipFirst(job, fn, "reference");
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
    const worker = this.dispatcher.leastBusy();
    const leave = (): void => {
      if (this.unwatch(worker, died)) worker.pins--;
    };
    const died = ({ cause, threadId, exitCode }: ThreadDeath): void => {
      leave();
      tellDeath(
        new WorkerTerminatedError(
          `The worker of actor ${code.name} (${this.title}) ended: ${clauseOf(cause)}. Spawn another one`,
          { cause, threadId, exitCode },
        ),
      );
    };
    worker.pins++;
    this.watch(worker, died);
    return { submit: (kind, args, attached) => this.submitTo(worker, code, args, kind, attached), leave };
  }

  /** In every worker there is; those born later run it when they are set up. */
  async runEverywhere(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]> {
    return (await this.startEverywhere(fn, args)).results;
  }

  /**
   * The same, told when it has begun; `attached` travels with its jobs, and with `isFull` as many threads start first as
   * there may be.
   */
  async startEverywhere(
    fn: AnyFunction,
    args: readonly unknown[],
    { attached = {}, isFull = false }: { readonly attached?: Attached; readonly isFull?: boolean } = {},
  ): Promise<RunningBroadcast> {
    const code = await this.codes.of(fn, this.settings.ship);
    this.checkOpen();
    if (isFull) this.dispatcher.openAll();
    return this.broadcasts.run(code, args, (number) =>
      // Idle threads wait for a worker to be theirs: as many start, before this broadcast is on the list that those born
      // later run through.
      this.source
        .withThreads()
        .map((worker) => this.submitTo(worker, code, args, { is: "broadcast", number }, attached)),
    );
  }

  /** Makes a job that runs in one worker, of a function that is shipped already. */
  submitTo(
    worker: WorkerLink,
    code: ShippedFunction,
    args: readonly unknown[],
    kind: JobKind,
    attached: Attached = {},
  ): Job {
    this.checkOpen();
    const job = this.#make(code.fn, args, null);
    const extra = job._more();
    extra.target = worker;
    extra.kind = kind;
    extra.attached = { ...extra.attached, ...attached };
    this.#shipped(job, code);
    return job;
  }

  #make(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    const isPlain = arePrimitive(args);
    const called = isPlain ? null : takeCallbacks(args);
    const job = new Job(null, called === null ? args : called.rest, this.#shipping, this.source);
    job._submitted = this.#moments.now;
    this.settlement.open++;
    if (options !== null) attachOptions(job, options, this.source.time);
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

  /** Tells whenever this worker dies. */
  watch(worker: WorkerLink, tell: (death: ThreadDeath) => void): void {
    const watchers = this.#watchers.get(worker) ?? new Set();
    this.#watchers.set(worker, watchers.add(tell));
  }

  /** Whether it was being told. */
  unwatch(worker: WorkerLink, tell: (death: ThreadDeath) => void): boolean {
    return this.#watchers.get(worker)?.delete(tell) ?? false;
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
    else this.dispatcher.bound.post(target as WorkerLink, job);
  }

  #unshippable(job: Job, error: unknown): void {
    this.#onTheWay.delete(job);
    if (!job.done()) this.end(job, "failed", error);
    this.backpressure.announce();
  }

  // What workers tell.

  tell(worker: WorkerLink, event: WorkerEvent): void {
    if (event.is === "ready") this.#ready(worker);
    else if (event.is === "unloadable") this.#unloadable(event.job, event.error);
    else if (event.is === "returned") this.#returned(worker, event.jobs);
    else if (event.is === "retires") this.#retires(worker, event.unstarted);
    else if (event.is === "replaced") this.#replaced();
    else if (event.is === "died") this.#died(worker, event.death);
    else if (event.is === "stray") this.stray(event.error);
    else this.broken(event.error);
  }

  end(job: Job, how: End, value: unknown): void {
    this.settlement.end(job, how, value);
    if (how === "stopped") this.backpressure.announce();
  }

  #unloadable(job: Job, error: unknown): void {
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
  #retires(worker: WorkerLink, unstarted: readonly Job[]): void {
    const isLimited = this.settings.tasksPerWorker !== Number.POSITIVE_INFINITY && worker.jobs > 0;
    if (!isLimited && worker.pins === 0 && !this.dispatcher.bound.hasFor(worker)) {
      this.dispatcher.replace(worker);
      this.source.allowMore(this.dispatcher.leaving);
    }
    this.dispatcher.requeue(unstarted);
  }

  #replaced(): void {
    this.recycled++;
    this.source.allowMore(this.dispatcher.leaving);
  }

  stray(error: unknown): void {
    emitWarning(
      "THREADLOOP_STRAY_ERROR",
      `An error in a worker of pool "${this.settings.name}" that belongs to no running job: ${stackOrReasonOf(error)}`,
    );
  }

  #ready(worker: WorkerLink): void {
    this.#stillborn = 0;
    this.available(worker);
  }

  available(worker: WorkerLink): void {
    if (this.settlement.open > 0) this.dispatcher.refill(worker);
    if (this.backpressure.inLine > 0) this.backpressure.announce();
  }

  #died(worker: WorkerLink, death: ThreadDeath): void {
    if (!death.wasReady && ++this.#stillborn >= MOST_STILLBORN) this.broken(death.cause);
    for (const tell of [...(this.#watchers.get(worker) ?? [])]) tell(death);
    const again: Job[] = [];
    for (const job of death.started) if (!this.#endDead(job, death)) again.push(job);
    for (const job of [...death.unstarted, ...this.dispatcher.strandedBy(worker, death)]) {
      const error = unstartedError(job, this.settings.name, death);
      if (error === null) again.push(job);
      else this.end(job, "failed", error);
    }
    const errorOf = this.#dropping;
    if (errorOf === null) this.dispatcher.requeue(again);
    else for (const job of again) this.end(job, "stopped", errorOf(job));
  }

  #returned(worker: WorkerLink, jobs: readonly Job[]): void {
    for (const job of jobs) if (isBound(job)) this.dispatcher.bound.post(worker, job);
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
    if (this.#dropping === null && this.source.defers(job, end)) return;
    end();
  }

  /** No worker can be set up: everything fails, now and later. */
  broken(cause: unknown): void {
    if (this.source.reship(cause)) return;
    const error = new BrokenPoolError(
      `The workers of pool "${this.settings.name}" cannot be set up: ${clauseOf(cause)}${whereModulesAre(cause)}`,
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
    const unposted = [...this.#unposted(), ...this.source.deferred];
    for (const job of unposted) job._place.stop(job, errorOf(job));
    return [...unposted, ...this.dispatcher.workers.flatMap((worker) => worker.drop(errorOf))];
  }

  #unstarted(): Job[] {
    const posted = this.dispatcher.workers.flatMap((worker) =>
      worker.postedJobs.filter((job) => !job.running()),
    );
    return [...this.#unposted(), ...posted];
  }

  #unposted(): Job[] {
    return [...this.#onTheWay, ...this.dispatcher.waiting].filter((job) => !job.done());
  }
}
