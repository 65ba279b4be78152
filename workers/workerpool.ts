// WorkerPool is the pool as its users see it.

import type { Readable } from "node:stream";
import { inspect } from "node:util";
import type { Actor, ActorClass } from "./executor/actor.ts";
import type { Calls } from "./executor/calls.ts";
import {
  checkCloseOptions,
  patienceOf,
  type Settings,
  settingsOf,
  type WorkerPoolOptions,
} from "./executor/options.ts";
import { PoolView } from "./executor/view.ts";
import { type MadePiscina, startFirstThread } from "./host/piscina.ts";
import { arePoolsLoaded, poolParts } from "./latepools.ts";
import { addPool, type ListedPool } from "./observe/pools.ts";
import type { PoolStats } from "./observe/stats.ts";
import type { TaskForest } from "./observe/tasktree.ts";
import type { PoolTrace } from "./observe/trace.ts";
import type { CloseOptions, CloseReport, Closing } from "./pool/closing.ts";
import type { ThreadScheduler, ThreadWorkers } from "./pool/threadworkers.ts";
import type { AnyFunction } from "./shipping/recipe.ts";
import { PoolClosedError } from "./wire/errors.ts";

/**
 * Worker threads that each run an event loop, as an executor.
 *
 * Threads start when there is work and end when they have been idle for `idleTimeout`; an idle pool does not keep the
 * process alive, but one should be closed when it is not needed: `await using pool = new WorkerPool()`, or `close()`.
 * Throws RangeError or TypeError that names the option when one is wrong.
 *
 * @example
 * ```ts
 * import { WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool({ size: 2 });
 * console.log(await pool.submit(Math.max, 1, 2, 3)); // 3
 * await pool.close();
 * ```
 */
export class WorkerPool extends PoolView {
  readonly #settings: Settings;
  readonly #listed: ListedPool;
  #scheduler: ThreadScheduler | null = null;
  #closing: Closing | null = null;

  constructor(options: WorkerPoolOptions = {}) {
    super(null, null);
    this.#settings = settingsOf(options);
    this.#listed = addPool(this);
  }

  /** @internal The inside, made when it is first needed. */
  get _scheduler(): ThreadScheduler {
    this.#scheduler ??= this.#make(null);
    return this.#scheduler;
  }

  /** @internal A first call: its thread starts while what a pool is made of is loaded. */
  override _makeCalls(): Calls {
    this.#scheduler ??= this.#make(arePoolsLoaded() ? null : startFirstThread(this.#settings));
    return this.#scheduler;
  }

