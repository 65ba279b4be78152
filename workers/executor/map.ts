// executor.map calls a function with each of many items, with as many in flight as it takes and no more.

import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  emitWarning,
  Future,
  got,
  runningLoopOrNull,
  type Task,
} from "../../src/core.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { ChunkResult, JobKind } from "../wire/protocol.ts";
import { decodeThrown } from "../wire/serialize.ts";
import type { Calls } from "./calls.ts";
import type { Job } from "./job.ts";
import { type CallOptions, checkMapOptions } from "./options.ts";

/** How many jobs a map keeps in flight for each thread, by default. */
const IN_FLIGHT = 4;

/** How often a source that was left is looked at, whether it still hears of its cancel. */
const LOOK_EVERY = 10;
const LEFT = "The reader of the map has left";

/** How a map goes about it. */
export interface MapOptions {
  /** Items pulled and not yet yielded, at most. Default: 4 chunks for each thread of the pool. */
  readonly bufferSize?: number;
  /** Items that travel together as one job; more than 1 pays for very short calls. Default 1. */
  readonly chunkSize?: number;
  /** Results in the order of the items (default), or as they come. */
  readonly ordered?: boolean;
  /** Is called after each chunk with the number of items done so far. */
  readonly onProgress?: (done: number) => void;
}

interface Chunk {
  readonly job: Job;
  readonly size: number;
}

/** What is wrong with the options is thrown by the call; the items are looked at when the first result is asked for. */
export function mapJobs<T, R>(
  calls: Calls,
  fn: AnyFunction,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  callOptions: CallOptions | null,
): AsyncGenerator<R, void, undefined> {
  checkMapOptions(fn, options);
  return mapItems(calls, fn, items, options, callOptions);
}

async function* mapItems<T, R>(
  calls: Calls,
  fn: AnyFunction,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  callOptions: CallOptions | null,
): AsyncGenerator<R, void, undefined> {
  const { chunkSize = 1, ordered = true, onProgress } = options;
  const bufferSize = options.bufferSize ?? calls.settings.size * IN_FLIGHT * chunkSize;
  const { backpressure } = calls;
  const source = new Source(items);
  const flight = new Flight(ordered);
  const held = await calls.hold(fn, callOptions);
  let done = 0;
  try {
    for (;;) {
      while (source.hasMore && flight.takes(chunkSize, bufferSize)) {
        const chunk = await nextChunk(source, flight, chunkSize);
        if (chunk === null) break;
        const submit = () => flight.add(submitChunk(calls, held, chunk, callOptions), chunk.length);
        if (backpressure.isFree) backpressure.grant(submit);
        else await backpressure.whenThere(callOptions, submit);
      }
      if (flight.items === 0) return;
      const { job, size } = await flight.next();
      const { values, failure } = job.result() as ChunkResult;
      done += size;
      onProgress?.(done);
      yield* untilAborted(values as R[], callOptions?.signal);
      rethrow(failure);
    }
  } finally {
    await flight.cancelAll();
    await source.close();
  }
}

/** Results that were there before the signal aborted are not handed over after it. */
function* untilAborted<R>(values: readonly R[], signal: AbortSignal | undefined): Generator<R, void> {
  for (const value of values) {
    if (signal?.aborted) throw new CancelledError("The job's signal was aborted", { cause: signal.reason });
    yield value;
  }
}

/** Pulls a chunk; null when there is none any more, or a result can be yielded before it comes. */
async function nextChunk<T>(source: Source<T>, flight: Flight, size: number): Promise<T[] | null> {
  const pull = source.pull(size);
  if (!(await flight.isLaterThan(pull))) return null;
  const chunk = source.take(pull);
  return chunk.length === 0 ? null : chunk;
}

function rethrow(failure: ChunkResult["failure"]): void {
  if (failure !== undefined) throw decodeThrown(failure);
}

/** What the jobs of a map do. */
const EACH: JobKind = Object.freeze({ is: "each" });

function submitChunk(calls: Calls, fn: AnyFunction, chunk: unknown[], options: CallOptions | null): Job {
  return calls.submitSpecial(fn, [chunk], options, EACH, null);
}

/** Items that are being pulled: a Future that becomes a chunk, or already one. */
type Pull<T> = Future<T[]> | T[];

/** Where the items come from, pulled when there is room for them. */
class Source<T> {
  #ended = false;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #isAsync: boolean;
  /** A chunk of an asynchronous source that is not taken yet. */
  #pulling: Future<T[]> | null = null;
  /** Ends the wait for the answer of an asynchronous source that was asked for an item. */
  #leave: ((error: CancelledError) => void) | null = null;
  readonly #items: unknown;

  constructor(items: Iterable<T> | AsyncIterable<T>) {
    const iterable = items as Partial<Iterable<T> & AsyncIterable<T>> | null | undefined;
    const asynchronous = iterable?.[Symbol.asyncIterator]?.();
    const iterator = asynchronous ?? iterable?.[Symbol.iterator]?.();
    if (iterator === undefined) throw new TypeError(`Expected \`items\` to be iterable, got ${got(items)}`);
    this.#items = items;
    this.#iterator = iterator;
    this.#isAsync = asynchronous !== undefined;
  }

  /** Whether there may be another chunk to take. */
  get hasMore(): boolean {
    return !this.#ended || this.#pulling !== null;
  }

