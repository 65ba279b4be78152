// The inside of a pool: takes jobs, ships their functions, dispatches them, and decides what becomes of each when its
// worker says so or dies. `WorkerPool` is the outside.
//
// States:  OPEN --close()--> CLOSING --all settled, threads ended--> CLOSED
//          OPEN --a worker cannot be set up--> BROKEN

import { setTimeout as wait } from "node:timers/promises";
import type { MessagePort, Worker } from "node:worker_threads";
import { got, QueueFull } from "../src/index.ts";
import { attachOptions } from "./calloptions.ts";
import { type Code, CodeBook } from "./code.ts";
import { type Death, strandedError, terminatedError } from "./death.ts";
import { Dispatcher } from "./dispatch.ts";
import { BrokenPoolError } from "./errors.ts";
import { type Host, isBound, type Owner } from "./host.ts";
import { Job, type JobPlace } from "./job.ts";
import { Ledger } from "./ledger.ts";
import type { CallOptions, Settings } from "./options.ts";
import type { Broadcast, SessionSetup } from "./protocol.ts";
import { refuseWhileLoading } from "./shipping/loading.ts";
import type { AnyFunction, Recipe } from "./shipping/recipe.ts";
import { Threads } from "./threads.ts";

/** How often a function is shipped another way before its job fails. */
const MOST_RESHIPS = 3;
/** How long a thread without jobs may take to let go of its session, before it is terminated all the same. */
const LET_GO_WITHIN = 1000;

export class Engine implements Owner {
  readonly settings: Settings;
  readonly ledger = new Ledger();
  readonly dispatcher: Dispatcher;
  readonly threads: Threads;
  readonly codes = new CodeBook();
  readonly broadcasts: Broadcast[] = [];
  /** Why no more jobs are taken, or null. */
  refusal: Error | null = null;
  /** What is run in each new worker and at its end, shipped once. */
  #setup: { initializer: Recipe | null; teardown: Recipe | null } = { initializer: null, teardown: null };

