// These are the streams of an executor that have not ended, as their readers' side sees them. A stream whose reader
// has gone would wait for it for ever, and its executor with it: it is ended, and a warning names it, when its
// reader was collected, or when nobody reads it while the executor closes.

import { emitWarning, Future, inRootContext } from "../../src/core.ts";
import { CREDIT } from "../wire/protocol.ts";
import type { Job } from "./job.ts";
import type { Time } from "./time.ts";

/** How many items the worker may be ahead of the reader. */
export const AHEAD = 16;
/** While its executor closes, a stream may be without a reader for so many milliseconds, or twice its longest pause so far. */
const PATIENCE = 1000;
const LOOK_EVERY = 100;
/** A reader that has taken some items in less pauses for less: its pauses do not matter. */
const QUICK = 100;

/** What has come of one stream and was not read. It does not know its reader, who could then not be collected. */
export class OpenStream<T> {
  readonly job: Job;
  readonly #items: T[] = [];
  #taken = 0;
  /** Those who wait for an item: several calls of next() may. */
  readonly #waiting: Future<void>[] = [];
  /** Items that were not handed over, as the stream was stopped. */
  #dropped = 0;
  #readAt: number;
  #longestPause = 0;
  /** Each read is timed: the reader is slow, or somebody asks when it read last. Else that would be seen in the price of an item. */
  #isTimed = false;
  #isWatched = false;
  /** The reader has left, or has been told that the stream is over. */
  hasEnded = false;

  readonly #time: Time;

  constructor(time: Time, submit: (onItem: (item: T) => void) => Job) {
    this.#time = time;
    this.#readAt = time.now();
    this.job = submit((item) => {
      this.#items.push(item);
      this.#announce();
    });
    this.job._listen(() => this.#announce());
  }

  /** The next item, or the end of the stream, which may throw; null when neither has come. */
  take(): IteratorResult<T, undefined> | null {
    if (this.hasEnded) return { done: true, value: undefined };
    if (this.#isStopped) this.drop();
    else if (this.#items.length > 0) return { done: false, value: this.#next() };
    if (!this.job.done()) return null;
    this.hasEnded = true;
    this.job.result();
    if (this.#dropped > 0) throw this.job._extra?.ending;
    return { done: true, value: undefined };
  }

  /** Waits until something has come. */
  async change(): Promise<void> {
    const change = new Future<void>();
    this.#waiting.push(change);
    try {
      await change;
    } finally {
      const at = this.#waiting.indexOf(change);
      if (at >= 0) this.#waiting.splice(at, 1);
      this.#readAt = this.#time.now();
    }
  }

  /** Forgets what has come. */
  drop(): void {
    this.#dropped += this.#items.length;
    this.#items.length = 0;
  }

  /** From here on it matters when it is read. */
  watch(): void {
    this.#isWatched = this.#isTimed = true;
  }

  /** For how many milliseconds more somebody may come and read. */
  patienceAt(now: number, closedAt: number): number {
    if (this.#waiting.length > 0) return PATIENCE;
    const patience = Math.max(PATIENCE, 2 * this.#longestPause);
    return Math.max(this.#readAt, closedAt) + patience - now;
  }

  get #isStopped(): boolean {
    return this.job._extra?.ending != null;
  }

  #announce(): void {
    if (this.#waiting.length === 0) return;
    for (const change of this.#waiting.splice(0)) if (!change.done()) change.setResult();
  }

  /** Credit goes back in halves of what was granted, not item by item. */
  #next(): T {
    const givesCredit = ++this.#taken >= AHEAD / 2;
    if (givesCredit || this.#isTimed) this.#noteRead();
    if (givesCredit) {
      this.job._place.control?.(this.job, CREDIT, this.#taken);
      this.#taken = 0;
    }
    return this.#items.shift() as T;
  }

  #noteRead(): void {
    const now = this.#time.now();
    const pause = now - this.#readAt;
    this.#longestPause = Math.max(this.#longestPause, pause);
    this.#isTimed = this.#isWatched || pause > QUICK;
    this.#readAt = now;
  }
}

/** All those of an executor. */
export class OpenStreams {
  /** What the executor is called, and its name. */
  readonly #kind: string;
  readonly #name: string;
  readonly #time: Time;
  readonly #open = new Set<OpenStream<unknown>>();
  readonly #collected = new FinalizationRegistry<OpenStream<unknown>>((stream) => {
    this.#end(stream, "its reader is gone");
  });
  #stopLooking: (() => void) | null = null;

  constructor(kind: string, name: string, time: Time) {
    this.#kind = kind;
    this.#name = name;
    this.#time = time;
  }

  /** Opens a stream; `submit` gives it its job. */
  open<T>(submit: (onItem: (item: T) => void) => Job): OpenStream<T> {
    return new OpenStream<T>(this.#time, submit);
  }

  /** Watches a stream until it ends, and its reader. */
  add(stream: OpenStream<unknown>, reader: object): void {
    if (stream.job.done()) return;
    this.#open.add(stream);
    this.#collected.register(reader, stream, stream);
    stream.job._listen(() => {
      this.#open.delete(stream);
      this.#collected.unregister(stream);
    });
  }

  /** The executor closes: ends those that nobody reads. */
  closing(): void {
    if (this.#stopLooking !== null) return;
    for (const stream of this.#open) stream.watch();
    this.#lookSoon(this.#time.now());
  }

  /** The executor has closed. */
  closed(): void {
    this.#stopLooking?.();
  }

  #lookSoon(closedAt: number): void {
    this.#stopLooking = inRootContext(() => this.#time.after(LOOK_EVERY, () => this.#look(closedAt)));
  }

  #look(closedAt: number): void {
    const now = this.#time.now();
    for (const stream of this.#open) {
      if (stream.patienceAt(now, closedAt) < 0)
        this.#end(stream, `nobody read it while the ${this.#kind} was closing`);
    }
    this.#lookSoon(closedAt);
  }

  #end(stream: OpenStream<unknown>, why: string): void {
    const { job } = stream;
    if (job.done() || stream.hasEnded) return;
    const what = `Stream \`${job.name}\` of ${this.#kind} "${this.#name}" was ended, as ${why}`;
    const advice = "read a stream to its end, or leave it with break or return()";
    emitWarning("THREADLOOP_STREAM_NOT_READ", `${what}: ${advice}`);
    job.cancel(what);
  }
}
