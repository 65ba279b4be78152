// This says how a machine gets its batches: BullMQ hands them out, and takes them from a machine that does not renew
// its lock.
//
// BullMQ's own loop takes no further job while as many as its concurrency run, also when that has grown meanwhile: calls
// that only wait, for one that is still in the queue perhaps, would keep a machine from ever taking that one. So the
// loop is ours: it takes a batch whenever there is a place for one.

import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { setTimeout as wait } from "node:timers/promises";
import { type Job as QueuedBatch, UnrecoverableError, Worker } from "bullmq";
import type { BatchData } from "../protocol.ts";
import type { RedisLink } from "../redislink.ts";

/** A batch may be handed out so often: what becomes of its calls is their client's to say. */
const MOST_STALLS = 1_000_000;
/** How often it is looked whether there is a place for one more; milliseconds. */
const LOOK_EVERY = 10;
/** After Redis has failed to answer, so many until the next question. */
const PAUSE = 200;
/** How long BullMQ waits for a batch before it asks again; seconds. */
const LONGEST_WAIT = 5;

/** What is done with the batches. */
export interface Taker {
  /** How many may be here at once. */
  readonly places: number;
  /** Runs one, which is kept until this settles; an error says what went wrong with it. */
  run(batch: QueuedBatch<BatchData>): Promise<void>;
  /** It is known in Redis that one has failed, and why. */
  failed(batch: QueuedBatch<BatchData>, failure: unknown): void;
}

export class Taking {
  readonly #queue: Worker<BatchData>;
  readonly #taker: Taker;
  readonly #lock: number;
  /** The batches that are here, each with the token of its lock. */
  readonly #held = new Map<QueuedBatch<BatchData>, string>();
  #isOpen = true;
  #renewing: NodeJS.Timeout | undefined;
  #taking: Promise<void> = Promise.resolve();
  #tokens = 0;
  /** Ends the wait for a place, or for the last batch. */
  #whenOver: () => void = () => {};

  constructor(connection: RedisLink, queue: string, lock: number, taker: Taker) {
    this.#taker = taker;
    this.#lock = lock;
    this.#queue = new Worker<BatchData>(queue, null, {
      connection: connection.another(),
      prefix: connection.keys.prefix,
      autorun: false,
      lockDuration: lock,
      stalledInterval: lock / 2,
      maxStalledCount: MOST_STALLS,
      drainDelay: LONGEST_WAIT,
      skipVersionCheck: true,
    });
    this.#queue.on("error", () => {}); // what fails is tried again
  }

  async start(): Promise<void> {
    await this.#queue.waitUntilReady();
    await this.#queue.startStalledCheckTimer();
    this.#renewing = setInterval(() => this.#renew(), this.#lock / 3);
    this.#taking = this.#takeAll();
  }

  /** Takes no more, and waits for those that are here. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#whenOver();
    while (this.#held.size > 0)
      await new Promise<void>((resolve) => {
        this.#whenOver = resolve;
      });
    clearInterval(this.#renewing);
    await this.#queue.close(true);
    await this.#taking;
  }

  async #takeAll(): Promise<void> {
    while (this.#isOpen) {
      if (this.#held.size >= this.#taker.places) await this.#placeOrTurn();
      else await this.#takeNext();
    }
  }

  async #takeNext(): Promise<void> {
    const token = `${this.#queue.id}:${++this.#tokens}`;
    try {
      const batch = (await this.#queue.getNextJob(token)) as QueuedBatch<BatchData> | undefined;
      if (batch === undefined) return;
      if (this.#isOpen) void this.#hold(batch, token);
      else await batch.moveToWait(token); // it came just as the machine was told to take no more
    } catch {
      if (this.#isOpen) await wait(PAUSE, undefined, { ref: false });
    }
  }

  async #hold(batch: QueuedBatch<BatchData>, token: string): Promise<void> {
    this.#held.set(batch, token);
    let failure: unknown = null;
    try {
      await this.#taker.run(batch);
    } catch (error) {
      failure = error;
    }
    try {
      if (failure === null) await batch.moveToCompleted(undefined as never, token, false);
      else {
        await batch.moveToFailed(new UnrecoverableError(messageOf(failure)), token, false);
        this.#taker.failed(batch, failure);
      }
    } catch {
      // Its lock was lost, or Redis has no such batch any more: another machine has it, or its client has given it up.
    }
    this.#held.delete(batch);
    this.#whenOver();
  }

  /** A lock that cannot be renewed is another machine's now, or Redis is out of reach: then it is again at the next turn. */
  #renew(): void {
    for (const [batch, token] of this.#held) batch.extendLock(token, this.#lock).catch(() => {});
  }

  /** Waits until a batch is over, or for a moment: calls that wait at an await leave their places. */
  async #placeOrTurn(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY);
      this.#whenOver = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
