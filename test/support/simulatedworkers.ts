// These are workers without threads, on the clock of a loop: what policy decides is tested on virtual time. A job is
// what its first argument says, a `Work`; a worker keeps to the rules of a thread: it begins jobs in the order of
// posting, one step at a time, a moment after they were posted, and the pool sees at once how many it has begun.

import { Future, getRunningLoop, run } from "threadloop";
import { VirtualClock } from "threadloop/testing";
import {
  type CloseOptions,
  type CloseReport,
  Closing,
  isBound,
  type Job,
  type LinkOwner,
  PoolView,
  priorityOf,
  Scheduler,
  settingsOf,
  type ThreadDeath,
  type Time,
  timeOf,
  type WorkerLink,
  type WorkerPoolOptions,
  type WorkerSource,
} from "../../dist/workers/core.js";

/** What a job does. */
export interface Work {
  readonly name?: string;
  /** Milliseconds for which it keeps its worker. Default 0. */
  readonly takes?: number;
  /** Milliseconds for which it is suspended after that: it is a coroutine. */
  readonly awaits?: number;
  /** How it ends. Default: with its name. */
  readonly ends?: "failing" | "killing its worker";
  /** Goes on when it is cancelled. */
  readonly isDeaf?: boolean;
}

/** The beginning of a job. */
export interface Start {
  readonly name: string;
  readonly worker: number;
  readonly at: number;
  readonly priority: number;
}

/** From a post, or what else is said to a worker, to its effect there. */
const LATENCY = 0.01;
const STARTUP = 20;
/** Like a host, it lets go of its thread when there has been nothing to do for so long. */
const LINGER = 50;
const STUCK_AFTER = 2;

const workOf = (job: Job): Work => job._args[0] as Work;

export class SimulatedWorker implements WorkerLink {
  readonly label = "running";
  isAway = false;
  pins = 0;
  isRetiring = false;
  readonly number: number;
  readonly #source: SimulatedWorkers;
  readonly #owner: LinkOwner;
  #state: "asleep" | "starting" | "ready" | "ending" = "asleep";
  /** Posted and not begun, the oldest first. */
  #waiting: Job[] = [];
  #current: Job | null = null;
  readonly #suspended = new Set<Job>();
  /** Calls off what a job in progress does next. */
  readonly #next = new Map<Job, () => void>();
  #away = 0;
  #begun = 0;
  #begunInAll = 0;
  #seenBegun = 0;
  #seenAt = 0;
  #owes = false;
  #mean = 0.1;
  #isWoken = false;
  #session = 0;

  constructor(source: SimulatedWorkers, owner: LinkOwner, number: number) {
    this.#source = source;
    this.#owner = owner;
    this.number = number;
  }

  get threadId(): number {
    return this.number;
  }

  get hasSession(): boolean {
    return this.#state !== "asleep";
  }

  get isLive(): boolean {
    return this.#state === "starting" || this.#state === "ready";
  }

  get isReady(): boolean {
    return this.#state === "ready" || this.#state === "ending";
  }

  get isOpen(): boolean {
    return this.#state !== "ending" && !this.isRetiring && !this.isAway;
  }

  get isIdle(): boolean {
    return this.isOpen && this.load === 0 && !this.#owes && this.#current === null;
  }

  get jobs(): number {
    return this.#waiting.length + this.#suspended.size + Number(this.#current !== null);
  }

  get load(): number {
    return this.jobs - this.#suspended.size;
  }

  get unstarted(): number {
    return this.#waiting.length;
  }

