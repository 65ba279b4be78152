// The pool as its users see it.

import type { Readable } from "node:stream";
import { inspect } from "node:util";
import { broadcastJob } from "./executor/broadcast.ts";
import type { Job } from "./executor/job.ts";
import { type MapOptions, mapJobs } from "./executor/map.ts";
import { gatherSnapshots } from "./observe/gather.ts";
import { type CloseOptions, type CloseReport, Closing } from "./pool/closing.ts";
import { Engine } from "./pool/scheduler.ts";
import { PoolClosedError } from "./wire/errors.ts";
import "./observe/door.ts";
import { setDefaultExecutorFactory } from "../src/core.ts";
import { loadInline } from "./bundle/loadparts.ts";
import { addOwnExports } from "./bundle/ownexports.ts";
import { type Actor, type ActorClass, spawnActor } from "./executor/actor.ts";
import {
  type CallOptions,
  callOptionsOf,
  checkCloseOptions,
  patienceOf,
  settingsOf,
  type WorkerPoolOptions,
} from "./executor/options.ts";
import { type RemoteModule, remoteModule } from "./executor/remotemodule.ts";
import type { Sendable } from "./executor/sendable.ts";
import { JobStream } from "./executor/stream.ts";
import { addPool } from "./observe/pools.ts";
import { type PoolStats, statsOf } from "./observe/stats.ts";
import { TaskTree } from "./observe/tasktree.ts";
import { PoolTrace } from "./observe/trace.ts";
import { Watchdog } from "./observe/watchdog.ts";
import { setPartsLoader } from "./shipping/parts.ts";
import type { AnyFunction } from "./shipping/recipe.ts";
import { NestedExecutor } from "./thread/nested.ts";
import { uplink } from "./wire/uplink.ts";

/** A pool as seen through options for the calls made through it; made by `pool.with(options)`. */
export class PoolView {
  /** @internal */
  readonly _engine: Engine;
  readonly #options: CallOptions | null;

  /** @internal */
  constructor(engine: Engine, options: CallOptions | null) {
    this._engine = engine;
    this.#options = options;
  }

