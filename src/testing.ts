/**
 * This is `threadloop/testing`: time that jumps, so that a test of a minute takes a millisecond and is the same each
 * time.
 */

import { checkOptionNames } from "./errors/misspelt.ts";
import { optionNames } from "./errors/optionnames.ts";
import type { Clock } from "./scheduling/clock.ts";

/** What a virtual clock can be told. */
export interface VirtualClockOptions {
  /** The time at the start, in milliseconds; default 0. */
  start?: number;
  /**
   * Is called when nothing is ready, no timer is left and nothing outside is waited for. Returns true when it made
   * something ready. Default: the run rejects with DeadlockError, which names the stuck tasks.
   */
  onDeadlock?: () => boolean;
  /** Is called at the begin of each iteration of the loop, with its number from 1. */
  onIteration?: (iteration: number) => void;
}

const CLOCK_OPTIONS = optionNames<VirtualClockOptions>({ start: true, onDeadlock: true, onIteration: true });

/**
 * A clock for `run(main, { clock })` that stands still while anything is ready and then jumps to the next timer.
 *
 * While something outside the loop is waited for (a job of a pool, a socket, a promise in `wrapPromise`) it does not
 * jump; for a bare await of another promise it stands still for 20 real milliseconds. When nothing at all is left to
 * wait for, `run` rejects with a DeadlockError that names each stuck task and what it waits on.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep } from "threadloop";
 * import { VirtualClock } from "threadloop/testing";
 *
 * await run(async () => {
 *   await sleep(3_600_000);
 *   console.log(getRunningLoop().time()); // 3600000
 * }, { clock: new VirtualClock() });
 * ```
 */
export class VirtualClock implements Clock {
  readonly #options: VirtualClockOptions;
  #now: number;
  #iterations = 0;

  constructor(options: VirtualClockOptions = {}) {
    checkOptionNames("VirtualClock", options, CLOCK_OPTIONS);
    this.#options = options;
    this.#now = options.start ?? 0;
  }

  now(): number {
    return this.#now;
  }

  idle(deadline: number | null): boolean {
    if (deadline === null) return this.#options.onDeadlock?.() ?? false;
    if (deadline > this.#now) this.#now = deadline;
    return true;
  }

  iteration(): void {
    this.#options.onIteration?.(++this.#iterations);
  }
}