  get #isFull(): boolean {
    return this.#suspended.size - this.#away >= this.#source.tasksPerWorker;
  }

  get backlog(): number {
    const begins = !this.isRetiring && !this.isAway && this.#current === null && !this.#isFull;
    return begins ? this.unstarted - 1 : this.unstarted;
  }

  get hasPlace(): boolean {
    return this.backlog < 0;
  }

  get window(): number {
    return Math.min(4096, Math.max(1, Math.ceil(1 / this.#mean)));
  }

  get room(): number {
    if (this.#mean >= 5) return this.#isFull ? 0 - this.unstarted : 1 - this.load;
    return (this.#isFull ? 1 : this.window) - this.unstarted;
  }

  get roomForGood(): number {
    return this.hasPlace ? 1 : 0;
  }

  isKnownShort(): boolean {
    return false;
  }

  get standsStill(): boolean {
    return this.unstarted > 0 && this.#begunInAll === this.#seenBegun;
  }

  isStuck(now: number): boolean {
    if (this.#begunInAll !== this.#seenBegun) {
      this.#seenBegun = this.#begunInAll;
      this.#seenAt = now;
    }
    return now - this.#seenAt > STUCK_AFTER && this.unstarted > 0;
  }

  fetchWhenStill(): boolean {
    return false;
  }

  open(): void {
    if (this.#state !== "asleep") return;
    this.#state = "starting";
    this.#source.started();
    const session = ++this.#session;
    this.#seenAt = this.#source.time.now();
    this.#source.time.after(STARTUP, () => {
      if (session !== this.#session || this.#state !== "starting") return;
      this.#state = "ready";
      this.#seenAt = this.#source.time.now();
      this.#owner.tell(this, { is: "ready" });
      this.#wake();
      this.#restSoon();
    });
  }

  post(job: Job): void {
    if (!this.isOpen && !isBound(job)) throw new Error("posted to a worker that takes no jobs");
    this.open();
    job._place = this;
    this.#waiting.push(job);
    this.#wake();
  }

  takeBack(most: number): Job[] {
    const movable = this.#waiting.filter((job) => !isBound(job));
    return this.#take(movable.slice(Math.max(0, movable.length - most)));
  }

  takeBackBelow(priority: number): Job[] {
    return this.#take(this.#waiting.filter((job) => !isBound(job) && priorityOf(job) < priority));
  }

  get nextMovable(): Job | undefined {
    return this.#waiting.find((job) => !isBound(job));
  }

  takeBackOne(job: Job): boolean {
    return this.#take(this.#waiting.filter((one) => one === job)).length > 0;
  }

  #take(jobs: Job[]): Job[] {
    this.#waiting = this.#waiting.filter((job) => !jobs.includes(job));
    if (jobs.length > 0) this.#owes ||= this.#current !== null;
    this.#source.moved += jobs.length;
    return jobs;
  }

  isRunning(job: Job): boolean {
    return this.#current === job || this.#suspended.has(job);
  }

  stop(job: Job, ending: Error): void {
    if (this.#take(this.#waiting.filter((one) => one === job)).length > 0) {
      this.#owner.end(job, "stopped", ending);
      return;
    }
    const isFirst = job._more().ending === null;
    job._more().ending = ending;
    if (!workOf(job).isDeaf) {
      this.#next.get(job)?.();
      this.#next.set(
        job,
        this.#source.time.after(LATENCY, () => this.#endStep(job, true)),
      );
    } else if (isFirst) {
      const grace = job._extra?.options.cancelGrace ?? this.#source.cancelGrace;
      job._more().cleanups.push(this.#source.time.after(grace, () => this.die(new Error("went on"), job)));
    }
  }

  leavePlace(_: Job, change: 1 | -1): void {
    this.#away += change;
    if (change === 1) this.#owner.available(this);
    this.#wake();
  }

  get postedJobs(): Job[] {
    return [...this.#next.keys(), ...this.#waiting];
  }

  drop(errorOf: (job: Job) => Error): Job[] {
    const jobs = this.postedJobs;
    for (const job of this.#take([...this.#waiting])) this.#owner.end(job, "stopped", errorOf(job));
    for (const job of this.#next.keys()) job._more().ending = errorOf(job);
    if (this.jobs > 0) this.die(new Error("dropped"), null);
    return jobs;
  }

  forget(): void {}

  hurry(): void {}

  async close(): Promise<void> {
    if (this.#state === "asleep") return;
    if (this.jobs > 0) throw new Error("closed with jobs");
    this.#state = "ending";
    await new Promise<void>((resolve) => this.#source.time.after(1, resolve));
    if (this.#state === "ending") this.#ended();
  }

  /** Its thread dies. */
  die(cause: Error, culprit: Job | null): void {
    const started = [...this.#next.keys()];
    const unstarted = this.#waiting;
    for (const callOff of this.#next.values()) callOff();
    this.#next.clear();
    this.#suspended.clear();
    this.#current = null;
    this.#waiting = [];
    const wasReady = this.isReady;
    const death: ThreadDeath = {
      cause,
      threadId: this.number,
      exitCode: 1,
      wasReady,
      culprit,
      started,
      unstarted,
    };
    this.#ended(death);
  }

  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    this.#source.time.after(LATENCY, () => {
      this.#isWoken = false;
      this.#begin();
    });
  }

  /** The next job begins, if there is one and it may. */
  #begin(): void {
    if (this.#state !== "ready" || this.#current !== null) return;
    this.#owes = false;
    const job = this.#isFull ? undefined : this.#waiting.shift();
    if (job === undefined) return;
    this.#current = job;
    this.#begun++;
    this.#begunInAll++;
    job._extra?.onStarted?.();
    const { takes = 0 } = workOf(job);
    this.#source.begins(this, job, this.#waiting);
    this.#mean += (takes - this.#mean) * (takes < this.#mean ? 0.5 : 0.2);
    this.#next.set(
      job,
      this.#source.time.after(takes, () => this.#endStep(job, false)),
    );
    if (this.#begun >= this.#source.recycleAfter) this.#retire();
  }

  #endStep(job: Job, isCancelled: boolean): void {
    const { awaits, ends } = workOf(job);
    if (this.#current === job) this.#current = null;
    if (isCancelled || this.#suspended.has(job) || awaits === undefined) {
      if (ends === "killing its worker" && !isCancelled) this.die(new Error("killed"), job);
      else this.#end(job);
    } else {
      this.#suspended.add(job);
      this.#next.set(
        job,
        this.#source.time.after(awaits, () => this.#endStep(job, false)),
      );
    }
    this.#begin();
    this.#owner.available(this);
  }

  #end(job: Job): void {
    this.#next.delete(job);
    this.#suspended.delete(job);
    const { ends, name } = workOf(job);
    const ending = job._extra?.ending ?? null;
    if (ending !== null) this.#owner.end(job, "stopped", ending);
    else if (ends === "failing") this.#owner.end(job, "failed", new Error("failed"));
    else this.#owner.end(job, "succeeded", name);
    this.#departWhenDone();
    this.#restSoon();
  }

  #retire(): void {
    if (this.isRetiring || this.pins > 0) return;
    this.isRetiring = true;
    this.#owner.tell(this, { is: "retires", unstarted: this.takeBack(Number.POSITIVE_INFINITY) });
  }

  #departWhenDone(): void {
    if (!this.isRetiring || this.jobs > 0) return;
    this.#state = "ending";
    this.#source.time.after(1, () => {
      if (this.#state === "ending") this.#ended();
    });
  }

  #restSoon(): void {
    const session = this.#session;
    const begun = this.#begun;
    this.#source.time.after(LINGER, () => {
      const isResting = session === this.#session && begun === this.#begun && this.#state === "ready";
      if (!isResting || this.jobs > 0 || this.pins > 0 || this.isRetiring) return;
      this.#state = "ending";
      this.#source.time.after(1, () => {
        if (this.#state === "ending") this.#ended();
      });
    });
  }

  #ended(death: ThreadDeath | null = null): void {
    const wasRetiring = this.isRetiring;
    this.#state = "asleep";
    this.isRetiring = this.#owes = false;
    this.#begun = this.#away = 0;
    this.#session++;
    if (wasRetiring) this.#owner.tell(this, { is: "replaced" });
    if (death !== null) this.#owner.tell(this, { is: "died", death });
    this.#owner.available(this);
  }
}