  /** The next chunk; an asynchronous one is pulled on while results are read, in a task of its own where a loop runs. */
  pull(count: number): Pull<T> {
    if (!this.#isAsync) return this.#pullNow(count);
    this.#pulling ??= started(() => this.#pullAll(count));
    return this.#pulling;
  }

  take(pull: Pull<T>): T[] {
    this.#pulling = null;
    return Array.isArray(pull) ? pull : pull.result();
  }

  #pullNow(count: number): T[] {
    const chunk: T[] = [];
    while (chunk.length < count && this.#gives(this.#iterator.next() as IteratorResult<T>, chunk));
    return chunk;
  }

  async #pullAll(count: number): Promise<T[]> {
    const chunk: T[] = [];
    while (chunk.length < count && this.#gives(await this.#ask(), chunk));
    return chunk;
  }

  /** Asks for an item; whoever leaves can end the wait for it. */
  async #ask(): Promise<IteratorResult<T>> {
    try {
      return await new Promise((resolve, reject) => {
        this.#leave = reject;
        Promise.resolve(this.#iterator.next()).then(resolve, reject);
      });
    } finally {
      this.#leave = null;
    }
  }

  #gives({ done, value }: IteratorResult<T>, chunk: T[]): boolean {
    if (done === true) this.#ended = true;
    else chunk.push(value);
    return done !== true;
  }

  /**
   * Closes the iterable. A pull that is under way is cancelled, and waited for where it can hear of that; a source that
   * does not answer is closed when it does, and nobody waits for it.
   */
  async close(): Promise<void> {
    const pulling = this.#pulling;
    if (pulling !== null) {
      pulling.cancel(LEFT);
      const ended = Promise.allSettled([pulling.toPromise()]);
      while (!pulling.done() && hearsOfCancels(pulling)) await Promise.race([ended, wait(LOOK_EVERY)]);
      if (this.#leave !== null) this.#abandon(this.#leave);
      await ended;
    }
    if (!this.#ended) await this.#iterator.return?.();
  }

  /** A stream of Node's hears of that only when the pull has been answered, so it is destroyed, as `break` destroys it. */
  #abandon(leave: (error: CancelledError) => void): void {
    this.#ended = true;
    leave(new CancelledError(LEFT));
    const closed = this.#iterator.return?.() as Promise<unknown> | undefined;
    closed?.then(undefined, (error) => {
      const message = `The source of a map that was left failed to close: ${inspect(error)}`;
      emitWarning("THREADLOOP_SOURCE_NOT_CLOSED", message);
    });
    const stream = this.#items as { readonly destroy?: unknown };
    if (typeof stream.destroy === "function") stream.destroy();
  }
}

/** Whether a task waits for something of the runtime's, where a cancel reaches it. */
function hearsOfCancels(pulling: Future<unknown> | Task<unknown>): boolean {
  return "_waiter" in pulling && pulling._waiter !== null;
}

/** A Future of what the function gives, which starts now: a task that can be cancelled, where a loop runs. */
function started<T>(fn: () => Promise<T>): Future<T> {
  if (runningLoopOrNull() !== null) return createTask(fn, { name: "map's source", eagerStart: true });
  const future = new Future<T>();
  fn().then(
    (value) => future.done() || future.setResult(value),
    (error) => future.done() || future.setException(error),
  );
  return future;
}

/** The chunks under way, in order or as they end. */
class Flight {
  items = 0;
  readonly #ordered: boolean;
  readonly #chunks: Chunk[] = [];
  readonly #done: Chunk[] = [];
  #change: Future<void> | null = null;

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  /** Whether so many items more are within the limit; one chunk always is. */
  takes(items: number, most: number): boolean {
    return this.items === 0 || this.items + items <= most;
  }

  add(job: Job, size: number): void {
    const chunk = { job, size };
    this.items += size;
    this.#chunks.push(chunk);
    // Also in order: a job that fails while the reader is busy elsewhere is looked at when its turn comes.
    job._listen(() => this.#ended(chunk));
  }

  /** Waits for a chunk to be pulled; false when a result is there first. */
  async isLaterThan(pull: Pull<unknown>): Promise<boolean> {
    if (Array.isArray(pull)) return true;
    while (!pull.done()) {
      if (this.#isReady) return false;
      await this.#changeOr(pull);
    }
    return true;
  }

  /** The next chunk that is done. */
  async next(): Promise<Chunk> {
    const chunk = this.#ordered ? await this.#oldest() : await this.#first();
    this.items -= chunk.size;
    return chunk;
  }

  /** Cancels what is left and waits until it has ended. */
  async cancelAll(): Promise<void> {
    for (const { job } of this.#chunks) job.cancel(LEFT);
    await Promise.allSettled(this.#chunks.map(({ job }) => job.toPromise()));
  }

  get #isReady(): boolean {
    return this.#ordered ? this.#chunks[0]?.job.done() === true : this.#done.length > 0;
  }

  async #oldest(): Promise<Chunk> {
    const chunk = this.#chunks[0] as Chunk;
    await chunk.job;
    this.#chunks.shift();
    return chunk;
  }

  async #first(): Promise<Chunk> {
    while (this.#done.length === 0) await this.#changeOr(null);
    const chunk = this.#done.shift() as Chunk;
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
    return chunk;
  }

  /** Waits until a chunk is done, or something else. */
  async #changeOr(other: Future<unknown> | null): Promise<void> {
    const change = new Future<void>();
    this.#change = change;
    other?._listen(() => change.done() || change.setResult(), null, false);
    await change;
  }

  #ended(chunk: Chunk): void {
    if (!this.#ordered) this.#done.push(chunk);
    if (this.#change !== null && !this.#change.done()) this.#change.setResult();
    this.#change = null;
  }
}
