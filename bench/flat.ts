// Does a task cost more when there are a million of them?

import { median } from "../compare/statistics.ts";
import type { Question } from "./harness/question.ts";
import { compareLoops, OURS } from "./peers/loops.ts";

const ROUNDS = 5;
const COUNTS = [1_000, 10_000, 100_000, 1_000_000];

const question: Question = {
  title: "tasks that are created, switch once and are awaited, beside asyncio and uvloop",
  async ask(bench) {
    const counts = bench.pick(COUNTS, [100, 1_000]);
    const name = (count: number) => `${count.toLocaleString("en")} tasks`;
    const rows = counts.map((count) => ({
      measure: name(count),
      workload: "tasks" as const,
      count,
      at: { curve: "cost of a task", x: count, axis: "tasks" },
      repeat: Math.max(1, 50_000 / count),
    }));
    await compareLoops(bench, bench.pick(ROUNDS, 1), rows);
    const costs = counts.map((count) => median(bench.samples(name(count), OURS)));
    const text = "the dearest count's cost per task, over that at the fewest tasks";
    bench.goal({ text, value: Math.max(...costs) / costs[0]!, atMost: 1.5, elsewhere: 1.5 });
  },
};

export default question;
