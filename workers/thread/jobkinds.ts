// This is what a job does beside a plain call of its function: produce a stream, map a chunk, work on an actor, call
// back. Each is a body that runs as the job's task.

import { setImmediate } from "node:timers";
import type { Transferable } from "node:worker_threads";
import { CancelledError, Future, isInstance, monotonicTime, sleep } from "../../src/core.ts";
import { callBack } from "../executor/callbacks.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { copyNow } from "../wire/ownership.ts";
import type * as wire from "../wire/protocol.ts";
import { type ChunkResult, ITEM } from "../wire/protocol.ts";
import { encodeThrown } from "../wire/serialize.ts";
import { isTransfer, transfer, unmarked } from "../wire/transfer.ts";
import { type Actors, callActor, dropActor, makeActor } from "./actors.ts";
import { Credit } from "./credit.ts";

/** Frames from here on are the runtime's. */
const HERE = import.meta.url;

/** A job of many pieces gives the loop of its thread a turn after so many milliseconds. */
const TURN_AFTER = 1;
/** A piece that takes less is short; so many of them in a row say that the next one is. */
const SHORT = 0.05;
const KNOWN_AFTER = 32;

type Fn = (...args: unknown[]) => unknown;
type Body = () => unknown;

/** The job whose body it is, where it runs. */
export interface BodyOwner {
  readonly name: string;
  /** Of a stream: what its reader takes. */
  credit: Credit | null;
  /** Whether it was asked to stop, and has not heard of it. */
  readonly isCancelComing: boolean;
  /** Says something that does not end the job. */
  notice(kind: number, value: unknown): void;
  /** Sends what was said so far. */
  flush(): void;
  /** It gives the loop a turn, and no other job starts until it shares the thread again. */
  keepThread(): void;
  shareThread(): void;
}

/** The body of a job that is not a plain call, or null. */
export function specialBody(
  running: BodyOwner,
  called: AnyFunction,
  args: readonly unknown[],
  details: wire.Details,
  actors: Actors,
): Body | null {
  const fn = called as Fn;
  const { callbacks, ...others } = details;
  if (callbacks !== undefined) {
    const body = (all: readonly unknown[]): Body | null => specialBody(running, fn, all, others, actors);
    return () => callBack(running.name, args, callbacks, (all) => (body(all) ?? (() => fn(...all)))());
  }
  switch (details.is) {
    case "stream":
      return () => produce(running, fn(...args), details.credit);
    case "each":
      return () => callEach(running, fn, args[0] as readonly unknown[]);
    case "actorMake":
      return () => makeActor(actors, details.id, fn, args);
    case "actorCall":
      return () => callActor(actors, details.id, details.method, args);
    case "actorDrop":
      return () => dropActor(actors, details.id);
    default:
      return null;
  }
}

/** Sends what a generator yields, as long as the reader takes it; when the reader stops, its `finally` blocks run. */
async function produce(running: BodyOwner, source: unknown, credit: number): Promise<unknown> {
  const iterator = iteratorOf(source, running.name);
  const pieces = new Pieces(running, { shares: true });
  running.credit = new Credit(credit);
  let ended = false;
  try {
    for (;;) {
      ended = true;
      const { done, value } = await iterator.next();
      if (done === true) {
        running.flush();
        return value;
      }
      ended = false;
      running.notice(ITEM, value);
      if (pieces.end()) await pieces.turn();
      const more = running.credit.take();
      if (more === null) continue;
      await more;
      pieces.begin();
    }
  } finally {
    if (!ended) await iterator.return?.();
  }
}

/**
 * What happens between two pieces of a user's code that need not wait for anything: what was made is told, a cancel is
 * taken, and once a millisecond the thread's loop has a turn, for its timers, its messages and its other jobs.
 */
class Pieces {
  readonly #running: BodyOwner;
  /** Whether other jobs start in those turns; a chunk is a call of many items, and what waits behind it can move elsewhere. */
  readonly #shares: boolean;
  #begunAt = monotonicTime();
  #turnAt = this.#begunAt + TURN_AFTER;
  /** How many in a row were short. */
  #short = 0;

  constructor(running: BodyOwner, { shares }: { readonly shares: boolean }) {
    this.#running = running;
    this.#shares = shares;
  }

