// This is what no record will settle any more. While calls are open, it is looked every two seconds which machines
// there are, and whether Redis still knows the batches that were posted before. One that it does not know, or that
// has failed as a whole, may have said its last in the inbox already: so that is read to its end first. Of batches that
// went to one machine, that one is asked; when it is not there for two looks, it is lost, with the actors on it.

import { clearInterval, setInterval } from "node:timers";
import { inRootContext, monotonicTime } from "../src/core.ts";
import type { End, Job } from "../workers/executor/job.ts";
import type { Batch } from "./batch.ts";
import { JobLostError, JobRefusedError } from "./errors.ts";
import type { ProcessInbox } from "./inbox.ts";
import type { BatchState, Postbox } from "./postbox.ts";
import type { RedisLink } from "./redislink.ts";
import { type Announced, announcedIn } from "./roster.ts";

/** Milliseconds between two looks, and after which a batch is looked for. */
const LOOK_EVERY = 2000;

/** Whose batches they are. */
export interface Posting {
  readonly connection: RedisLink;
  readonly inbox: ProcessInbox;
  readonly postbox: Postbox;
  readonly batches: ReadonlyMap<string, Batch>;
  /** These machines take calls now. */
  noteMachines(machines: readonly Announced[]): void;
  end(job: Job, how: End, value: unknown): void;
  /** Its machine was lost. */
  lose(job: Job, machine: string | null): void;
  /** It is not there any more. */
  machineLost(machine: string): void;
  /** Which of these batches a machine does not have; null when it does not say so in time. */
  unknownTo(machine: string, ids: readonly string[], patience: number): Promise<string[] | null>;
  /** No record will settle its calls any more; one of these machines may have it. */
  giveUp(batch: Batch, machines: readonly string[], how: (job: Job) => void): void;
}

export class Reconciler {
  readonly #posting: Posting;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Batches that are being looked for. */
  readonly #lookedFor = new Set<string>();
  /** The machines that were not there at the last look, though batches were sent to them. */
  #missing: ReadonlySet<string> = new Set();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(posting: Posting) {
    this.#posting = posting;
  }

  /** Calls are open. */
  start(): void {
    this.#timer ??= inRootContext(() => setInterval(() => void this.look(), LOOK_EVERY).unref());
    if (monotonicTime() - this.#lookedAt > LOOK_EVERY) void this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks now. What goes wrong with the connection is tried again with the next look. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookedAt = monotonicTime();
    try {
      const machines = await announcedIn(this.#posting.connection);
      this.#posting.noteMachines(machines.filter(({ isDraining }) => !isDraining));
      const ids = new Set(machines.map(({ id }) => id));
      await this.#reconcile(ids);
      await this.#reconcileDirect(ids);
    } catch {
    } finally {
      this.#isLooking = false;
    }
  }

  /** Looks for one that may have been refused. */
  lookFor(id: string): void {
    if (this.#lookedFor.has(id) || !this.#posting.batches.has(id)) return;
    this.#lookedFor.add(id);
    void this.#endIfRefused(id)
      .catch(() => {}) // it is looked for again with the others
      .finally(() => this.#lookedFor.delete(id));
  }

  async #endIfRefused(id: string): Promise<void> {
    const { postbox, inbox, batches } = this.#posting;
    const state = await postbox.stateOf(id);
    if (state.is !== "failed") return;
    await inbox.caughtUp();
    this.#giveUp(batches.get(id), state);
  }

  async #reconcile(machines: ReadonlySet<string>): Promise<void> {
    const { postbox, inbox } = this.#posting;
    const old = this.#old.filter(({ home }) => home === null);
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

  /** The batches that were posted before the last look. */
  get #old(): Batch[] {
    const before = monotonicTime() - LOOK_EVERY;
    return [...this.#posting.batches.values()].filter((batch) => batch.isAdded && batch.postedAt < before);
  }

  async #reconcileDirect(machines: ReadonlySet<string>): Promise<void> {
    const homes = new Set(this.#old.flatMap(({ home }) => (home === null ? [] : [home])));
    const missing = new Set<string>();
    const looks = [...homes].map((home) => {
      if (machines.has(home)) return this.#askFor(home);
      if (this.#missing.has(home)) return this.#loseMachine(home);
      missing.add(home); // Redis may have come back without its data, and the machine says so in a moment
      return undefined;
    });
    this.#missing = missing;
    await Promise.all(looks);
  }

  async #askFor(home: string): Promise<void> {
    const ids = this.#old.filter((batch) => batch.home === home).map(({ id }) => id);
    const unknown = await this.#posting.unknownTo(home, ids, LOOK_EVERY);
    if (unknown === null || unknown.length === 0) return;
    await this.#posting.inbox.caughtUp(); // what it said of these lies there, or came before its answer
    for (const id of unknown) this.#giveUp(this.#posting.batches.get(id), { is: "gone" });
  }

  async #loseMachine(home: string): Promise<void> {
    await this.#posting.inbox.caughtUp();
    this.#posting.machineLost(home);
    for (const batch of [...this.#posting.batches.values()])
      if (batch.home === home) this.#giveUp(batch, { is: "active" });
  }

  #giveUp(batch: Batch | undefined, state: BatchState): void {
    if (batch !== undefined) this.#posting.giveUp(batch, [], (job) => this.#endAs(state, job, batch));
  }

  #endAs(state: BatchState, job: Job, batch: Batch): void {
    const ending = job._extra?.ending ?? null;
    if (ending !== null) this.#posting.end(job, "stopped", ending);
    else if (state.is === "active") this.#posting.lose(job, batch.recipient);
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