  /**
   * Runs a function in a worker thread and returns its Future, a Job.
   *
   * Arguments and result are copied (structured clone); arguments are read when the job is sent, at the latest when
   * it starts. An async function is a coroutine of the worker's loop. Errors keep class, message, own properties and
   * cause, and show the worker's frames and then the caller's.
   *
   * *Cancellation*: see Job. Throws PoolClosedError when the pool is closed, BrokenPoolError when its workers cannot
   * be set up and QueueFull when `maxQueue` jobs wait.
   *
   * @example
   * ```ts
   * import { createHash } from "node:crypto";
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool({ size: 2 });
   * const sha = (text: string) => createHash("sha256").update(text).digest("hex");
   * console.log(await pool.submit(sha, "hello"));
   * await pool.close();
   * ```
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: Sendable<A>): Job<Awaited<R>> {
    return this._engine.submit(fn, args, this.#options) as Job<Awaited<R>>;
  }

  /**
   * The same as `submit`, but waits for room in the queue first, the highest `priority` first: back-pressure for those
   * who produce jobs faster than the workers take them. Resolves with the job in a box, as an async function that
   * returned it would await it.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool({ maxQueue: 100 });
   * for (let i = 0; i < 1000; i++) await pool.enqueue(Math.sqrt, i);
   * await pool.close();
   * ```
   */
  async enqueue<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: Sendable<A>
  ): Promise<{ readonly job: Job<Awaited<R>> }> {
    const { room } = this._engine;
    this._engine.checkOpen();
    const submit = () => ({ job: this.submit(fn, ...args) });
    return room.isFree ? room.grant(submit) : room.whenThere(this.#options, submit);
  }

  /**
   * Calls a function with each item of an iterable, in the workers, and yields the results, in the order of the items
   * unless `ordered` is false. Items are pulled as there is room (`bufferSize`), from the first `next()` on.
   *
   * A failure is thrown at its place. Leaving the loop early, by `break` or by a cancel, cancels what is under way and
   * closes the iterable; nobody waits for a source that does not answer.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool();
   * for await (const root of pool.map(Math.sqrt, [1, 4, 9])) console.log(root); // 1, 2, 3
   * await pool.close();
   * ```
   */
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return mapJobs(this._engine, fn as AnyFunction, items, options, this.#options);
  }

  /**
   * Runs a generator in a worker, sync or async, and gives what it yields as an async iterator. The worker stays at
   * most 16 items ahead; leaving the loop early runs the generator's `finally` blocks there, between two items. It is to
   * be read to its end, or left.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool();
   * function* squares(count: number) {
   *   for (let i = 1; i <= count; i++) yield i * i;
   * }
   * for await (const square of pool.stream(squares, 3)) console.log(square); // 1, 4, 9
   * await pool.close();
   * ```
   */
  stream<A extends unknown[], T>(
    fn: (...args: A) => AsyncIterable<T> | Iterable<T>,
    ...args: Sendable<A>
  ): JobStream<T> {
    return new JobStream<T>(this._engine, fn as AnyFunction, args, this.#options);
  }

  /**
   * Returns the functions of a module that the workers import: each call is a Job. Nothing is loaded on this thread and
   * nothing has to be found out, so it works everywhere; in a bundle, list the module as an entry of its own.
   *
   * Throws TypeError when `url` is relative; a job fails with ShipError when the module cannot be imported there or
   * has no such export.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool();
   * const path = pool.module<typeof import("node:path")>("node:path"); // new URL("./tasks.js", import.meta.url)
   * console.log(await path.basename("/srv/readme.md")); // readme.md
   * await pool.close();
   * ```
   */
  module<M extends object>(url: string | URL): RemoteModule<M> {
    return remoteModule<M>(url, (fn, args) => this._engine.submit(fn, args, this.#options));
  }

  /**
   * Returns a view of the pool whose calls have these options, beside those of this view. It can be handed to
   * `loop.runInExecutor(view, fn, ...args)`.
   */
  with(options: CallOptions): PoolView {
    const own = callOptionsOf(options);
    return new PoolView(this._engine, this.#options === null ? own : { ...this.#options, ...own });
  }

  [inspect.custom](): string {
    const options = inspect(this.#options, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
    return `<PoolView of ${this._engine.settings.name} with ${options}>`;
  }
}

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
  #closing: Closing | null = null;

  constructor(options: WorkerPoolOptions = {}) {
    super(new Engine(settingsOf(options)), null);
    addPool(this._engine);
    const watchdog = new Watchdog(this._engine, this._engine.settings.blockedAfter);
    this._engine.onSession = () => watchdog.wake();
  }

  /** The name given in the options. */
  get name(): string {
    return this._engine.settings.name;
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
    return this._engine.output.stdout.reader;
  }

  /** The same as `stdout`, of what the threads print to their standard error. */
  get stderr(): Readable {
    return this._engine.output.stderr.reader;
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
    return spawnActor(this._engine, Class, args);
  }

  /**
   * Runs a function once in every worker there is, and in every one born later before its first job; gives the results
   * of those there are. Rejects with the first error, and then no worker born later runs it. What it throws in a worker
   * born later is a process warning.
   */
  broadcast<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return broadcastJob(this._engine, fn as AnyFunction, args) as Promise<Awaited<R>[]>;
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
    return statsOf(this._engine);
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
  async tasks(options: { readonly patience?: number } = {}): Promise<TaskTree> {
    const patience = patienceOf(options);
    return new TaskTree(await gatherSnapshots([this._engine], patience));
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
    return new PoolTrace(this._engine, file);
  }

  /**
   * Takes no more jobs, finishes what it has, and ends the threads; resolves when they have ended. Further calls
   * return the same promise; a deadline of theirs, or `cancelFutures`, hastens it. Safe to call from a job's callback;
   * it cannot be undone.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkCloseOptions(options);
    if (this.#closing === null) this.#closing = new Closing(this._engine, options);
    else this.#closing.hasten(options);
    return this.#closing.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override [inspect.custom](): string {
    const { settings, ledger, dispatcher, threads, refusal } = this._engine;
    const state = refusal === null ? "open" : refusal instanceof PoolClosedError ? "closed" : "broken";
    return `<WorkerPool ${settings.name} ${state}, threads=${threads.count}/${settings.size}, jobs=${ledger.open}, queued=${dispatcher.queue.length}>`;
  }
}

setDefaultExecutorFactory(() =>
  uplink() === null ? new WorkerPool({ name: "default" }) : new NestedExecutor(),
);
addOwnExports({ WorkerPool });
setPartsLoader(loadInline);
