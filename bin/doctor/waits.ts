// How long a request waits for the loop that comes in at any moment.

/** A stretch in which the loop was busy; milliseconds. */
export interface BusyRun {
  readonly start: number;
  readonly lasts: number;
}

const MOMENTS = 8;
/** Turns that follow each other within this are a queue that is worked off: milliseconds. */
const AT_ONCE = 1;

/**
 * The wait that `share` of the requests do not exceed. One that comes in during a turn waits for its end, and then for
 * what has come in before it, which the next turn works off: for some part of that.
 */
export function waitOf(runs: readonly BusyRun[], whole: number, share: number): number {
  const weights = new Map<number, number>();
  for (const [i, { start, lasts }] of runs.entries()) {
    const next = runs[i + 1];
    const queue = next !== undefined && next.start - (start + lasts) < AT_ONCE ? next.lasts : 0;
    const weight = lasts / (MOMENTS * MOMENTS);
    for (let moment = 0.5; moment < MOMENTS; moment++)
      for (let part = 0.5; part < MOMENTS; part++) {
        const step = stepOf((lasts * moment) / MOMENTS + (queue * part) / MOMENTS);
        weights.set(step, (weights.get(step) ?? 0) + weight);
      }
  }
  let above = (1 - share) * whole;
  for (const [step, weight] of [...weights].sort(([a], [b]) => b - a)) {
    above -= weight;
    if (above <= 0) return lengthOf(step);
  }
  return 0;
}

/** Waits are told apart in steps of 2 %: a long watch has many. */
const STEP = Math.log(1.02);
const stepOf = (milliseconds: number): number => Math.round(Math.log(Math.max(1e-3, milliseconds)) / STEP);
const lengthOf = (step: number): number => Math.exp(step * STEP);
