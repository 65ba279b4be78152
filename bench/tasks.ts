// What does a task cost: to switch, to create and await, to cancel, to gather; and an await that need not wait?
import type { Question } from "./harness/question.ts";
import { compareLoops, goalsAgainst } from "./peers/loops.ts";

const ROUNDS = 7;

const question: Question = {
  title: "tasks on the loop, beside asyncio and uvloop",
  async ask(bench) {
    const scale = (count: number) => bench.pick(count, count / 100);
    await compareLoops(bench, bench.pick(ROUNDS, 1), [
      { measure: "switch, 1 task", workload: "switch1", count: scale(200_000) },
      { measure: "switch, 100 tasks", workload: "switch100", count: scale(200_000) },
      { measure: "create and await", workload: "create", count: scale(50_000) },
      { measure: "cancel", workload: "cancel", count: scale(20_000) },
      { measure: "gather of 10,000", workload: "gatherAll", count: scale(10_000) },
      { measure: "await a done future", workload: "doneFuture", count: scale(200_000) },
    ]);
    goalsAgainst(bench, "switch, 1 task", { asyncio: 4, uvloop: 2 });
    goalsAgainst(bench, "switch, 100 tasks", { asyncio: 4, uvloop: 2 });
    goalsAgainst(bench, "create and await", { asyncio: 8, uvloop: 4, older: 8 });
    goalsAgainst(bench, "cancel", { asyncio: 4, uvloop: 3 });
    goalsAgainst(bench, "await a done future", { asyncio: 1 });
  },
};

export default question;
