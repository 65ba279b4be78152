// How a pool ends: no new jobs, the old ones finished (or dropped at the deadline), sessions ended, threads too.

import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as wait } from "node:timers/promises";
import type { Job } from "../executor/job.ts";
import { LONGEST } from "../executor/time.ts";
import { BrokenPoolError, PoolClosedError } from "../wire/errors.ts";
import type { Scheduler } from "./scheduler.ts";

/** How a pool is closed. */
export interface CloseOptions {
  /** Milliseconds to wait for the jobs; what is not done by then fails with PoolClosedError. Default: no limit. */
  readonly deadline?: number;
  /** Cancels the jobs that have not started, as Python's `cancel_futures`. Default false. */
  readonly cancelFutures?: boolean;
}

/** What a closed pool left undone. */
export interface CloseReport {
  /** The names of the jobs that the deadline cut off. */
  readonly dropped: readonly string[];
}

/** After so many milliseconds jobs that have ended do not wait any more for calls of functions of their callers. */
const HURRY_AFTER = 1000;
/** How long a thread without jobs may take to let go of its session, before it is terminated all the same. */
const LET_GO_WITHIN = 1000;
/** The least time for that, also after the deadline: a thread that is free needs a moment. */
const LET_GO_AT_LEAST = 100;

/** The close of a pool, from the first call on. */
export class Closing {
  readonly report: Promise<CloseReport>;
  readonly #scheduler: Scheduler;
  readonly #deadlines: NodeJS.Timeout[] = [];
  /** When the first deadline passes. */
  #endAt = Number.POSITIVE_INFINITY;
  #dropped: readonly Job[] | null = null;

  constructor(scheduler: Scheduler, options: CloseOptions) {
    const { name } = scheduler.settings;
    scheduler.refuse(
      new PoolClosedError(`Pool "${name}" is closed: it takes no more jobs. Make another WorkerPool`),
    );
    this.#scheduler = scheduler;
    this.report = this.#run();
    this.hasten(options);
  }

  /** Takes the options of one more call: the first deadline that passes counts. */
  hasten({ deadline, cancelFutures }: CloseOptions): void {
    const scheduler = this.#scheduler;
    if (cancelFutures === true) scheduler.cancelUnstarted(`Pool "${scheduler.settings.name}" was closed`);
    if (deadline === undefined) return;
    this.#endAt = Math.min(this.#endAt, performance.now() + deadline);
    if (deadline > LONGEST || scheduler.settlement.open === 0) return;
    this.#deadlines.push(setTimeout(() => this.#drop(deadline), deadline));
  }

  async #run(): Promise<CloseReport> {
    const scheduler = this.#scheduler;
    scheduler.streams.closing();
    const late = setTimeout(() => scheduler.dispatcher.hurry(), HURRY_AFTER).unref();
    await scheduler.settled();
    clearTimeout(late);
    scheduler.streams.closed();
    for (const timer of this.#deadlines) clearTimeout(timer);
    await endThreads(this.#scheduler, this.#endAt - performance.now());
    return { dropped: (this.#dropped ?? []).map((job) => job.name) };
  }

  #drop(deadline: number): void {
    this.#dropped ??= this.#scheduler.drop((job) => {
      return new PoolClosedError(
        `Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`,
      );
    });
  }
}

/** Threads that have not let go of their sessions after `patience` milliseconds, or LET_GO_WITHIN, are terminated. */
async function endThreads(scheduler: Scheduler, patience: number): Promise<void> {
  const { hosts } = scheduler.dispatcher;
  await Promise.all(hosts.filter((host) => host.isWeary).map((host) => host.close()));
  const sessions = hosts.map((host) => host.close());
  await Promise.race([
    Promise.all(sessions),
    wait(Math.max(LET_GO_AT_LEAST, Math.min(patience, LET_GO_WITHIN)), undefined, { ref: false }),
  ]);
  if (!(scheduler.refusal instanceof BrokenPoolError)) await scheduler.threads.tearDown();
  await scheduler.threads.destroy();
  await untilOut(scheduler, patience);
  scheduler.output.end();
}

/** What was printed leaves this process, as far as a deadline lets it: the reader of a pipe may be slow, or have stopped. */
async function untilOut({ output }: Scheduler, patience: number): Promise<void> {
  const isLimited = patience <= LONGEST;
  const limit = isLimited ? [wait(Math.max(0, patience), undefined, { ref: false })] : [];
  await Promise.race([output.whenOut(), ...limit]);
}
