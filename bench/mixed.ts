// How long does a short job wait when now and then a long one takes a thread?
import { setTimeout as pause } from "node:timers/promises";
import { median, quantile } from "../compare/statistics.ts";
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import {
  piscina8,
  piscina64,
  piscinaDefault,
  poolifier,
  threadloop,
  tinypool,
  workerpool,
} from "./peers/index.ts";
import type { Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

const THREADS = 2;
const ROUNDS = 7;
const SHORT_MS = 0.02;
const LONG_MS = 50;
const SECONDS = 1;
const AT_ONCE = 64;
// Rare long jobs: at this rate both threads are hardly ever stuck at once, so what a short job waits is the pool's doing.
const RARE = { share: 0.001, perSecond: 2_300 };
// Sixty per cent of what two threads can do, nearly all of it long jobs: both are often stuck, whatever the policy.
const BUSY = { share: 0.01, perSecond: 2_300 };

const question: Question = {
  title: `short jobs of ${SHORT_MS * 1000} µs among long ones of ${LONG_MS} ms, ${THREADS} threads`,
  async ask(bench) {
    bench.measure("0.1% long, worst wait", "ms");
    bench.measure("0.1% long, p99", "ms");
    bench.measure("0.1% long, p50", "ms", { plot: false });
    bench.measure(`0.1% long, ${AT_ONCE} at once`, "jobs/s", { better: "higher" });
    bench.measure("1% long, p99", "ms");
    bench.measure("1% long, worst wait", "ms", { plot: false });
    const seconds = bench.pick(SECONDS, 0.05);
    const peers = [threadloop, piscinaDefault, piscina8, piscina64, tinypool, workerpool, poolifier];
    await compare(bench, peers, {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      sample: (threads) => sample(threads, seconds),
    });
    const worst = median(bench.samples("0.1% long, worst wait", threadloop.name));
    bench.goal({ text: "0.1% long: worst wait of a short job, ms", value: worst, atMost: 10 });
    const busy = median(bench.samples("1% long, worst wait", threadloop.name));
    bench.goal({ text: "1% long: worst wait of a short job, ms", value: busy, atMost: 15 });
    const batching = [piscina8, piscina64, poolifier];
    const slower = batching.map((peer) =>
      bench.ratio(`0.1% long, ${AT_ONCE} at once`, threadloop.name, peer.name),
    );
    bench.goal({
      text: "0.1% long: jobs/s, over the best peer that batches",
      value: Math.min(...slower),
      atLeast: 1,
    });
  },
};

export default question;

async function sample(threads: Threads, seconds: number): Promise<Sample> {
  const rare = await poisson(threads, RARE, seconds);
  const busy = await poisson(threads, BUSY, seconds);
  return {
    "0.1% long, worst wait": Math.max(...rare),
    "0.1% long, p99": quantile(rare, 0.99),
    "0.1% long, p50": quantile(rare, 0.5),
    [`0.1% long, ${AT_ONCE} at once`]: await closedLoop(threads, RARE.share, seconds),
    "1% long, p99": quantile(busy, 0.99),
    "1% long, worst wait": Math.max(...busy),
  };
}

// The same pseudo-random arrivals for every contender: a long job exactly every so many, the gaps exponential.
async function poisson(
  threads: Threads,
  { share, perSecond }: typeof RARE,
  seconds: number,
): Promise<number[]> {
  const random = randomFrom(42);
  const waits: number[] = [];
  const running: Promise<void>[] = [];
  const every = Math.round(1 / share);
  const start = performance.now();
  let due = start;
  for (let job = 0; job < perSecond * seconds; job++) {
    due += (-Math.log(1 - random()) * 1000) / perSecond;
    while (performance.now() < due) await pause(1);
    const isLong = job % every === every >> 1;
    running.push(runJob(threads, isLong, due, waits));
  }
  await Promise.all(running);
  return waits;
}

async function runJob(threads: Threads, isLong: boolean, due: number, waits: number[]): Promise<void> {
  const result = await threads.run("spin", isLong ? LONG_MS : SHORT_MS);
  if (typeof result !== "number") throw new Error("A job came back without its result");
  if (!isLong) waits.push(performance.now() - due);
}

async function closedLoop(threads: Threads, share: number, seconds: number): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  const every = Math.round(1 / share);
  let started = 0;
  const client = async () => {
    while (performance.now() < end)
      await threads.run("spin", started++ % every === every >> 1 ? LONG_MS : SHORT_MS);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return started / ((performance.now() - start) / 1000);
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}
