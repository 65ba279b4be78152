// How long does one call take when nothing else is in flight: one after the other, and after a pause?
import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "../compare/statistics.ts";
import type { Question, Sample } from "./harness/question.ts";
import { contenderOf, startExecutors } from "./peers/asyncio.ts";
import { compare } from "./peers/compare.ts";
import { pools, postMessage, threadloop, threadloopAlone } from "./peers/index.ts";
import type { Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

const THREADS = 2;
const ROUNDS = 9;
/** With these V8 has compiled what a call runs through: the figures fall for 20,000 calls. */
const WARM_UPS = 6;
const CALLS = 3_000;
const CALLS_AFTER_PAUSE = 60;
const PAUSE_MS = 2;

const HOT = "one after the other";
const COLD = `after ${PAUSE_MS} ms of pause`;
const TAIL = `p99 after ${PAUSE_MS} ms of pause`;

const question: Question = {
  title: `one call in flight, ${THREADS} threads`,
  async ask(bench) {
    bench.measure(HOT, "µs");
    bench.measure(COLD, "µs");
    bench.measure(TAIL, "µs", { plot: false });
    const pythons = startExecutors(bench, THREADS);
    const questions = { [HOT]: `latency ${CALLS} 0`, [COLD]: `latency ${CALLS_AFTER_PAUSE} ${PAUSE_MS}` };
    await compare(bench, [postMessage, threadloop, threadloopAlone, ...pools], {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      warmUps: WARM_UPS,
      sample: (threads) => sample(threads, bench.pick(1, 0.05)),
      beside: pythons.map((python) => contenderOf(python, questions, 3)),
    });
    for (const python of pythons) python.close();
    const times = (measure: string, other: string) => bench.ratio(measure, threadloop.name, other);
    bench.goal({
      text: "times a bare postMessage round trip",
      value: times(HOT, postMessage.name),
      atMost: 1.15,
    });
    for (const measure of [HOT, COLD]) {
      const ratios = pools.map((peer) => times(measure, peer.name));
      const text = `${measure}: times the quickest peer in its best mode`;
      bench.goal({ text, value: Math.max(...ratios), atMost: 1 });
    }
  },
};

export default question;

async function sample(threads: Threads, share: number): Promise<Sample> {
  const hot = await time(threads, Math.ceil(CALLS * share), 0);
  const cold = await time(threads, Math.ceil(CALLS_AFTER_PAUSE * share), PAUSE_MS);
  return { [HOT]: quantile(hot, 0.5), [COLD]: quantile(cold, 0.5), [TAIL]: quantile(cold, 0.99) };
}

async function time(threads: Threads, calls: number, pauseMs: number): Promise<number[]> {
  const taken: number[] = [];
  for (let call = 0; call < calls; call++) {
    if (pauseMs > 0) await pause(pauseMs);
    const start = performance.now();
    const result = await threads.run("noop", call);
    taken.push((performance.now() - start) * 1000);
    if (result !== call) throw new Error(`Expected ${call}, got ${result}`);
  }
  return taken;
}
