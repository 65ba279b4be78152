// A process that measures its own main thread after it ran jobs, by reference or by value: awaits and throws,
// nanoseconds of CPU each.

import { WorkerPool } from "../../workers/index.ts";
import { threadCpu } from "../harness/cpu.ts";
import { exported } from "../workloads/shipped.ts";

const AWAITS = 1_000_000;
const THROWS = 200_000;
const JOBS = 200;

await runJobs(process.argv[2] === "closures");
await measure(); // compiled code for what is measured next
console.log(JSON.stringify(await measure()));

async function runJobs(closures: boolean): Promise<void> {
  await using pool = new WorkerPool({ size: 1 });
  for (let i = 0; i < JOBS; i++) {
    const result = closures ? await pool.submit((n: number) => n + i, 1) : await pool.submit(exported, i);
    if (result !== i + 1) throw new Error("A result is wrong");
  }
}

async function measure(): Promise<{ await: number; throw: number }> {
  return { await: await perAwait(), throw: perThrow() };
}

/** Milliseconds of this thread's CPU, or of the clock where it is not known. */
function now(): number {
  return threadCpu() ?? performance.now();
}

async function perAwait(): Promise<number> {
  const start = now();
  for (let i = 0; i < AWAITS; i++) await null;
  return ((now() - start) * 1e6) / AWAITS;
}

function perThrow(): number {
  const start = now();
  for (let i = 0; i < THROWS; i++) {
    try {
      throw i;
    } catch {
      // the cost of getting here is what is measured
    }
  }
  return ((now() - start) * 1e6) / THROWS;
}
