// What do jobs cost that do not compute but wait, thousands at a time?

import { fileURLToPath } from "node:url";
import { createTask, gather, run } from "threadloop";
import type { Bench, Contender, Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import {
  comlink,
  jestWorker,
  piscina8,
  piscina64,
  piscinaDefault,
  poolifier,
  postMessage,
  threadloop,
  tinypool,
  tinypool64,
  workerpool,
} from "./peers/index.ts";
import { type Peer, runAll, type Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";
import { nap, readSize } from "./workloads/synthetic.ts";

const THREADS = 2;
const ROUNDS = 5;
/** A thread sees half of the jobs, and V8 compiles what they run through in each thread anew. */
const WARM_UPS = 4;
const JOBS = 10_000;
const NAP_MS = 10;
const READS = 2_000;
// One task a worker takes its whole wait: two hundred jobs of 10 ms are a second on two threads already.
const ONE_BY_ONE = new Set<Peer>([piscinaDefault, tinypool, workerpool, jestWorker]);
const SHARE_ONE_BY_ONE = 0.02;

const NAPS = `await ${NAP_MS} ms`;
const FILES = "read a file";
const FILE = fileURLToPath(import.meta.url);
const MAIN: Contender["name"] = "the main loop";

const question: Question = {
  title: `${JOBS.toLocaleString("en")} jobs that wait on a timer, ${READS.toLocaleString("en")} that read a file, ${THREADS} threads`,
  async ask(bench) {
    bench.measure(NAPS, "µs/job");
    bench.measure(FILES, "µs/job");
    const scale = bench.pick(1, 0.01);
    const peers = [
      threadloop,
      postMessage,
      piscinaDefault,
      piscina8,
      piscina64,
      tinypool,
      tinypool64,
      workerpool,
      poolifier,
      comlink,
      jestWorker,
    ];
    await compare(bench, peers, {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      warmUps: WARM_UPS,
      sample: (threads, peer) => sample(threads, ONE_BY_ONE.has(peer) ? scale * SHARE_ONE_BY_ONE : scale),
      beside: [{ name: MAIN, kind: "limit", sample: () => run(() => sampleMain(scale)) }],
    });
    judge(bench);
  },
};

export default question;

function judge(bench: Bench): void {
  const value = bench.ratio(NAPS, threadloop.name, MAIN);
  bench.goal({
    text: `${JOBS.toLocaleString("en")} jobs that ${NAPS}: times the same on the main loop`,
    value,
    atMost: 1.5,
  });
  const files = bench.ratio(FILES, threadloop.name, postMessage.name);
  bench.goal({
    text: `${READS.toLocaleString("en")} jobs that ${FILES}: times bare`,
    value: files,
    atMost: 1.2,
  });
  bench.note(
    `One task a worker: ${[...ONE_BY_ONE].map((peer) => peer.name).join(", ")} ran ${SHARE_ONE_BY_ONE * 100}% of the jobs.`,
  );
}

async function sample(threads: Threads, share: number): Promise<Sample> {
  const naps = Math.ceil(JOBS * share);
  const reads = Math.ceil(READS * share);
  return {
    [NAPS]: await time(naps, () => runAll(threads, "nap", new Array(naps).fill(NAP_MS)), NAP_MS),
    [FILES]: await time(
      reads,
      () => runAll(threads, "readSize", new Array(reads).fill(FILE)),
      await readSize(FILE),
    ),
  };
}

async function sampleMain(share: number): Promise<Sample> {
  const naps = Math.ceil(JOBS * share);
  const reads = Math.ceil(READS * share);
  const tasks = <T>(count: number, job: () => Promise<T>) =>
    gather(Array.from({ length: count }, () => createTask(job)));
  return {
    [NAPS]: await time(naps, () => tasks(naps, () => nap(NAP_MS)), NAP_MS),
    [FILES]: await time(reads, () => tasks(reads, () => readSize(FILE)), await readSize(FILE)),
  };
}

async function time(jobs: number, runJobs: () => PromiseLike<unknown[]>, expected: number): Promise<number> {
  const start = performance.now();
  const results = await runJobs();
  const perJob = ((performance.now() - start) * 1000) / jobs;
  if (results.length !== jobs || results.some((result) => result !== expected))
    throw new Error("A result is wrong");
  return perJob;
}
