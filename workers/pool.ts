// The pool as its users see it.

import { inspect } from "node:util";
import { Engine } from "./engine.ts";
import { PoolClosedError } from "./errors.ts";
import type { Job } from "./job.ts";
import { type CallOptions, checkCallOptions, settingsOf, type WorkerPoolOptions } from "./options.ts";

/** How a pool is closed. */
export interface CloseOptions {
  /** Milliseconds to wait for the jobs; what is not done by then fails with PoolClosedError. Default: no limit. */
  readonly deadline?: number;
  /** Cancels the jobs that have not started, as Python's `cancel_futures`. Default false. */
  readonly cancelFutures?: boolean;
}

/** What a closed pool left undone. */
export interface CloseReport {
  /** The names of the jobs that the deadline cut off. */
  readonly dropped: readonly string[];
}

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
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Job<Awaited<R>> {
    return this._engine.submit(fn, args, this.#options) as Job<Awaited<R>>;
  }

  /**
   * Returns a view of the pool whose calls have these options, beside those of this view. It can be handed to
   * `loop.runInExecutor(view, fn, ...args)`.
   */
  with(options: CallOptions): PoolView {
    checkCallOptions(options);
    return new PoolView(this._engine, { ...this.#options, ...options });
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
  #closed: Promise<CloseReport> | null = null;

  constructor(options: WorkerPoolOptions = {}) {
    super(new Engine(settingsOf(options)), null);
  }

  /** The name given in the options. */
  get name(): string {
    return this._engine.settings.name;
  }

  /**
   * Takes no more jobs, finishes what it has, and ends the threads; resolves when they have ended. Further calls
   * return the same promise. Safe to call from a job's callback; it cannot be undone.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    this.#closed ??= closePool(this._engine, options);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspect.custom](): string {
    const { settings, ledger, dispatcher, threads, refusal } = this._engine;
    const state = refusal === null ? "open" : refusal instanceof PoolClosedError ? "closed" : "broken";
    return `<WorkerPool ${settings.name} ${state}, threads=${threads.count}/${settings.size}, jobs=${ledger.open}, queued=${dispatcher.queue.length}>`;
  }
}

async function closePool(engine: Engine, { deadline, cancelFutures }: CloseOptions): Promise<CloseReport> {
  const { name } = engine.settings;
  engine.refusal ??= new PoolClosedError(
    `Pool "${name}" is closed: it takes no more jobs. Make another WorkerPool`,
  );
  if (cancelFutures === true) engine.cancelUnstarted();
  let dropped: readonly Job[] = [];
  const timer =
    deadline === undefined
      ? undefined
      : setTimeout(() => {
          dropped = engine.drop(
            (job) =>
              new PoolClosedError(
                `Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`,
              ),
          );
        }, deadline);
  await engine.settled();
  clearTimeout(timer);
  await engine.end();
  return { dropped: dropped.map((job) => job.name) };
}
