// This goes from single latencies to the shape of their distribution: points of [milliseconds, share in per cent].
import type { Sample } from "../protocol.ts";

export type Point = readonly [x: number, y: number];

/** A range of latencies, in milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

const PER_DECADE = 10;
const EVEN = 30;

/** Bins that grow by a tenth of a decade. */
export function logBins(samples: readonly Sample[], { from, to }: Range): Point[] {
  const decades = Math.log10(to / from);
  const bin = (took: number) => Math.round(Math.log10(took / from) * PER_DECADE);
  const shares = sharesOf(samples, bin, decades * PER_DECADE + 1);
  return shares.map((share, index) => [round(from * 10 ** (index / PER_DECADE)), share]);
}

/** Bins of one width. */
export function evenBins(samples: readonly Sample[], { from, to }: Range): Point[] {
  const width = (to - from) / EVEN;
  const shares = sharesOf(samples, (took) => Math.floor((took - from) / width), EVEN);
  return shares.map((share, index) => [round(from + (index + 0.5) * width), share]);
}

/** Three decimals: microseconds, and no more digits in the file than the eye can see. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** What lies outside the range counts as at its end. */
function sharesOf(samples: readonly Sample[], bin: (took: number) => number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const [, took] of samples) counts[Math.min(Math.max(bin(took), 0), bins - 1)]! += 1;
  return counts.map((count) => round((100 * count) / samples.length));
}
