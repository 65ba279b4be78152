// This keeps the broadcasts that workers born later have to run, in order.

import type { ShippedFunction } from "../executor/codebook.ts";
import type { Job } from "../executor/job.ts";
import type { Broadcast } from "../wire/protocol.ts";

export class Broadcasts {
  #count = 0;
  #listed: { readonly broadcast: Broadcast; readonly jobs: readonly Job[] }[] = [];

  /**
   * Runs a broadcast in the workers there are, by the jobs that `submit` gives them, and has those born later run it unless
   * one of these has failed. Numbers are given once: a thread knows by them what it has run.
   */
  async run(
    code: ShippedFunction,
    args: readonly unknown[],
    submit: (number: number) => readonly Job[],
  ): Promise<unknown[]> {
    const number = this.#count++;
    const jobs = submit(number);
    this.#add({ number, recipe: code.shipment.recipe, args }, jobs);
    const outcomes = await Promise.allSettled(jobs.map((job) => job.toPromise()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      this.#withdraw(number);
      throw failed.reason;
    }
    const shipped = jobs.at(-1)?._code ?? code; // the workers may have needed it shipped in another way
    this.#add({ number, recipe: shipped.shipment.recipe, args }, []);
    return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value);
  }

  /** What a worker born now has to run. What failed in a worker is none of it: whoever made it is told. */
  list(): readonly Broadcast[] {
    return this.#listed.filter(({ jobs }) => !jobs.some(hasFailed)).map(({ broadcast }) => broadcast);
  }

  /** Adds a broadcast that these jobs run in the workers there are, or takes the place of the one of its number. */
  #add(broadcast: Broadcast, jobs: readonly Job[]): void {
    this.#withdraw(broadcast.number);
    this.#listed.push({ broadcast, jobs });
    this.#listed.sort((a, b) => a.broadcast.number - b.broadcast.number);
  }

  #withdraw(number: number): void {
    this.#listed = this.#listed.filter(({ broadcast }) => broadcast.number !== number);
  }
}

function hasFailed(job: Job): boolean {
  return job.done() && (job.cancelled() || job._failed);
}
