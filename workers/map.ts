// pool.map: a function over many items, with as many in flight as it takes and no more.

import { Future, got } from "../src/index.ts";
import type { ChunkResult } from "./bodies.ts";
import type { Engine } from "./engine.ts";
import type { Job } from "./job.ts";
import { type CallOptions, checkMapOptions } from "./options.ts";
import { decodeThrown } from "./serialize.ts";
import type { AnyFunction } from "./shipping/recipe.ts";
import { shipOnce } from "./shipping/ship.ts";

/** How many jobs a map keeps in flight for each thread, by default. */
const IN_FLIGHT = 4;

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

export async function* mapJobs<T, R>(
  engine: Engine,
  fn: AnyFunction,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  callOptions: CallOptions | null,
): AsyncGenerator<R, void, undefined> {
  checkMapOptions(fn, options);
  const { chunkSize = 1, ordered = true, onProgress } = options;
  const bufferSize = options.bufferSize ?? engine.settings.size * IN_FLIGHT * chunkSize;
  const source = new Source(items);
  const flight = new Flight(ordered);
  const shipped = await shipOnce(fn, callOptions?.ship ?? engine.settings.ship);
  let done = 0;
  try {
    for (;;) {
      while (!source.ended && flight.takes(chunkSize, bufferSize)) {
        const chunk = await source.pull(chunkSize);
        if (chunk.length === 0) break;
        const submit = () => flight.add(submitChunk(engine, shipped, chunk, callOptions), chunk.length);
        if (engine.room.isFree) submit();
        else await engine.room.whenThere(callOptions?.priority, submit);
      }
      if (flight.items === 0) return;
      const { job, size } = await flight.next();
      const { values, failure } = job.result() as ChunkResult;
      done += size;
      onProgress?.(done);
      yield* values as R[];
      rethrow(failure);
    }
  } finally {
    await flight.cancelAll();
    await source.close();
  }
}

function rethrow(failure: ChunkResult["failure"]): void {
  if (failure !== undefined) throw decodeThrown(failure);
}

function submitChunk(engine: Engine, fn: AnyFunction, chunk: unknown[], options: CallOptions | null): Job {
  return engine.submitSpecial(fn, [chunk], options, (extra) => {
    extra.details = { ...extra.details, each: true };
  });
}

/** Where the items come from, pulled when there is room for them. */
class Source<T> {
  ended = false;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #isAsync: boolean;

  constructor(items: Iterable<T> | AsyncIterable<T>) {
    const iterable = items as Partial<Iterable<T> & AsyncIterable<T>> | null | undefined;
    const asynchronous = iterable?.[Symbol.asyncIterator]?.();
    const iterator = asynchronous ?? iterable?.[Symbol.iterator]?.();
    if (iterator === undefined) throw new TypeError(`Expected \`items\` to be iterable, got ${got(items)}`);
    this.#iterator = iterator;
    this.#isAsync = asynchronous !== undefined;
  }

  async pull(count: number): Promise<T[]> {
    const chunk: T[] = [];
    while (chunk.length < count) {
      const step = this.#iterator.next();
      const { done, value } = this.#isAsync ? await step : (step as IteratorResult<T>);
      if (done === true) {
        this.ended = true;
        break;
      }
      chunk.push(value);
    }
    return chunk;
  }

  async close(): Promise<void> {
    if (!this.ended) await this.#iterator.return?.();
  }
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

  /** The next chunk that is done. */
  async next(): Promise<Chunk> {
    const chunk = this.#ordered ? await this.#oldest() : await this.#first();
    this.items -= chunk.size;
    return chunk;
  }

  /** Cancels what is left and waits until it has ended. */
  async cancelAll(): Promise<void> {
    for (const { job } of this.#chunks) job.cancel("The reader of the map has left");
    await Promise.allSettled(this.#chunks.map(({ job }) => job.toPromise()));
  }

  async #oldest(): Promise<Chunk> {
    const chunk = this.#chunks[0] as Chunk;
    await chunk.job;
    this.#chunks.shift();
    return chunk;
  }

  async #first(): Promise<Chunk> {
    while (this.#done.length === 0) {
      this.#change = new Future<void>();
      await this.#change;
    }
    const chunk = this.#done.shift() as Chunk;
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
    return chunk;
  }

  #ended(chunk: Chunk): void {
    if (this.#ordered) return;
    this.#done.push(chunk);
    if (this.#change !== null && !this.#change.done()) this.#change.setResult();
    this.#change = null;
  }
}
