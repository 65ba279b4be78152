// These are the broadcasts of a machine: each runs once in every thread of its pool, and in those that are born later for as
// long as its client is there.

import type { Job } from "../../workers/executor/job.ts";
import type { RunningBroadcast } from "../../workers/pool/broadcasts.ts";
import type { ThreadScheduler } from "../../workers/pool/threadworkers.ts";
import type { AnyFunction } from "../../workers/shipping/recipe.ts";
import type { Attached } from "../../workers/wire/protocol.ts";
import { standingJob } from "./standingjob.ts";

export class HostedBroadcasts {
  readonly #scheduler: ThreadScheduler;
  /** By their clients, and by the numbers that these gave them. */
  readonly #all = new Map<string, Map<number, RunningBroadcast>>();

  constructor(scheduler: ThreadScheduler) {
    this.#scheduler = scheduler;
  }

  /** Whose they are. */
  get clients(): Iterable<string> {
    return this.#all.keys();
  }

  /** Its result is what each thread gave. */
  run(
    fn: AnyFunction,
    args: readonly unknown[],
    attached: Attached,
    { client, number }: { readonly client: string; readonly number: number },
  ): Job {
    return standingJob(attached.name ?? fn.name, async (began) => {
      const running = await this.#scheduler.startEverywhere(fn, args, { attached, isFull: true });
      const own = this.#all.get(client) ?? new Map<number, RunningBroadcast>();
      this.#all.set(client, own.set(number, running));
      began(running.jobs);
      try {
        return await running.results;
      } catch (error) {
        this.forget(client, number);
        throw error;
      }
    });
  }

  /** Threads that are born later do not run it. */
  forget(client: string, number: number): void {
    const own = this.#all.get(client);
    own?.get(number)?.withdraw();
    own?.delete(number);
    if (own?.size === 0) this.#all.delete(client);
  }

  /** The client is gone. */
  orphan(client: string): void {
    for (const running of this.#all.get(client)?.values() ?? []) running.withdraw();
    this.#all.delete(client);
  }
}
