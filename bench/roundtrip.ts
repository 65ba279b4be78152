// What does one empty job cost when many are in flight, and how much of that is the main thread's CPU?
import { threadCpu } from "./harness/cpu.ts";
import type { Bench, Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import {
  handBatched,
  handSliced,
  piscinaDefault,
  pools,
  postMessage,
  threadloop,
  threadloopAlone,
} from "./peers/index.ts";
import { runAll, type Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

const THREADS = 2;
const IN_FLIGHT = [1_000, 20_000];
const ROUNDS = 9;
/** V8 compiles for so many rounds what a job runs through; a server's jobs are past that. */
const WARM_UPS = 8;

const question: Question = {
  title: `empty jobs, all in flight at once, ${THREADS} threads`,
  async ask(bench) {
    const counts = bench.pick(IN_FLIGHT, [200]);
    for (const count of counts) {
      bench.measure(inFlight(count), "µs/job");
      bench.measure(mainCpu(count), "µs/job", { plot: false });
    }
    await compare(bench, [threadloop, threadloopAlone, postMessage, handBatched, handSliced, ...pools], {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      warmUps: WARM_UPS,
      sample: (threads) => sample(threads, counts),
    });
    if (!bench.quick) judge(bench, counts.at(-1)!);
  },
};

export default question;

function judge(bench: Bench, count: number): void {
  const times = (measure: string, other: string) => 1 / bench.ratio(measure, threadloop.name, other);
  const cost = inFlight(count);
  const best = Math.min(...pools.map((peer) => times(cost, peer.name)));
  bench.goal({
    text: `${cost}: times faster than piscina.run`,
    value: times(cost, piscinaDefault.name),
    atLeast: 30,
  });
  bench.goal({
    text: `${cost}: times faster than the best peer in its best setting`,
    value: best,
    atLeast: 12,
  });
  const limit = 1 / times(cost, handBatched.name);
  bench.goal({ text: `${cost}: times hand-batched postMessage without promises`, value: limit, atMost: 3 });
  const cpu = times(mainCpu(count), piscinaDefault.name);
  bench.goal({ text: `${cost}: times less main-thread CPU than piscina`, value: cpu, atLeast: 30 });
}

const inFlight = (count: number) => `${count.toLocaleString("en")} in flight`;
const mainCpu = (count: number) => `its main CPU (${count.toLocaleString("en")})`;

async function sample(threads: Threads, counts: readonly number[]): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const count of counts) {
    const inputs = Array.from({ length: count }, (_, index) => index);
    const cpu = threadCpu();
    const start = performance.now();
    const results = await runAll(threads, "noop", inputs);
    values[inFlight(count)] = ((performance.now() - start) * 1000) / count;
    if (cpu !== undefined) values[mainCpu(count)] = ((threadCpu()! - cpu) * 1000) / count;
    if (results.some((result, index) => result !== index)) throw new Error("A result is not its input");
  }
  return values;
}
