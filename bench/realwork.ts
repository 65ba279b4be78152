// What do two threads bring for work as applications have it, on real input?
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import { pools, postMessage, threadloop } from "./peers/index.ts";
import { runAll, type Threads } from "./peers/peer.ts";
import { readBytes, readMarkdown, readModules } from "./workloads/files.ts";
import { real } from "./workloads/index.ts";
import { digest, parseModule, renderMarkdown } from "./workloads/real.ts";

const THREADS = 2;
const ROUNDS = 5;
const FILES = 60;
const SLICES = 60;
const SLICE = 256 * 1024;

interface Work {
  readonly measure: string;
  readonly job: string;
  readonly inputs: readonly unknown[];
  /** What the loop makes of an input. */
  here(input: never): unknown;
}

const question: Question = {
  title: `speed-up of real work over the same on the loop, ${THREADS} threads`,
  async ask(bench) {
    const files = bench.pick(FILES, 4);
    const works: Work[] = [
      {
        measure: "Markdown to HTML",
        job: "renderMarkdown",
        inputs: readMarkdown(files),
        here: renderMarkdown,
      },
      { measure: "parse modules", job: "parseModule", inputs: readModules(files), here: parseModule },
      { measure: "SHA-256", job: "digest", inputs: readBytes(bench.pick(SLICES, 4), SLICE), here: digest },
    ];
    for (const { measure, inputs } of works) {
      bench.measure(measure, "times", { better: "higher" });
      const size = inputs.reduce<number>((sum, input) => sum + (input as { length: number }).length, 0);
      bench.note(`${measure}: ${inputs.length} files or slices, ${Math.round(size / 1024)} kB`);
    }
    await compare(bench, [threadloop, postMessage, ...pools], {
      rounds: bench.pick(ROUNDS, 1),
      workload: real,
      threads: THREADS,
      sample: (threads) => sample(threads, works),
    });
  },
};

export default question;

async function sample(threads: Threads, works: readonly Work[]): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const { measure, job, inputs, here } of works) {
    const start = performance.now();
    const expected = inputs.map((input) => here(input as never));
    const between = performance.now();
    const results = await runAll(threads, job, inputs);
    values[measure] = (between - start) / (performance.now() - between);
    if (results.some((result, i) => result !== expected[i])) throw new Error(`${job} came out differently`);
  }
  return values;
}
