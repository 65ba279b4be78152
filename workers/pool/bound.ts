// These are jobs that are bound to a worker which cannot take them yet: its session is ending, and the next one
// opens when the thread has let go; or all its slots are taken. They wait here, first-in first-out, until it can.

import type { Job } from "../executor/job.ts";
import type { WorkerLink } from "../executor/workerlink.ts";

export class BoundJobs {
  readonly #waiting = new Map<WorkerLink, Job[]>();

  /** How many wait. */
  get length(): number {
    let sum = 0;
    for (const jobs of this.#waiting.values()) sum += jobs.length;
    return sum;
  }

  /** Those that wait, one that was cancelled meanwhile among them. */
  *[Symbol.iterator](): Iterator<Job> {
    for (const jobs of this.#waiting.values()) yield* jobs;
  }

  /** Whether any wait for this worker. */
  hasFor(worker: WorkerLink): boolean {
    return this.#waiting.has(worker);
  }

  /** Posts the job to its worker, behind those that wait for it. */
  post(worker: WorkerLink, job: Job): void {
    const waiting = this.#waiting.get(worker);
    if (waiting !== undefined) waiting.push(job);
    else if (worker.isOpen) worker.post(job);
    else this.#waiting.set(worker, [job]);
  }

  /** Posts what waits for a worker, as far as it has room. */
  serve(worker: WorkerLink): void {
    const waiting = this.#waiting.get(worker);
    if (waiting === undefined) return;
    let at = 0;
    while (at < waiting.length && worker.isOpen) {
      const job = waiting[at++] as Job;
      if (!job.done()) worker.post(job);
    }
    if (at === waiting.length) this.#waiting.delete(worker);
    else waiting.splice(0, at);
  }

  /** Takes out what waits for a worker that died. */
  take(worker: WorkerLink): Job[] {
    const waiting = this.#waiting.get(worker) ?? [];
    this.#waiting.delete(worker);
    return waiting.filter((job) => !job.done());
  }
}
