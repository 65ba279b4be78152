// Does the main thread stay responsive while its workers are saturated?
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import {
  piscina8,
  piscinaDefault,
  poolifier,
  postMessage,
  threadloopAlone,
  tinypool,
  workerpool,
} from "./peers/index.ts";
import type { Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";
import { spin } from "./workloads/synthetic.ts";

const THREADS = 2;
const ROUNDS = 7;
const SECONDS = 1;
const JOB_MS = 1;
const AT_ONCE = 64;

const P99 = "loop delay p99";
const MEAN = "loop delay mean";
const RATE = "jobs";
const IDLE = "idle";

const question: Question = {
  title: `loop delay of the main thread while ${THREADS} threads do jobs of ${JOB_MS} ms without a pause`,
  async ask(bench) {
    bench.measure(P99, "ms");
    bench.measure(MEAN, "ms", { plot: false });
    bench.measure(RATE, "jobs/s", { better: "higher", plot: false });
    const ms = bench.pick(SECONDS * 1000, 30);
    const peers = [threadloopAlone, postMessage, piscinaDefault, piscina8, tinypool, workerpool, poolifier];
    await compare(bench, peers, {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      sample: (threads) => watch(ms, (end) => saturate(threads, end)),
      beside: [
        { name: IDLE, kind: "limit", sample: () => watch(ms, () => pause(ms, 0)) },
        { name: "the same jobs on the loop", kind: "limit", sample: () => watch(ms, onTheLoop) },
      ],
    });
    bench.goal({
      text: "loop delay p99: times idle",
      value: bench.ratio(P99, threadloopAlone.name, IDLE),
      atMost: 2,
    });
  },
};

export default question;

async function watch(ms: number, load: (end: number) => Promise<number>): Promise<Sample> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const start = performance.now();
  const jobs = await load(start + ms);
  histogram.disable();
  const seconds = (performance.now() - start) / 1000;
  return {
    [P99]: histogram.percentile(99) / 1e6,
    [MEAN]: histogram.mean / 1e6,
    ...(jobs > 0 && { [RATE]: jobs / seconds }),
  };
}

async function saturate(threads: Threads, end: number): Promise<number> {
  let jobs = 0;
  const client = async () => {
    while (performance.now() < end) {
      await threads.run("spin", JOB_MS);
      jobs++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return jobs;
}

async function onTheLoop(end: number): Promise<number> {
  let jobs = 0;
  const server = async () => {
    while (performance.now() < end) {
      spin(JOB_MS);
      jobs++;
      await pause(0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, server));
  return jobs;
}
