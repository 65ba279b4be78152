// This is a process that does real work on its loop and through one contender: coldandwarm.js MODULE EXPORT JOB FILE
// COUNT THREADS, where FILE holds the inputs as JSON. Prints, as JSON, what each took the first time, when V8 has
// compiled none of it and there are no threads yet, and what it takes once all is compiled.
import { readFileSync } from "node:fs";
import { median } from "../../compare/statistics.ts";
import { real } from "../workloads/index.ts";
import { type Peer, runAll } from "./peer.ts";

/** Milliseconds. */
export interface Times {
  readonly loop: number;
  readonly threads: number;
}

export interface ColdAndWarm {
  readonly cold: Times;
  readonly warm: Times;
}

/** By then V8 has compiled what renders and parses, in each thread too. */
const FILES_UNTIL_WARM = 400;
const SAMPLES = 3;

const [module, name, job, file, count, size] = process.argv.slice(2);
const { [name!]: peer } = (await import(new URL(`./${module}.js`, import.meta.url).href)) as Record<
  string,
  Peer
>;
const texts = JSON.parse(readFileSync(file!, "utf8")) as string[];
const inputs = Array.from({ length: Number(count) }, (_, i) => texts[i % texts.length]!);
// What was read leaves garbage, for which V8 soon begins to mark. Where it does so under the first pass, allocation sites
// are taken for long-lived ones: what the loop's passes make is then kept, and collected in the threads' time.
globalThis.gc!();
const here = (real.functions as Record<string, (input: string) => unknown>)[job!]!;

async function measure(): Promise<ColdAndWarm> {
  const start = performance.now();
  const expected = inputs.map(here);
  const between = performance.now();
  const threads = await peer!.open(real, Number(size));
  const results = await runAll(threads, job!, inputs);
  const end = performance.now();
  if (results.some((result, i) => result !== expected[i])) throw new Error(`${job} came out differently`);
  const again = async (): Promise<Times> => {
    const start = performance.now();
    inputs.map(here);
    const between = performance.now();
    await runAll(threads, job!, inputs);
    return { loop: between - start, threads: performance.now() - between };
  };
  for (let done = inputs.length; done < FILES_UNTIL_WARM; done += inputs.length) await again();
  const warm: Times[] = [];
  for (let i = 0; i < SAMPLES; i++) warm.push(await again());
  return {
    cold: { loop: between - start, threads: end - between },
    warm: {
      loop: median(warm.map(({ loop }) => loop)),
      threads: median(warm.map(({ threads }) => threads)),
    },
  };
}

const answer = await (peer!.inside === undefined ? measure() : peer!.inside(measure));
process.stdout.write(JSON.stringify(answer), () => process.exit());
