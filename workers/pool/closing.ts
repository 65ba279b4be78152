// This says how a pool ends: no new jobs, the old ones finished (or dropped at the deadline), sessions ended,
// threads too.

import { inRootContext } from "../../src/core.ts";
import type { Job } from "../executor/job.ts";
import type { Time } from "../executor/time.ts";
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
  readonly #time: Time;
  /** Call off what is to happen at the deadlines. */
  readonly #deadlines: (() => void)[] = [];
  /** When the first deadline passes. */
  #endAt = Number.POSITIVE_INFINITY;
  #dropped: readonly Job[] | null = null;

  constructor(scheduler: Scheduler, options: CloseOptions) {
    const { name } = scheduler.settings;
    scheduler.refuse(
      new PoolClosedError(`Pool "${name}" is closed: it takes no more jobs. Make another WorkerPool`),
    );
    this.#scheduler = scheduler;
    this.#time = scheduler.source.time;
    this.report = this.#run();
    this.hasten(options);
  }

  /** Takes the options of one more call: the first deadline that passes counts. */
  hasten({ deadline, cancelFutures }: CloseOptions): void {
    const scheduler = this.#scheduler;
    if (cancelFutures === true) scheduler.cancelUnstarted(`Pool "${scheduler.settings.name}" was closed`);
    if (deadline === undefined) return;
    this.#endAt = Math.min(this.#endAt, this.#time.now() + deadline);
    if (scheduler.settlement.open === 0) return;
    this.#deadlines.push(this.#time.after(deadline, () => this.#drop(deadline)));
  }

  async #run(): Promise<CloseReport> {
    const scheduler = this.#scheduler;
    scheduler.streams.closing();
    const calm = this.#time.inBackground(HURRY_AFTER, () => scheduler.dispatcher.hurry());
    await scheduler.settled();
    calm();
    scheduler.streams.closed();
    for (const callOff of this.#deadlines) callOff();
    await this.#endWorkers(this.#endAt - this.#time.now());
    return { dropped: (this.#dropped ?? []).map((job) => job.name) };
  }

  #drop(deadline: number): void {
    this.#dropped ??= this.#scheduler.drop((job) => {
      return new PoolClosedError(
        `Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`,
      );
    });
  }

  /** Workers that have not let go after `patience` milliseconds, or LET_GO_WITHIN, are ended all the same. */
  async #endWorkers(patience: number): Promise<void> {
    const { dispatcher, source } = this.#scheduler;
    await Promise.all(
      dispatcher.workers.filter((worker) => worker.isRetiring).map((worker) => worker.close()),
    );
    const closed = Promise.all(dispatcher.workers.map((worker) => worker.close()));
    let callOff: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      const most = Math.max(LET_GO_AT_LEAST, Math.min(patience, LET_GO_WITHIN));
      callOff = inRootContext(() => this.#time.inBackground(most, resolve));
    });
    await Promise.race([closed, late]);
    callOff();
    await source.end({ areSetUp: !(this.#scheduler.refusal instanceof BrokenPoolError), patience });
  }
}
