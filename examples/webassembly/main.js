import { readFile } from "node:fs/promises";
import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { longest } from "./longest.js";

const module = await WebAssembly.compile(await readFile(new URL("collatz.wasm", import.meta.url)));

function* ranges() {
  for (let from = 1; from < 1_000_000; from += 50_000) yield { module, from, to: from + 50_000 };
}

await run(async () => {
  const pool = new WorkerPool();
  try {
    let best = { steps: -1 };
    for await (const found of pool.map(longest, ranges())) if (found.steps > best.steps) best = found;
    console.log(`${best.number} takes ${best.steps} steps`);
  } finally {
    await pool.close();
  }
});
