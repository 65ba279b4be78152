// This is a process in which one contender is alone: alone.js MODULE EXPORT THREADS. Prints, as JSON, what it cost
// to come to a first result, and what the threads hold.
import { setTimeout as pause } from "node:timers/promises";
import { synthetic } from "../workloads/index.ts";
import { type Peer, runAll } from "./peer.ts";

export interface Alone {
  /** Milliseconds from the start of the process, imports included. */
  readonly fromProcessStart: number;
  /** Milliseconds from making the pool. */
  readonly fromOpen: number;
  /** Bytes of memory that the process holds more with the idle threads than before. */
  readonly resident: number;
}

const [module, name, size] = process.argv.slice(2);
const { [name!]: peer } = (await import(new URL(module!, import.meta.url).href)) as Record<string, Peer>;
const before = residentAfterCollection();
const opened = performance.now();
const threads = await peer!.open(synthetic, Number(size));
const result = await threads.run("noop", 1);
const done = performance.now();
if (result !== 1) throw new Error(`Expected 1, got ${result}`);
const inputs = Array.from({ length: 200 }, () => 0.5);
await runAll(threads, "spin", inputs);
await pause(200);
const resident = residentAfterCollection() - before;
const answer: Alone = { fromProcessStart: done, fromOpen: done - opened, resident };
process.stdout.write(JSON.stringify(answer), () => process.exit());

function residentAfterCollection(): number {
  globalThis.gc!();
  return process.memoryUsage.rss();
}
