// A stream of a job's items, on the reader's side.

import { CancelledError, Future } from "../src/index.ts";
import type { Engine } from "./engine.ts";
import type { Job } from "./job.ts";
import type { CallOptions } from "./options.ts";
import { CREDIT } from "./protocol.ts";
import type { AnyFunction } from "./shipping/recipe.ts";

/** How many items the worker may be ahead of the reader. */
const AHEAD = 16;

/**
 * What a generator in a worker yields, one item after the other.
 *
 * The worker stays at most 16 items ahead of the reader. Ending the iteration early (`break`, `return()`, an
 * exception, a cancel) cancels the generator: its `finally` blocks have run when the loop is left.
 */
export class JobStream<T> implements AsyncIterableIterator<T> {
  /** @internal */
  readonly _job: Job;
  readonly #items: T[] = [];
  #taken = 0;
  /** Those who wait for an item: several calls of next() may. */
  readonly #waiting: Future<void>[] = [];
  #ended = false;

  /** @internal */
  constructor(engine: Engine, fn: AnyFunction, args: readonly unknown[], options: CallOptions | null) {
    const once = { ...options, idempotent: false };
    this._job = engine.submitSpecial(fn, args, once, (extra) => {
      extra.details = { ...extra.details, credit: AHEAD };
      extra.onItem = (item) => this.#arrived(item as T);
    });
    this._job._listen(() => this.#announce());
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0 && !this._job.done() && !this.#ended) await this.#nextChange();
    if (this.#items.length > 0 && !this.#ended) return { done: false, value: this.#take() };
    if (this.#ended) return { done: true, value: undefined };
    this.#ended = true;
    this._job.result();
    return { done: true, value: undefined };
  }

  /** Cancels the generator and waits until it has ended. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true;
    this.#items.length = 0;
    this._job.cancel("The reader of the stream has left");
    try {
      await this._job.toPromise();
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #arrived(item: T): void {
    this.#items.push(item);
    this.#announce();
  }

  #announce(): void {
    for (const change of this.#waiting.splice(0)) if (!change.done()) change.setResult();
  }

  /** Being cancelled while it waits is leaving: a `for await` does not say so itself. */
  async #nextChange(): Promise<void> {
    const change = new Future<void>();
    this.#waiting.push(change);
    try {
      await change;
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  /** Credit goes back in halves of what was granted, not item by item. */
  #take(): T {
    if (++this.#taken >= AHEAD / 2) {
      this._job._place.control?.(this._job, CREDIT, this.#taken);
      this.#taken = 0;
    }
    return this.#items.shift() as T;
  }
}
