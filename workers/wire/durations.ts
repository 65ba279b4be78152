// Counts of durations in shared memory, which a thread writes at the price of two stores and everybody can read at any
// time, also while the thread is stuck; and how Node's own histogram is made of them.
//
// A bucket is the exponent and the first five bits of the mantissa of the nanoseconds as a double, so a duration is
// known to 3 %.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

const MANTISSA_BITS = 5;
/** 64 ns and less is the first bucket. */
const LOWEST = 1029 << MANTISSA_BITS;
/** The last bucket begins at 26 days. */
export const BUCKETS: number = 45 << MANTISSA_BITS;

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/** Counts a duration. */
export function count(buckets: Uint32Array, milliseconds: number): void {
  double[0] = milliseconds * 1e6;
  const index = ((halves[1] as number) >>> (20 - MANTISSA_BITS)) - LOWEST;
  (buckets[index < 0 ? 0 : index < BUCKETS ? index : BUCKETS - 1] as number)++;
}

/** Makes a histogram in nanoseconds. All buckets are doubled together, bit by bit, as a value is recorded once at a time. */
export function histogramOf(buckets: Uint32Array): RecordableHistogram {
  let [histogram, spare] = [newHistogram(), newHistogram()];
  const used = [...buckets.keys()].filter((index) => (buckets[index] as number) > 0);
  const most = used.reduce((most, index) => Math.max(most, buckets[index] as number), 0);
  for (let bit = 31 - Math.clz32(most); bit >= 0; bit--) {
    spare.reset();
    spare.add(histogram);
    spare.add(histogram);
    [histogram, spare] = [spare, histogram];
    for (const index of used) {
      if ((((buckets[index] as number) >>> bit) & 1) === 1) histogram.record(middleOf(index));
    }
  }
  return histogram;
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: 2 ** 52, figures: 2 });
}

function middleOf(index: number): number {
  halves[0] = 0;
  halves[1] = (index + LOWEST) << (20 - MANTISSA_BITS);
  return Math.round((double[0] as number) * (1 + 2 ** (-MANTISSA_BITS - 2)));
}
