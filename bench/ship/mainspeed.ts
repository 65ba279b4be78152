// A process that measures its own main thread, after it shipped closures or not: awaits and throws, nanoseconds each.
import { WorkerPool } from "../../workers/index.ts";

const AWAITS = 200_000;
const THROWS = 50_000;
const CLOSURES = 200;

if (process.argv[2] === "ship") await shipClosures();
await measure(); // compiled code for what is measured next
console.log(JSON.stringify(await measure()));

async function shipClosures(): Promise<void> {
  await using pool = new WorkerPool({ size: 1 });
  for (let i = 0; i < CLOSURES; i++) {
    if ((await pool.submit((n: number) => n + i, 1)) !== i + 1) throw new Error("A result is wrong");
  }
}

async function measure(): Promise<{ await: number; throw: number }> {
  return { await: await perAwait(), throw: perThrow() };
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
