// These are the jobs that wait for a worker: by priority, first-in first-out within one. Nothing is removed from the
// middle: a job that was cancelled is skipped when its turn comes, and swept out when such jobs are the majority.

import TinyQueue from "tinyqueue";
import { type Job, priorityOf } from "../executor/job.ts";

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

  peek(): Job | undefined {
    return this.length === 0 ? undefined : this.#items[this.#head];
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

/** A job of another priority than the normal one, and its place among its equals. */
interface Ranked {
  readonly job: Job;
  readonly priority: number;
  readonly order: number;
}

const earlier = (a: Ranked, b: Ranked) => b.priority - a.priority || a.order - b.order;

export class JobQueue {
  /** How many jobs wait that are not done. */
  length = 0;
  #normal = new Ring();
  /** The jobs of other priorities than 0. */
  #ranked = new TinyQueue<Ranked>([], earlier);
  #newest = 0;
  #oldest = 0;
  #dead = 0;

  push(job: Job): void {
    this.length++;
    const priority = priorityOf(job);
    if (priority === 0) this.#normal.push(job);
    else this.#ranked.push({ job, priority, order: ++this.#newest });
  }

  /** Puts a job back in front of its equals: it was there before them. */
  unshift(job: Job): void {
    this.length++;
    const priority = priorityOf(job);
    if (priority === 0) this.#normal.unshift(job);
    else this.#ranked.push({ job, priority, order: --this.#oldest });
  }

  shift(): Job | undefined {
    const job = this.peek();
    if (job === undefined) return undefined;
    this.#drop();
    this.length--;
    return job;
  }

  /** The job that is next. */
  peek(): Job | undefined {
    for (;;) {
      const job = this.#isRankedNext ? this.#ranked.peek()?.job : this.#normal.peek();
      if (job === undefined || !job.done()) return job;
      this.#drop();
      this.#dead--;
    }
  }

  /** Notes that a waiting job was settled where it is. */
  forget(): void {
    this.length--;
    if (++this.#dead > 1024 && this.#dead > this.length) this.#sweep();
  }

  /** Every job that waits, the next one first. */
  *[Symbol.iterator](): Generator<Job> {
    const ranked = [...this.#ranked.data].sort(earlier).filter(({ job }) => !job.done());
    for (const { job, priority } of ranked) if (priority > 0) yield job;
    for (const job of this.#normal) if (!job.done()) yield job;
    for (const { job, priority } of ranked) if (priority < 0) yield job;
  }

  get #isRankedNext(): boolean {
    if (this.#ranked.length === 0) return false;
    return (this.#ranked.peek() as Ranked).priority > 0 || this.#normal.length === 0;
  }

  #drop(): void {
    if (this.#isRankedNext) this.#ranked.pop();
    else this.#normal.shift();
  }

  #sweep(): void {
    const waiting = [...this];
    this.#normal = new Ring();
    this.#ranked = new TinyQueue<Ranked>([], earlier);
    this.#dead = 0;
    this.length = 0;
    for (const job of waiting) this.push(job);
  }
}
