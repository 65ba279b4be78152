// The time at which jobs were submitted. Jobs of one burst share one moment: a clock read for each would be seen in the
// price of a job, and a number of its own would be 16 bytes more for every job that waits.

import { performance } from "node:perf_hooks";

/** Milliseconds on a clock that all threads of the process have in common. */
export interface Moment {
  readonly at: number;
}

/** `performance.now()` counts from the start of its thread; the system's clock below it is the same for all. */
export const COMMON: number = offset();

/** The time on the common clock. */
export function commonTime(): number {
  return performance.now() + COMMON;
}

/** A burst ends with the microtask queue, or after so many jobs. */
const LONGEST_BURST = 256;

/** Of several tries the one that was interrupted least: both clocks are read as good as at once. */
function offset(): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const before = performance.now();
    const common = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= least) continue;
    least = after - before;
    best = common - (before + after) / 2;
  }
  return best;
}

export const NEVER: Moment = Object.freeze({ at: 0 });

export class Moments {
  #current: Moment | null = null;
  #left = 0;

  /** The moment of the job that is submitted now. */
  get now(): Moment {
    const current = this.#current;
    if (current !== null && --this.#left > 0) return current;
    return this.#begin();
  }

  #begin(): Moment {
    if (this.#current === null) queueMicrotask(this.#end);
    this.#left = LONGEST_BURST;
    this.#current = { at: commonTime() };
    return this.#current;
  }

  #end = (): void => {
    this.#current = null;
  };
}
