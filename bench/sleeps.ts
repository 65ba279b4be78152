// What do many sleeping tasks cost, in time and in memory?
import type { Question } from "./harness/question.ts";
import { compareLoops, goalsAgainst } from "./peers/loops.ts";

const ROUNDS = 5;

const question: Question = {
  title: "concurrent sleeps, beside asyncio and uvloop",
  async ask(bench) {
    const scale = (count: number) => bench.pick(count, count / 100);
    await compareLoops(bench, bench.pick(ROUNDS, 1), [
      { measure: "10,000 sleeps", workload: "sleeps", count: scale(10_000) },
      { measure: "100,000 sleeps", workload: "sleeps", count: scale(100_000) },
      { measure: "a sleeping task", unit: "bytes", workload: "memory", count: scale(100_000) },
    ]);
    goalsAgainst(bench, "100,000 sleeps", { asyncio: 5, uvloop: 3.5 });
  },
};

export default question;
