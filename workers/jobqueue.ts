// The jobs that wait for a worker: by priority, first-in first-out within one. Nothing is removed from the middle:
// a job that was cancelled is skipped when its turn comes, and swept out when such jobs are the majority.

import type { Job } from "./job.ts";

const SMALLEST = 64;

/** A ring that grows. */
class Ring {
  length = 0;
  #items: (Job | undefined)[] = new Array(SMALLEST);
  #head = 0;

  push(job: Job): void {
    if (this.length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.length++) & (this.#items.length - 1)] = job;
  }

  unshift(job: Job): void {
    if (this.length === this.#items.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = job;
    this.length++;
  }

  shift(): Job | undefined {
    if (this.length === 0) return undefined;
    const job = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length--;
    return job;
  }

  *[Symbol.iterator](): Generator<Job> {
    for (let i = 0; i < this.length; i++)
      yield this.#items[(this.#head + i) & (this.#items.length - 1)] as Job;
  }

  #grow(): void {
    const jobs = [...this];
    jobs.length = jobs.length * 2;
    this.#items = jobs;
    this.#head = 0;
  }
}

export class JobQueue {
  /** How many jobs wait that are not done. */
  length = 0;
  #normal = new Ring();
  /** Rings of the other priorities, the highest first; null while nobody uses priorities. */
  #others: { priority: number; ring: Ring }[] | null = null;
  #dead = 0;

  push(job: Job): void {
    this.length++;
    this.#ringOf(job).push(job);
  }

  /** Puts a job back in front of its equals: it was there before them. */
  unshift(job: Job): void {
    this.length++;
    this.#ringOf(job).unshift(job);
  }

  shift(): Job | undefined {
    for (;;) {
      const job = this.#first();
      if (job === undefined) return undefined;
      if (job.done()) {
        this.#dead--;
        continue;
      }
      this.length--;
      return job;
    }
  }

  /** Notes that a waiting job was settled where it is. */
  forget(): void {
    this.length--;
    if (++this.#dead > 1024 && this.#dead > this.length) this.#sweep();
  }

  /** Every job that waits, the next one first. */
  *[Symbol.iterator](): Generator<Job> {
    for (const ring of this.#rings()) for (const job of ring) if (!job.done()) yield job;
  }

  #first(): Job | undefined {
    if (this.#others === null) return this.#normal.shift();
    for (const ring of this.#rings()) if (ring.length > 0) return ring.shift();
    return undefined;
  }

  #ringOf(job: Job): Ring {
    const priority = job._extra?.options.priority ?? 0;
    if (priority === 0) return this.#normal;
    const known = this.#others?.find((other) => other.priority === priority);
    if (known !== undefined) return known.ring;
    const ring = new Ring();
    this.#others = [...(this.#others ?? []), { priority, ring }].sort((a, b) => b.priority - a.priority);
    return ring;
  }

  *#rings(): Generator<Ring> {
    const others = this.#others ?? [];
    for (const { priority, ring } of others) if (priority > 0) yield ring;
    yield this.#normal;
    for (const { priority, ring } of others) if (priority < 0) yield ring;
  }

  #sweep(): void {
    const waiting = [...this];
    this.#normal = new Ring();
    this.#others = null;
    this.#dead = 0;
    this.length = 0;
    for (const job of waiting) this.push(job);
  }
}
