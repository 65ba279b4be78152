// This is a process that measures its own main thread after it ran jobs, by reference or by value: awaits and
// throws, nanoseconds each. Of many short samples the fastest: what a busy machine adds (cold caches, a core at half
// speed) is more than what is asked for here.

import { WorkerPool } from "../../workers/index.ts";
import { exported } from "../workloads/shipped.ts";

const AWAITS = 20_000;
const THROWS = 4_000;
const SAMPLES = 200;
const JOBS = 200;

await runJobs(process.argv[2] === "closures");
console.log(JSON.stringify(await measure()));

async function runJobs(closures: boolean): Promise<void> {
  await using pool = new WorkerPool({ size: 1 });
  for (let i = 0; i < JOBS; i++) {
    const result = closures ? await pool.submit((n: number) => n + i, 1) : await pool.submit(exported, i);
    if (result !== i + 1) throw new Error("A result is wrong");
  }
}

async function measure(): Promise<{ await: number; throw: number }> {
  const least = { await: Number.POSITIVE_INFINITY, throw: Number.POSITIVE_INFINITY };
  for (let i = 0; i < SAMPLES; i++) {
    least.await = Math.min(least.await, await perAwait());
    least.throw = Math.min(least.throw, perThrow());
  }
  return least;
}

async function perAwait(): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < AWAITS; i++) await null;
  return ((performance.now() - start) * 1e6) / AWAITS;
}

function perThrow(): number {
  const start = performance.now();
  for (let i = 0; i < THROWS; i++) {
    try {
      throw i;
    } catch {
      // the cost of getting here is what is measured
    }
  }
  return ((performance.now() - start) * 1e6) / THROWS;
}