  /** The next one begins now, and not when the last one ended. */
  begin(): void {
    this.#begunAt = monotonicTime();
  }

  /**
   * One is over: what it made is told now, as the next one may be long; where pieces are known to be short, in the next
   * turn of the loop, as a message costs more than such a piece. True when a turn is due, or a cancel on its way.
   */
  end(): boolean {
    const now = monotonicTime();
    this.#short = now - this.#begunAt < SHORT ? this.#short + 1 : 0;
    this.#begunAt = now;
    if (this.#short < KNOWN_AFTER) {
      this.#running.flush();
      this.begin();
    }
    return now >= this.#turnAt || this.#running.isCancelComing;
  }

  /** Lets the loop turn, until a cancel that was asked for has come: it is thrown here. */
  async turn(): Promise<void> {
    if (!this.#shares) this.#running.keepThread();
    try {
      do {
        await nextTurn();
        await sleep(0); // those whose time has come while the piece was made are behind this one
      } while (this.#running.isCancelComing);
    } finally {
      if (!this.#shares) this.#running.shareThread();
    }
    this.begin();
    this.#turnAt = this.#begunAt + TURN_AFTER;
  }
}

function nextTurn(): Future<void> {
  const turned = new Future<void>();
  setImmediate(() => turned.done() || turned.setResult());
  return turned;
}

function iteratorOf(source: unknown, name: string): AsyncIterator<unknown> | Iterator<unknown> {
  const iterable = source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  const iterator = iterable?.[Symbol.asyncIterator]?.() ?? iterable?.[Symbol.iterator]?.();
  if (iterator !== undefined) return iterator;
  throw new TypeError(
    `Expected \`${name}\` to return something to iterate over, such as a generator, got ${typeof source}`,
  );
}

/** Calls the function with each item; at once, as far as no call has to be waited for and no turn is due. */
function callEach(running: BodyOwner, fn: Fn, items: readonly unknown[]): ChunkResult | Promise<ChunkResult> {
  const chunk = new Chunk(running, fn, items);
  const pause = chunk.goOn();
  return pause === null ? chunk.result() : chunk.goOnAfter(pause);
}

class Chunk {
  readonly #pieces: Pieces;
  readonly #fn: Fn;
  readonly #items: readonly unknown[];
  readonly #values: unknown[] = [];
  readonly #moving: Transferable[] = [];
  #failure: ChunkResult["failure"];
  #at = 0;

  constructor(running: BodyOwner, fn: Fn, items: readonly unknown[]) {
    this.#pieces = new Pieces(running, { shares: false });
    this.#fn = fn;
    this.#items = items;
  }

  /** Works until something has to be waited for; null when all is done, or one has failed. */
  goOn(): PromiseLike<void> | null {
    try {
      while (this.#at < this.#items.length) {
        const value = this.#fn(this.#items[this.#at++]);
        if (value instanceof Object && "then" in value) return this.#await(value as PromiseLike<unknown>);
        this.#add(value);
        if (this.#pieces.end() && this.#at < this.#items.length) return this.#pieces.turn();
      }
    } catch (error) {
      this.#fail(error);
    }
    return null;
  }

  async goOnAfter(first: PromiseLike<void>): Promise<ChunkResult> {
    for (let pause: PromiseLike<void> | null = first; pause !== null; pause = this.goOn()) await pause;
    return this.result();
  }

  result(): ChunkResult {
    const failure = this.#failure;
    const result = failure === undefined ? { values: this.#values } : { values: this.#values, failure };
    return this.#moving.length === 0 ? result : (transfer(result, this.#moving) as ChunkResult);
  }

  async #await(value: PromiseLike<unknown>): Promise<void> {
    try {
      this.#add(await value);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#pieces.end()) await this.#pieces.turn();
  }

  #add(value: unknown): void {
    this.#values.push(isTransfer(value) ? unmarked(value, this.#moving) : copyNow(value));
  }

  /** The first failure ends the chunk. */
  #fail(error: unknown): void {
    if (isInstance(error, CancelledError)) throw error; // the host knows why
    this.#failure = encodeThrown(error, HERE);
    this.#at = this.#items.length;
  }
}
