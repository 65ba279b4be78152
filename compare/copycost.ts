// This is what is sent of a call, and what that costs the loop, by Node's own serializer.

import { deserialize, serialize } from "node:v8";
import type { ComparedInput } from "./comparison.ts";
import { median } from "./statistics.ts";

const ROUNDS = 7;

/** null when Node's serializer refuses a value that a pool may send all the same: a function, or shared memory. */
export function copyCostOf(args: readonly unknown[], result: unknown): ComparedInput["copy"] {
  try {
    const back = serialize(result);
    return {
      out: { bytes: serialize(args).length, ms: timeOf(() => serialize(args)) },
      back: { bytes: back.length, ms: timeOf(() => deserialize(back)) },
    };
  } catch {
    return null;
  }
}

function timeOf(work: () => unknown): number {
  const lasted = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return median(lasted);
}
