// Jobs that are bound to a worker which cannot take them yet: its session is ending, and the next one opens when the
// thread has let go; or all its slots are taken. They wait here, first-in first-out, until it can.

import type { Job } from "../executor/job.ts";
import type { Host } from "../host/host.ts";

export class BoundJobs {
  readonly #waiting = new Map<Host, Job[]>();

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
  hasFor(host: Host): boolean {
    return this.#waiting.has(host);
  }

  /** Posts the job to its worker, behind those that wait for it. */
  post(host: Host, job: Job): void {
    const waiting = this.#waiting.get(host);
    if (waiting !== undefined) waiting.push(job);
    else if (host.isOpen) host.post(job);
    else this.#waiting.set(host, [job]);
  }

  /** Posts what waits for a worker, as far as it has room. */
  serve(host: Host): void {
    const waiting = this.#waiting.get(host);
    if (waiting === undefined) return;
    let at = 0;
    while (at < waiting.length && host.isOpen) {
      const job = waiting[at++] as Job;
      if (!job.done()) host.post(job);
    }
    if (at === waiting.length) this.#waiting.delete(host);
    else waiting.splice(0, at);
  }

  /** Takes out what waits for a worker that died. */
  take(host: Host): Job[] {
    const waiting = this.#waiting.get(host) ?? [];
    this.#waiting.delete(host);
    return waiting.filter((job) => !job.done());
  }
}
