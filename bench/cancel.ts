// How long from asking a job to stop until its future has settled, wherever the job is?
import { setTimeout as pause } from "node:timers/promises";
import { isCancelled } from "threadloop";
import { type Job, WorkerPool } from "threadloop/workers";
import { median, quantile } from "../compare/statistics.ts";
import type { Bench, Question, Sample } from "./harness/question.ts";
import { type Abortable, aborted } from "./peers/aborted.ts";
import { computeForEver, waitForEver } from "./workloads/cancellable.ts";
import { spin } from "./workloads/synthetic.ts";

const ROUNDS = 5;
const CALLS = 100;
// Time enough for a job that has started to come to its await.
const SETTLED_IN_MS = 3;

const P50 = "a running job, p50";
const P99 = "a running job, p99";
const UNSTARTED = "an unstarted job";

const question: Question = {
  title: "from cancel() to the settled future",
  async ask(bench) {
    bench.measure(P50, "ms");
    bench.measure(P99, "ms");
    bench.measure(UNSTARTED, "µs");
    const calls = bench.pick(CALLS, 3);
    const pool = new WorkerPool({ size: 1, minThreads: 1 });
    const jobs = {
      [COROUTINE]: () => pool.submit(waitForEver),
      [SYNCHRONOUS]: () => pool.submit(computeForEver),
    };
    const ours = Object.entries(jobs).map(([name, start]) => ({
      name,
      kind: "ours" as const,
      sample: () => sample(pool, start, calls),
    }));
    const peers = await Promise.all(aborted.map((open) => open()));
    const theirs = peers.map((peer) => ({
      name: peer.name,
      sample: () => abort(peer, Math.ceil(calls / 10)),
    }));
    if (!bench.quick) await bench.warmUp(ours);
    await bench.interleave(bench.pick(ROUNDS, 1), [...ours, ...theirs]);
    await pool.close();
    for (const peer of peers) await peer.close();
    judge(bench);
  },
};

export default question;

const COROUTINE = "threadloop, a coroutine at an await";
const SYNCHRONOUS = "threadloop, synchronous with checkCancelled()";

function judge(bench: Bench): void {
  const value = (measure: string) => median(bench.samples(measure, COROUTINE));
  bench.goal({ text: "a running coroutine: p50, ms", value: value(P50), atMost: 0.3 });
  bench.goal({ text: "a running coroutine: p99, ms", value: value(P99), atMost: 2 });
  bench.note(
    "An unstarted job of threadloop is done when cancel() returns: that is checked, and what the call took is shown.",
  );
  bench.note("The peers end the whole thread, and what else runs on it, or only forget the job.");
}

async function sample(pool: WorkerPool, start: () => Job<never>, calls: number): Promise<Sample> {
  const settled: number[] = [];
  for (let call = 0; call < calls; call++) {
    const job = start();
    do await pause(SETTLED_IN_MS);
    while (!job.running());
    const asked = performance.now();
    job.cancel();
    await expectCancelled(job);
    settled.push(performance.now() - asked);
  }
  return {
    [P50]: median(settled),
    [P99]: quantile(settled, 0.99),
    [UNSTARTED]: await cancelUnstarted(pool, calls),
  };
}

async function cancelUnstarted(pool: WorkerPool, calls: number): Promise<number> {
  const blocker = pool.submit(spin, 20);
  const taken = Array.from({ length: calls }, () => {
    const job = pool.submit(spin, 1);
    const asked = performance.now();
    job.cancel();
    if (!job.done()) throw new Error("The job was not done when cancel() returned");
    return (performance.now() - asked) * 1000;
  });
  await blocker;
  return median(taken);
}

async function expectCancelled(job: Job<never>): Promise<void> {
  try {
    await job;
  } catch (error) {
    if (!isCancelled(error)) throw error;
  }
}

async function abort(peer: Abortable, calls: number): Promise<Sample> {
  const settled: number[] = [];
  for (let call = 0; call < calls; call++) {
    const controller = new AbortController();
    const failed = peer.start(controller.signal);
    await pause(peer.startsWithin);
    const asked = performance.now();
    controller.abort();
    await failed;
    settled.push(performance.now() - asked);
  }
  return { [P50]: median(settled), [P99]: quantile(settled, 0.99) };
}
