// This is an executor as its users see it: calls, with options for them.

import { inspect } from "node:util";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { Calls } from "./calls.ts";
import type { Job } from "./job.ts";
import { type MapOptions, mapJobs } from "./map.ts";
import { type CallOptions, callOptionsOf } from "./options.ts";
import { type RemoteModule, remoteModule } from "./remotemodule.ts";
import type { Sendable } from "./sendable.ts";
import { JobStream } from "./stream.ts";

/**
 * A pool as seen through options for the calls made through it; made by `pool.with(options)`.
 *
 * @example
 * ```ts
 * import { type PoolView, WorkerPool } from "threadloop/workers";
 *
 * const report = (pool: PoolView, text: string) => pool.submit((one: string) => one.length, text);
 * const pool = new WorkerPool();
 * console.log(await report(pool.with({ timeout: 1000 }), "four")); // 4
 * await pool.close();
 * ```
 */
export class PoolView {
  #calls: Calls | null;
  readonly #options: CallOptions | null;
  /** What it is a view of, when that has no calls yet. */
  readonly #whole: PoolView | null;

  /** @internal */
  constructor(calls: Calls | null, options: CallOptions | null, whole: PoolView | null = null) {
    this.#calls = calls;
    this.#options = options;
    this.#whole = whole;
  }

  /** @internal What runs its calls; of a pool it is made with the first. */
  get _calls(): Calls {
    this.#calls ??= this._makeCalls();
    return this.#calls;
  }

  /** @internal */
  _makeCalls(): Calls {
    return (this.#whole as PoolView)._calls;
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
    return this._calls.submit(fn, args, this.#options) as Job<Awaited<R>>;
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
    const { backpressure } = this._calls;
    this._calls.checkOpen();
    const submit = () => ({ job: this.submit(fn, ...args) });
    return backpressure.isFree ? backpressure.grant(submit) : backpressure.whenThere(this.#options, submit);
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
    return mapJobs(this._calls, fn as AnyFunction, items, options, this.#options);
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
    return new JobStream<T>(this._calls, fn as AnyFunction, args, this.#options);
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
    return remoteModule<M>(() => this._calls, url, this.#options);
  }

  /**
   * Returns a view of the pool whose calls have these options, beside those of this view. It can be handed to
   * `loop.runInExecutor(view, fn, ...args)`.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "threadloop/workers";
   *
   * const pool = new WorkerPool({ size: 1 });
   * const urgent = pool.with({ priority: 10, timeout: 1000 });
   * console.log(await urgent.submit(Math.sqrt, 16)); // 4
   * await pool.close();
   * ```
   */
  with(options: CallOptions): PoolView {
    const own = callOptionsOf(options);
    return new PoolView(this.#calls, this.#options === null ? own : { ...this.#options, ...own }, this);
  }

  [inspect.custom](): string {
    const options = inspect(this.#options, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
    return `<PoolView of ${this._calls.settings.name} with ${options}>`;
  }
}