  #make(made: MadePiscina | null): ThreadScheduler {
    const { Scheduler, ThreadWorkers, Watchdog } = poolParts();
    const scheduler = new Scheduler<ThreadWorkers>(
      this.#settings,
      (inside) => new ThreadWorkers(inside, made),
    );
    this.#listed.reference = new WeakRef(scheduler);
    const watchdog = new Watchdog(scheduler, scheduler.settings.blockedAfter);
    scheduler.source.onSession = () => watchdog.wake();
    return scheduler;
  }

  /** The name given in the options. */
  get name(): string {
    return this.#settings.name;
  }

  /**
   * What the pool's threads print to their standard output, as a stream; it ends when the pool has closed. With the
   * option `stdout: true` it goes here and nowhere else, so somebody has to read it. Otherwise it goes to the process's
   * own, and who reads here gets a copy.
   *
   * Either way a job's output is there before its result is told.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool({ stdout: true });
   * await pool.submit(() => console.log("from a thread"));
   * await pool.close();
   * for await (const chunk of pool.stdout) console.log(String(chunk).trimEnd()); // from a thread
   * ```
   */
  get stdout(): Readable {
    return this._scheduler.source.output.stdout.reader;
  }

  /** The same as `stdout`, of what the threads print to their standard error. */
  get stderr(): Readable {
    return this._scheduler.source.output.stderr.reader;
  }

  /**
   * Makes an object in one worker and returns its handle: calls of its methods run there, and return Jobs. The object
   * keeps its worker, and the process, until `close()`; if the worker dies, so does the object: its calls fail with
   * WorkerTerminatedError.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * class Counter {
   *   count = 0;
   *   add(n: number) {
   *     this.count += n;
   *     return this.count;
   *   }
   * }
   *
   * const pool = new WorkerPool();
   * const counter = await pool.spawn(Counter);
   * await counter.add(2);
   * console.log(await counter.add(3)); // 5
   * await pool.close(); // and the counter with it
   * ```
   */
  spawn<T extends object, A extends unknown[]>(Class: ActorClass<T, A>, ...args: A): Promise<Actor<T>> {
    return poolParts().spawnActor(this._scheduler, Class, args);
  }

  /**
   * Runs a function once in every worker there is, and in every one born later before its first job; gives the results
   * of those there are. Rejects with the first error, and then no worker born later runs it. What it throws in a worker
   * born later is a process warning.
   */
  broadcast<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return poolParts().broadcastJob(this._scheduler, fn as AnyFunction, args) as Promise<Awaited<R>[]>;
  }

  /**
   * Tells what the pool has done and is doing, in numbers. It costs the jobs nothing measurable and asks no thread, so
   * it answers also while all are stuck. The histograms are Node's, in nanoseconds.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool();
   * for await (const root of pool.map(Math.sqrt, [1, 4, 9])) console.log(root);
   * console.log(pool.stats().runTime.percentile(99) < 1e9); // true
   * await pool.close();
   * ```
   */
  stats(): PoolStats {
    return poolParts().statsOf(this._scheduler);
  }

  /**
   * Tells every task of the calling thread's loop and of the pool's workers, and every job: what it is, what it waits
   * on and for how long, and who awaits it, across threads. A worker that does not answer within `patience`
   * milliseconds (default 200) is told with the job that keeps it busy. As text it is a tree. Throws RangeError when
   * `patience` is no time.
   *
   * @example
   * ```ts
   * import { run, sleep } from "threadloop";
   * import { WorkerPool } from "threadloop/workers";
   *
   * const nap = (ms: number) => sleep(ms);
   * await run(async () => {
   *   await using pool = new WorkerPool({ size: 1 });
   *   const job = pool.submit(nap, 50);
   *   console.log(String(await pool.tasks()));
   *   await job;
   * });
   * ```
   */
  async tasks(options: { readonly patience?: number } = {}): Promise<TaskForest> {
    const patience = patienceOf(options);
    const { TaskForest, gatherSnapshots } = poolParts();
    return new TaskForest(await gatherSnapshots([this._scheduler], patience));
  }

  /**
   * Records what the calling thread's loop and the pool's workers do, until `stop()` writes it to a file that
   * https://ui.perfetto.dev opens: a lane for each thread, and arrows from submissions to starts. Throws RuntimeError
   * when this thread is being traced already.
   *
   * @example
   * ```ts
   * import { rmSync } from "node:fs";
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool();
   * const trace = pool.trace("/tmp/trace.json");
   * await pool.submit(Math.sqrt, 2);
   * await trace.stop();
   * await pool.close();
   * rmSync("/tmp/trace.json");
   * ```
   */
  trace(file: string | URL): PoolTrace {
    const { PoolTrace } = poolParts();
    return new PoolTrace(this._scheduler, file);
  }

  /**
   * Takes no more jobs, finishes what it has, and ends the threads; resolves when they have ended. Further calls
   * return the same promise; a deadline of theirs, or `cancelFutures`, hastens it. Safe to call from a job's callback;
   * it cannot be undone.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkCloseOptions(options);
    const { Closing } = poolParts();
    if (this.#closing === null) this.#closing = new Closing(this._scheduler, options);
    else this.#closing.hasten(options);
    return this.#closing.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override [inspect.custom](): string {
    const { settings, settlement, dispatcher, source, refusal } = this._scheduler;
    const state = refusal === null ? "open" : refusal instanceof PoolClosedError ? "closed" : "broken";
    return `<WorkerPool ${settings.name} ${state}, threads=${source.threads.count}/${settings.size}, jobs=${settlement.open}, queued=${dispatcher.queue.length}>`;
  }
}
