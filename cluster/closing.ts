// This says how a ClusterExecutor ends: no new calls, the old ones finished (or dropped at the deadline), then the
// connections.

import { setTimeout as wait } from "node:timers/promises";
import type { Job } from "../workers/executor/job.ts";
import { realTime } from "../workers/executor/time.ts";
import type { CloseOptions, CloseReport } from "../workers/pool/closing.ts";
import { PoolClosedError } from "../workers/wire/errors.ts";
import type { ClusterCalls } from "./engine.ts";

/** Redis may be out of reach: so many milliseconds for the last that is said to it. */
const LAST_WORDS_WITHIN = 1000;

/** The close of an executor, from the first call on. */
export class ClusterClosing {
  readonly report: Promise<CloseReport>;
  readonly #calls: ClusterCalls;
  readonly #deadlines: (() => void)[] = [];
  #dropped: readonly Job[] | null = null;

  constructor(calls: ClusterCalls, options: CloseOptions) {
    this.#calls = calls;
    calls.refuse(
      new PoolClosedError(
        `Cluster "${calls.settings.name}" is closed: it takes no more jobs. Make another ClusterExecutor`,
      ),
    );
    this.report = this.#run();
    this.hasten(options);
  }

  /** Takes the options of one more call: the first deadline that passes counts. */
  hasten({ deadline, cancelFutures }: CloseOptions): void {
    const calls = this.#calls;
    if (cancelFutures === true)
      for (const job of calls.unbegun) job.cancel(`Cluster "${calls.settings.name}" was closed`);
    if (deadline === undefined || calls.settlement.open === 0) return;
    this.#deadlines.push(realTime.after(deadline, () => this.#drop(deadline)));
  }

  async #run(): Promise<CloseReport> {
    const calls = this.#calls;
    calls.streams.closing();
    await calls.settled();
    calls.streams.closed();
    for (const callOff of this.#deadlines) callOff();
    await Promise.race([
      calls.disconnect().catch(() => {}),
      wait(LAST_WORDS_WITHIN, undefined, { ref: false }),
    ]);
    calls.connection.close();
    return { dropped: (this.#dropped ?? []).map((job) => job.name) };
  }

  #drop(deadline: number): void {
    this.#dropped ??= this.#calls.drop(
      (job) =>
        new PoolClosedError(`Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`),
    );
  }
}
