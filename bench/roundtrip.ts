// What does one empty job cost when many are in flight, and how much of that is the main thread's CPU?
import { threadCpu } from "./harness/cpu.ts";
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import { handBatched, handSliced, pools, postMessage } from "./peers/index.ts";
import { runAll, type Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

const THREADS = 2;
const IN_FLIGHT = [1_000, 20_000];
const ROUNDS = 9;

const question: Question = {
  title: `empty jobs, all in flight at once, ${THREADS} threads`,
  async ask(bench) {
    const counts = bench.pick(IN_FLIGHT, [200]);
    for (const count of counts) {
      bench.measure(inFlight(count), "µs/job");
      bench.measure(mainCpu(count), "µs/job", { plot: false });
    }
    await compare(bench, [postMessage, handBatched, handSliced, ...pools], {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      sample: (threads) => sample(threads, counts),
    });
  },
};

export default question;

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
