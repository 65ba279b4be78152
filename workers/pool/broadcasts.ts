// The broadcasts that workers born later have to run, in order.

import type { Job } from "../executor/job.ts";
import type { Broadcast } from "../wire/protocol.ts";

export class Broadcasts {
  #count = 0;
  #listed: { readonly broadcast: Broadcast; readonly jobs: readonly Job[] }[] = [];

  /** Numbers are given once: a thread knows by them what it has run. */
  nextNumber(): number {
    return this.#count++;
  }

  /** What a worker born now has to run. What failed in a worker is none of it: whoever made it is told. */
  list(): readonly Broadcast[] {
    return this.#listed.filter(({ jobs }) => !jobs.some(hasFailed)).map(({ broadcast }) => broadcast);
  }

  /** Adds a broadcast that these jobs run in the workers there are, or takes the place of the one of its number. */
  add(broadcast: Broadcast, jobs: readonly Job[]): void {
    this.withdraw(broadcast.number);
    this.#listed.push({ broadcast, jobs });
    this.#listed.sort((a, b) => a.broadcast.number - b.broadcast.number);
  }

  withdraw(number: number): void {
    this.#listed = this.#listed.filter(({ broadcast }) => broadcast.number !== number);
  }
}

function hasFailed(job: Job): boolean {
  return job.done() && (job.cancelled() || job._failed);
}
