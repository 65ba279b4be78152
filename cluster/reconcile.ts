// This is what no record will settle any more. While calls are open, it is looked every two seconds which machines
// there are, and whether Redis still knows the batches that were posted before. One that it does not know, or that
// has failed as a whole, may have said its last in the inbox already: so that is read to its end first.

import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";
import { inRootContext } from "../src/core.ts";
import type { End, Job } from "../workers/executor/job.ts";
import type { Batch } from "./batch.ts";
import { JobLostError, JobRefusedError } from "./errors.ts";
import type { ProcessInbox } from "./inbox.ts";
import type { BatchState, Postbox } from "./postbox.ts";
import type { RedisLink } from "./redislink.ts";
import { type MachineInfo, machinesOf } from "./roster.ts";

/** Milliseconds between two looks, and after which a batch is looked for. */
const LOOK_EVERY = 2000;

/** Whose batches they are. */
export interface Posting {
  readonly connection: RedisLink;
  readonly inbox: ProcessInbox;
  readonly postbox: Postbox;
  readonly batches: ReadonlyMap<string, Batch>;
  noteThreads(threads: number): void;
  end(job: Job, how: End, value: unknown): void;
  /** Its machine was lost. */
  lose(job: Job, machine: string | null): void;
  /** No record will settle its calls any more; one of these machines may have it. */
  giveUp(batch: Batch, machines: readonly string[], how: (job: Job) => void): void;
}

export class Reconciler {
  readonly #posting: Posting;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(posting: Posting) {
    this.#posting = posting;
  }

  /** Calls are open. */
  start(): void {
    this.#timer ??= inRootContext(() => setInterval(() => void this.look(), LOOK_EVERY).unref());
    if (performance.now() - this.#lookedAt > LOOK_EVERY) void this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks now. What goes wrong with the connection is tried again with the next look. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookedAt = performance.now();
    try {
      const machines = await machinesOf(this.#posting.connection);
      if (machines.length > 0) this.#posting.noteThreads(sumOf(machines));
      await this.#reconcile(new Set(machines.map(({ id }) => id)));
    } catch {
    } finally {
      this.#isLooking = false;
    }
  }

  async #reconcile(machines: ReadonlySet<string>): Promise<void> {
    const { batches, postbox, inbox } = this.#posting;
    const before = performance.now() - LOOK_EVERY;
    const old = [...batches.values()].filter((batch) => batch.isAdded && batch.postedAt < before);
    const states = await Promise.all(old.map(({ id }) => postbox.stateOf(id)));
    const over = old
      .map((batch, at) => ({ batch, state: states[at] as BatchState }))
      .filter(({ batch, state }) => {
        if (state.is === "active") return batch.machine !== null && !machines.has(batch.machine);
        return state.is !== "waiting";
      });
    if (over.length === 0) return;
    await inbox.caughtUp();
    for (const { batch, state } of over) {
      if (state.is === "active") await postbox.takeBack(batch.id).catch(() => false); // nobody is to have it
      this.#posting.giveUp(batch, [...machines], (job) => this.#endAs(state, job, batch));
    }
  }

  #endAs(state: BatchState, job: Job, batch: Batch): void {
    const ending = job._extra?.ending ?? null;
    if (ending !== null) this.#posting.end(job, "stopped", ending);
    else if (state.is === "active") this.#posting.lose(job, batch.machine);
    else if (state.is === "failed" && batch.machine === null)
      this.#posting.end(
        job,
        "failed",
        new JobRefusedError(`No machine runs job \`${job.name}\`: ${state.reason}`),
      );
    else
      this.#posting.end(
        job,
        "failed",
        new JobLostError(
          `Redis does not know job \`${job.name}\` any more: it was started again without its data, or that was deleted. ` +
            "Whether the job has run is not known",
        ),
      );
  }
}

function sumOf(machines: readonly MachineInfo[]): number {
  return machines.reduce((sum, { threads }) => sum + threads, 0);
}
