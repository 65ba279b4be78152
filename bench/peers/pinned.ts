// This is a process in which one contender answers one call at a time: pinned.js MODULE EXPORT CALLS. Prints, as JSON,
// the median of what a call takes, in microseconds.
import { median } from "../../compare/statistics.ts";
import { synthetic } from "../workloads/index.ts";
import type { Peer } from "./peer.ts";

const [module, name, count] = process.argv.slice(2);
const { [name!]: peer } = (await import(new URL(`./${module}.js`, import.meta.url).href)) as Record<
  string,
  Peer
>;
const threads = await peer!.open(synthetic, 1);
const calls = Number(count);

async function time(): Promise<number> {
  const taken: number[] = [];
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    const result = await threads.run("noop", call);
    taken.push((performance.now() - start) * 1000);
    if (result !== call) throw new Error(`Expected ${call}, got ${result}`);
  }
  return median(taken);
}

/** Once so that V8 has compiled what a call runs through, and once for the figure. */
async function measure(): Promise<number> {
  await time();
  return await time();
}

const value = await (peer!.inside === undefined ? measure() : peer!.inside(measure));
process.stdout.write(JSON.stringify(value), () => process.exit());
