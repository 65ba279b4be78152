// This keeps the broadcasts that workers born later have to run, in order.

import type { ShippedFunction } from "../executor/codebook.ts";
import type { Job } from "../executor/job.ts";
import type { Broadcast } from "../wire/protocol.ts";

/** A broadcast that has begun. */
export interface RunningBroadcast {
  /** In the workers there are, in their order. */
  readonly jobs: readonly Job[];
  /** What they gave; rejects with the first error, and then no worker born later runs it. */
  readonly results: Promise<unknown[]>;
  /** No worker born from now on runs it. */
  withdraw(): void;
}

export class Broadcasts {
  #count = 0;
  #listed: { readonly broadcast: Broadcast; readonly jobs: readonly Job[] }[] = [];

  /**
   * Runs a broadcast in the workers there are, by the jobs that `submit` gives them, and has those born later run it unless
   * one of these has failed. Numbers are given once: a thread knows by them what it has run.
   */
  run(
    code: ShippedFunction,
    args: readonly unknown[],
    submit: (number: number) => readonly Job[],
  ): RunningBroadcast {
    const number = this.#count++;
    const jobs = submit(number);
    this.#add({ number, recipe: code.shipment.recipe, args }, jobs);
    let isWithdrawn = false;
    const withdraw = (): void => {
      isWithdrawn = true;
      this.#withdraw(number);
    };
    const results = this.#resultsOf(jobs, number, (last) => {
      if (!isWithdrawn) this.#add({ number, recipe: (last ?? code).shipment.recipe, args }, []);
    });
    return { jobs, results, withdraw };
  }

  /** `keep` is told how it was shipped in the end: the workers may have needed it another way. */
  async #resultsOf(
    jobs: readonly Job[],
    number: number,
    keep: (shipped: ShippedFunction | null) => void,
  ): Promise<unknown[]> {
    const outcomes = await Promise.allSettled(jobs.map((job) => job.toPromise()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      this.#withdraw(number);
      throw failed.reason;
    }
    keep(jobs.at(-1)?._code ?? null);
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