  /** Jobs whose function is on its way. */
  readonly #shipping: JobPlace = {
    label: "shipping",
    isRunning: () => false,
    stop: (job, ending) => this.ledger.cancel(job, ending),
  };
  /** Jobs in the queue. */
  readonly #queued: JobPlace = {
    label: "queued",
    isRunning: () => false,
    stop: (job, ending) => {
      this.dispatcher.queue.forget();
      this.ledger.cancel(job, ending);
    },
  };

  constructor(settings: Settings) {
    this.settings = settings;
    this.dispatcher = new Dispatcher(settings.size, this, this.#queued);
    this.threads = new Threads(settings, (error) => this.broken(error));
  }

  get cancelGrace(): number {
    return this.settings.cancelGrace;
  }

  get tasksPerWorker(): number {
    return this.settings.tasksPerWorker;
  }

  /** Makes a job and sends it on its way. Throws when the pool takes none. */
  submit(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    this.checkOpen();
    if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
    this.#checkRoom();
    const job = new Job(null, args, this.#shipping);
    this.ledger.open++;
    if (options !== null) attachOptions(job, options);
    if (!job.done()) this.#shipBy(job, () => this.codes.of(fn, options?.ship ?? this.settings.ship), null);
    return job;
  }

  checkOpen(): void {
    refuseWhileLoading();
    if (this.refusal !== null) throw this.refusal;
  }

  #checkRoom(): void {
    const { maxQueue, name } = this.settings;
    if (this.dispatcher.queue.length < maxQueue || (maxQueue === 0 && !this.dispatcher.isFull)) return;
    throw new QueueFull(
      `Pool "${name}" has ${this.dispatcher.queue.length} jobs waiting, its maxQueue: wait for room with \`await pool.enqueue(fn, ...args)\``,
    );
  }

  /** Ships the job's function, at once where that is possible; `error` is why, when there is no way left. */
  #shipBy(job: Job, find: () => Code | Promise<Code> | null, error: unknown): void {
    try {
      const code = find();
      if (code === null) this.fail(job, error);
      else if (!(code instanceof Promise)) this.#shipped(job, code);
      else {
        code.then(
          (done) => this.#shipped(job, done),
          (failure) => this.#unshippable(job, failure),
        );
      }
    } catch (failure) {
      this.#unshippable(job, failure);
    }
  }

  #shipped(job: Job, code: Code): void {
    job._code = code;
    if (!job.done()) this.dispatcher.submit(job);
  }

  #unshippable(job: Job, error: unknown): void {
    if (!job.done()) this.fail(job, error);
  }

  // What hosts report.

  async open(port: MessagePort, slots: SharedArrayBuffer): Promise<void> {
    const { tasksPerWorker, preload } = this.settings;
    const setup: SessionSetup = {
      port,
      slots,
      loader: this.threads.loader,
      tasksPerWorker,
      preload: (preload ?? []).map(String),
      ...this.#setup,
      broadcasts: this.broadcasts,
    };
    await this.threads.run(setup);
  }

  findThread(threadId: number): Worker | undefined {
    return this.threads.find(threadId);
  }

  succeed(job: Job, value: unknown): void {
    this.ledger.succeed(job, value);
  }

  fail(job: Job, error: unknown): void {
    this.ledger.fail(job, error);
  }

  stopped(job: Job, ending: Error): void {
    this.ledger.cancel(job, ending);
  }

  unloadable(job: Job, error: unknown): void {
    const extra = job._more();
    job._place = this.#shipping;
    if (extra.ending !== null) this.stopped(job, extra.ending);
    else if (extra.reships++ >= MOST_RESHIPS || extra.transfer !== null) this.fail(job, error);
    else this.#shipBy(job, () => this.codes.replace(job._code as Code, error), error);
  }

  stray(error: unknown): void {
    process.emitWarning(
      `An error in a worker of pool "${this.settings.name}" that belongs to no running job: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      {
        code: "THREADLOOP_STRAY_ERROR",
      },
    );
  }

  available(host: Host): void {
    this.dispatcher.refill(host);
  }

  died(death: Death): void {
    const again: Job[] = [];
    for (const job of death.started) if (!this.#endDead(job, death)) again.push(job);
    for (const job of death.unstarted) {
      if (isBound(job)) this.fail(job, strandedError(job, this.settings.name, death));
      else again.push(job);
    }
    this.dispatcher.requeue(again);
  }

  /** Settles a job whose thread died under it; false when it is to run again. */
  #endDead(job: Job, death: Death): boolean {
    const extra = job._extra;
    if (extra !== null && extra.ending !== null) {
      this.stopped(job, extra.ending);
      return true;
    }
    if (extra?.options.idempotent === true && !isBound(job) && ++extra.deaths < this.settings.attempts)
      return false;
    this.fail(job, terminatedError(job, this.settings.name, death));
    return true;
  }

  /** No worker can be set up: everything fails, now and later. */
  broken(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new BrokenPoolError(
      `The workers of pool "${this.settings.name}" cannot be set up: ${reason}`,
      { cause },
    );
    this.refusal ??= error;
    this.drop(() => error);
  }

  /** Ends the sessions and the threads; every job must be settled. */
  async end(): Promise<void> {
    await Promise.race([
      Promise.all(this.dispatcher.hosts.map((host) => host.close())),
      wait(LET_GO_WITHIN, undefined, { ref: false }),
    ]);
    await this.threads.destroy();
  }

  /** Resolves when no job is open. */
  async settled(): Promise<void> {
    if (this.ledger.open === 0) return;
    await new Promise<void>((resolve) => {
      this.ledger.onAllSettled = resolve;
    });
  }

  /** Cancels the jobs that have not started. */
  cancelUnstarted(): void {
    for (const job of this.#unstarted()) job.cancel(`Pool "${this.settings.name}" was closed`);
  }

  /** Ends every open job with an error of its own; running ones lose their threads. */
  drop(errorOf: (job: Job) => Error): Job[] {
    const queued = [...this.dispatcher.queue];
    for (const job of queued) this.#queued.stop(job, errorOf(job));
    return [...queued, ...this.dispatcher.hosts.flatMap((host) => host.drop(errorOf))];
  }

  #unstarted(): Job[] {
    const posted = this.dispatcher.hosts.flatMap((host) => host.postedJobs.filter((job) => !job.running()));
    return [...this.dispatcher.queue, ...posted];
  }
}