export class SimulatedWorkers implements WorkerSource {
  readonly time: Time;
  readonly isOutside = false;
  readonly workers: SimulatedWorker[] = [];
  readonly tasksPerWorker: number;
  readonly cancelGrace: number;
  readonly recycleAfter: number;
  readonly #size: number;
  #more = 0;
  /** What began, in that order. */
  readonly starts: Start[] = [];
  /** Is told of each beginning, and of what waits behind it in the same worker. */
  onStart: (start: Start, behind: readonly Job[]) => void = () => {};
  /** How many jobs were taken back from a worker. */
  moved = 0;
  hasEnded = false;

  constructor({ settings }: Scheduler<SimulatedWorkers>) {
    this.time = timeOf(getRunningLoop() as never);
    this.#size = settings.size;
    this.tasksPerWorker = settings.tasksPerWorker;
    this.cancelGrace = settings.cancelGrace;
    this.recycleAfter = settings.recycle?.jobs ?? Number.POSITIVE_INFINITY;
  }

  link(owner: LinkOwner): SimulatedWorker {
    const worker = new SimulatedWorker(this, owner, this.workers.length + 1);
    this.workers.push(worker);
    return worker;
  }

  withThreads(): SimulatedWorker[] {
    return this.workers.filter((worker) => worker.isLive && !worker.isRetiring);
  }

