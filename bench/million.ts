// Does a job cost more when a million are in flight, and how much memory does a queued one hold?

import { median, pairedRatio } from "../compare/statistics.ts";
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import { piscina64, poolifier, postMessage, threadloop } from "./peers/index.ts";
import { type Peer, type Threads, waitForAll } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

const THREADS = 2;
const ROUNDS = 5;
const COUNTS = [10_000, 100_000, 1_000_000];
// A pool that needs twenty microseconds a job would take most of a minute for each million.
const PEERS_UP_TO = 100_000;
const HEAP = "a queued job";

const question: Question = {
  title: `empty jobs, up to a million in flight, ${THREADS} threads`,
  async ask(bench) {
    const counts = bench.pick(COUNTS, [100, 1_000]);
    for (const count of counts)
      bench.measure(name(count), "µs/job", { at: { curve: "cost of a job", x: count, axis: "in flight" } });
    bench.measure(HEAP, "bytes");
    await compare(bench, [postMessage, threadloop, piscina64, poolifier], {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      sample: (threads, peer) =>
        sample(
          threads,
          counts.filter((count) => count <= limitOf(peer)),
        ),
    });
    if (bench.quick) return;
    const cost = (count: number) => bench.samples(name(count), threadloop.name);
    const value = pairedRatio(cost(COUNTS[2]!), cost(COUNTS[0]!));
    bench.goal({ text: "cost of a job at a million, over that at 10,000", value, atMost: 1.3 });
    bench.goal({
      text: "bytes of heap for a queued job",
      value: median(bench.samples(HEAP, threadloop.name)),
      atMost: 200,
    });
  },
};

export default question;

const name = (count: number) => `${count.toLocaleString("en")} in flight`;
const limitOf = (peer: Peer) => (peer.kind === "peer" ? PEERS_UP_TO : Number.POSITIVE_INFINITY);

async function sample(threads: Threads, counts: readonly number[]): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const count of counts) {
    const last = count === counts.at(-1);
    if (last) globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    const jobs = Array.from({ length: count }, (_, input) => threads.run("noop", input));
    const submitted = performance.now() - start;
    if (last) values[HEAP] = (heapAfterCollection() - before) / count;
    const again = performance.now();
    const results = await waitForAll(threads, jobs);
    values[name(count)] = ((submitted + performance.now() - again) * 1000) / count;
    if (results.some((result, input) => result !== input)) throw new Error("A result is not its input");
  }
  return values;
}

function heapAfterCollection(): number {
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}
