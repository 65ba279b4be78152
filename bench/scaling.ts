// How long must a job be for two threads to pay, and how much do more threads bring?
import { availableParallelism } from "node:os";
import { median } from "../compare/statistics.ts";
import type { Bench, Question, Sample } from "./harness/question.ts";
import { contenderOf, startExecutors } from "./peers/asyncio.ts";
import { compare } from "./peers/compare.ts";
import { handBatched, pools, postMessage, threadloop } from "./peers/index.ts";
import { runAll, type Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";
import { work } from "./workloads/synthetic.ts";

const ROUNDS = 7;
/** A pool that serves for seconds is what is asked about: V8 takes so many rounds to compile what jobs run through. */
const WARM_UPS = 3;
const LENGTHS_MS = [0.02, 0.1, 1, 10, 100];
const TOTAL_MS = 200;
const LEAST_JOBS = 4;
const THREADS = 2;
const MORE_THREADS = [1, 4, 8];
const GOALS = new Map([
  [0.02, 1.2],
  [0.1, 1.6],
  [1, 1.75],
  [10, 1.8],
]);

const question: Question = {
  title: "speed-up over the same work on the loop, which has the cores to itself meanwhile",
  async ask(bench) {
    const lengths = bench.pick(LENGTHS_MS, [1]);
    for (const ms of lengths)
      bench.measure(nameOf(ms, THREADS), "times", {
        better: "higher",
        at: {
          curve: `speed-up, ${THREADS} threads`,
          x: ms,
          axis: "ms a job",
          level: { value: 1, name: "the loop" },
        },
      });
    const perMs = iterationsPerMs();
    const pythons = startExecutors(bench, THREADS);
    const questions = Object.fromEntries(
      lengths.map((ms) => [nameOf(ms, THREADS), `scaling ${bench.pick(jobsOf(ms), 4)} ${ms.toFixed(3)}`]),
    );
    await compare(bench, [threadloop, postMessage, handBatched, ...pools], {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      warmUps: WARM_UPS,
      sample: (threads) => sample(threads, THREADS, lengths, perMs, bench.pick(1, 0.02)),
      beside: pythons.map((python) => contenderOf(python, questions, 1)),
    });
    for (const python of pythons) python.close();
    await askMoreThreads(bench, perMs);
    for (const [ms, atLeast] of GOALS) {
      const value = median(bench.samples(nameOf(ms, THREADS), threadloop.name));
      bench.goal({ text: `${nameOf(ms, THREADS)}: speed-up`, value, atLeast });
    }
  },
};

export default question;

async function askMoreThreads(bench: Bench, perMs: number): Promise<void> {
  const cores = availableParallelism();
  for (const size of bench.pick(MORE_THREADS, [])) {
    if (size > cores) {
      bench.skip(`${size} threads`, `this machine has ${cores} cores`);
      continue;
    }
    bench.measure(nameOf(1, size), "times", { better: "higher", plot: size > 1 });
    await compare(bench, [threadloop, postMessage, ...pools], {
      rounds: ROUNDS,
      workload: synthetic,
      threads: size,
      warmUps: WARM_UPS,
      sample: (threads) => sample(threads, size, [1], perMs, 1),
    });
  }
}

const nameOf = (ms: number, threads: number) =>
  `${ms < 1 ? `${ms * 1000} µs` : `${ms} ms`}, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
const jobsOf = (ms: number) => Math.max(LEAST_JOBS, Math.round(TOTAL_MS / ms));

async function sample(
  threads: Threads,
  size: number,
  lengths: readonly number[],
  perMs: number,
  share: number,
): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const ms of lengths) {
    const iterations = Math.round(perMs * ms);
    const inputs = new Array<number>(Math.ceil(jobsOf(ms) * share)).fill(iterations);
    const expected = work(iterations);
    const start = performance.now();
    for (const input of inputs)
      if (work(input) !== expected) throw new Error("The work came out differently here");
    const between = performance.now();
    const results = await runAll(threads, "work", inputs);
    values[nameOf(ms, size)] = (between - start) / (performance.now() - between);
    if (results.some((result) => result !== expected)) throw new Error("The work came out differently there");
  }
  return values;
}

/** Iterations of `work` that take a millisecond here, once it is compiled. */
function iterationsPerMs(): number {
  const COUNT = 2_000_000;
  const rates = Array.from({ length: 9 }, () => {
    const start = performance.now();
    if (work(COUNT) === 0) throw new Error("The work vanished");
    return COUNT / (performance.now() - start);
  });
  return median(rates);
}
