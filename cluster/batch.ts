// These are calls that travel together, as one BullMQ job: the place of their jobs from when they are posted until
// they settle.
//
// How many calls make a batch is learnt for each function: a batch is to last a few milliseconds, so that the way there
// and back is shared by many short calls, and a long one travels alone: nothing waits behind it, or is lost with it.

import { randomUUID } from "node:crypto";
import type { ShippedFunction } from "../workers/executor/codebook.ts";
import type { Job, JobPlace } from "../workers/executor/job.ts";
import type { SignalSession } from "../workers/wire/signals.ts";

/** Milliseconds that a batch is to last, about. */
const LASTS = 4;
export const MOST_CALLS = 256;
export const MOST_BYTES: number = 256 * 1024;

/** What a batch asks of the executor whose it is. */
export interface BatchOwner {
  stop(batch: Batch, job: Job, ending: Error): void;
  control(batch: Batch, job: Job, code: number, value: unknown): void;
  signalAborted(batch: Batch, id: number, reason: unknown): void;
}

export class Batch implements JobPlace, SignalSession {
  readonly label = "posted";
  readonly id: string = randomUUID();
  readonly signals = new Set<number>();
  /** Its calls that are not settled, by number. */
  readonly jobs = new Map<number, Job>();
  readonly codes = new Set<ShippedFunction>();
  readonly #owner: BatchOwner;
  /** How many calls it was posted with. */
  size = 0;
  postedAt = 0;
  beganAt = 0;
  /** The machine that has begun it, where it said so. */
  machine: string | null = null;
  /** The machine it was sent to past the queue; null where it is whoever's takes it. */
  readonly home: string | null;
  /** Milliseconds that it took there. */
  took: number | null = null;
  /** Resolves when Redis has it. */
  added: Promise<unknown> = Promise.resolve();
  isAdded = false;
  /** The signals that were aborted before it was known where it is. */
  readonly aborted: { readonly id: number; readonly reason: unknown }[] = [];

  constructor(owner: BatchOwner, home: string | null = null) {
    this.#owner = owner;
    this.home = home;
  }

  /** The machine that has it, or will have it; null when that is not known. */
  get recipient(): string | null {
    return this.machine ?? this.home;
  }

  isRunning(): boolean {
    return this.machine !== null;
  }

  stop(job: Job, ending: Error): void {
    this.#owner.stop(this, job, ending);
  }

  control(job: Job, code: number, value: unknown): void {
    this.#owner.control(this, job, code, value);
  }

  signalAborted(id: number, reason: unknown): void {
    this.#owner.signalAborted(this, id, reason);
  }

  /** The machine forgets them with the batch. */
  signalReleased(): void {}
}

/** How many calls of a function make a batch. */
export class BatchSizes {
  readonly #sizes = new WeakMap<ShippedFunction, number>();

  of(code: ShippedFunction): number {
    return this.#sizes.get(code) ?? 1;
  }

  /** Learns of a batch that has ended: as many more calls in the next one as would have lasted as long as one is to, twice as many at most. */
  learn({ codes, size, took }: Batch): void {
    if (took === null || size === 0) return;
    const fitting = Math.floor((size * LASTS) / Math.max(took, LASTS / MOST_CALLS));
    for (const code of codes) {
      const before = this.of(code);
      if (size < before && took < LASTS) continue; // there were no more calls: it says nothing of a full one
      this.#sizes.set(code, Math.max(1, Math.min(fitting, 2 * before, MOST_CALLS)));
    }
  }
}
