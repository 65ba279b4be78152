// What does it cost to hand a lock or a queue's item from one task to another?
import type { Question } from "./harness/question.ts";
import { compareLoops, goalsAgainst } from "./peers/loops.ts";

const ROUNDS = 7;
const COUNT = 50_000;

const question: Question = {
  title: "hand-offs between two tasks, beside asyncio and uvloop",
  async ask(bench) {
    const count = bench.pick(COUNT, COUNT / 100);
    await compareLoops(bench, bench.pick(ROUNDS, 1), [
      { measure: "lock", workload: "lock", count },
      { measure: "queue of one", workload: "queue", count },
    ]);
    goalsAgainst(bench, "lock", { asyncio: 10, uvloop: 8 });
    goalsAgainst(bench, "queue of one", { asyncio: 6, uvloop: 4 });
  },
};

export default question;
