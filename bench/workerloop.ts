// Does a task cost the same on a worker's loop as on the main one?
import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import type { Question, Sample } from "./harness/question.ts";
import { type LoopWorkload, runWorkload } from "./workloads/loop.ts";

const ROUNDS = 7;
const COUNT = 50_000;
const WORKLOADS: readonly LoopWorkload[] = ["switch100", "create", "cancel", "lock", "queue"];
const MAIN = "the main loop";
const WORKER = "a worker's loop";

const question: Question = {
  title: "tasks on the loop inside a worker, beside the main loop",
  async ask(bench) {
    const count = bench.pick(COUNT, COUNT / 100);
    for (const workload of WORKLOADS) bench.measure(workload, "ns");
    const pool = new WorkerPool({ size: 1, minThreads: 1 });
    const contenders = [
      {
        name: MAIN,
        kind: "limit" as const,
        sample: () => sample((name) => run(() => runWorkload(name, count))),
      },
      {
        name: WORKER,
        kind: "ours" as const,
        sample: () => sample((name) => pool.submit(runWorkload, name, count)),
      },
    ];
    if (!bench.quick) await bench.warmUp(contenders);
    await bench.interleave(bench.pick(ROUNDS, 1), contenders);
    await pool.close();
    for (const workload of WORKLOADS) {
      const value = bench.ratio(workload, WORKER, MAIN);
      // "The same": what two samples of one loop differ by here.
      bench.goal({ text: `${workload}: times the main loop's cost`, value, atMost: 1.2, elsewhere: 1.2 });
    }
  },
};

export default question;

async function sample(measure: (name: LoopWorkload) => PromiseLike<number>): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const name of WORKLOADS) values[name] = await measure(name);
  return values;
}