  allowMore(leaving: number): void {
    this.#more = leaving;
  }

  /** One more runs. */
  started(): void {
    const count = this.workers.filter((worker) => worker.hasSession).length;
    if (count > this.#size + this.#more) throw new Error(`${count} workers run, ${this.#size} may`);
  }

  begins(worker: SimulatedWorker, job: Job, behind: readonly Job[]): void {
    const { name = "" } = workOf(job);
    const start = { name, worker: worker.number, at: this.time.now(), priority: priorityOf(job) };
    this.starts.push(start);
    this.onStart(start, behind);
  }

  reship(): boolean {
    return false;
  }

  defers(): boolean {
    return false;
  }

  readonly deferred: readonly Job[] = [];

  async end(): Promise<void> {
    this.hasEnded = true;
  }
}

/** A pool of simulated workers. */
export class SimulatedPool extends PoolView {
  readonly scheduler: Scheduler<SimulatedWorkers>;
  readonly source: SimulatedWorkers;

  constructor(options: WorkerPoolOptions) {
    const scheduler = new Scheduler<SimulatedWorkers>(
      settingsOf(options),
      (pool) => new SimulatedWorkers(pool),
    );
    super(scheduler, null);
    this.scheduler = scheduler;
    this.source = scheduler.source;
  }

  /** Submits a job that does this. */
  do(work: Work, options: Parameters<PoolView["with"]>[0] = {}): Job {
    return this.with(options).submit(Math.max as (work: never) => number, work as never) as Job<never>;
  }

  /** The names of the jobs that began, in that order. */
  get started(): string[] {
    return this.source.starts.map(({ name }) => name);
  }

  close(options: CloseOptions = {}): Future<CloseReport> {
    return futureOf(new Closing(this.scheduler as never, options).report);
  }
}

/** A future of the loop that settles as a promise does: to foreign promises a virtual clock leaves real time at each jump. */
export function futureOf<T>(promise: Promise<T>): Future<T> {
  const future = new Future<T>();
  promise.then(
    (value) => future.setResult(value),
    (error) => future.setException(error),
  );
  return future;
}

/** Runs a test on virtual time with a pool of simulated workers, which is closed and found empty at the end. */
export function simulated(
  options: WorkerPoolOptions,
  test: (pool: SimulatedPool) => Promise<void>,
): Promise<void> {
  return run(
    async () => {
      const pool = new SimulatedPool(options);
      await test(pool);
      await pool.close();
      const { settlement, dispatcher } = pool.scheduler;
      const left = dispatcher.workers.filter((worker) => worker.hasSession || worker.jobs > 0);
      if (settlement.open !== 0 || dispatcher.waiting.length > 0 || left.length > 0 || !pool.source.hasEnded)
        throw new Error(`left in the pool: ${settlement.open} jobs, ${left.length} workers`);
    },
    { clock: new VirtualClock() },
  );
}
