// A JobStream is a stream of a job's items, on the reader's side.

import { CancelledError, isInstance } from "../../src/core.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { Calls } from "./calls.ts";
import { AHEAD, type OpenStream } from "./openstreams.ts";
import type { CallOptions } from "./options.ts";

/**
 * What a generator in a worker yields, one item after the other.
 *
 * The worker stays at most 16 items ahead of the reader. Ending the iteration early (`break`, `return()`, an
 * exception, a cancel) cancels the generator: at its await, or between two items; its `finally` blocks have run when the
 * loop is left. A stream that is stopped by its signal, its timeout or a cancel hands over nothing more and throws.
 *
 * A stream whose reader was collected is ended, and one that nobody has read for a second while its pool closes; a
 * process warning names it.
 *
 * @example
 * ```ts
 * import { WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool();
 * function* naturals() {
 *   for (let n = 0; ; n++) yield n;
 * }
 * for await (const n of pool.stream(naturals)) {
 *   console.log(n); // 0, 1, 2
 *   if (n === 2) break; // ends the generator
 * }
 * await pool.close();
 * ```
 */
export class JobStream<T> implements AsyncIterableIterator<T> {
  readonly #stream: OpenStream<T>;

  /** @internal */
  constructor(calls: Calls, fn: AnyFunction, args: readonly unknown[], options: CallOptions | null) {
    const once = { ...options, idempotent: false };
    this.#stream = open(calls, fn, args, once);
    calls.streams.add(this.#stream as OpenStream<unknown>, this);
  }

  /** The next item. Being cancelled while it waits is leaving: a `for await` does not say so itself. */
  async next(): Promise<IteratorResult<T, undefined>> {
    const stream = this.#stream;
    for (;;) {
      const result = stream.take();
      if (result !== null) return result;
      try {
        await stream.change();
      } catch (error) {
        await this.return();
        throw error;
      }
    }
  }

  /** Cancels the generator and waits until it has ended. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    const { job } = this.#stream;
    this.#stream.hasEnded = true;
    this.#stream.drop();
    job.cancel("The reader of the stream has left");
    try {
      await job.toPromise();
    } catch (error) {
      if (!isInstance(error, CancelledError)) throw error;
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Not in the constructor: what is made there is never to hold the reader. */
function open<T>(
  calls: Calls,
  fn: AnyFunction,
  args: readonly unknown[],
  options: CallOptions,
): OpenStream<T> {
  return calls.streams.open<T>((onItem) =>
    calls.submitSpecial(fn, args, options, { is: "stream", credit: AHEAD }, (item) => onItem(item as T)),
  );
}
