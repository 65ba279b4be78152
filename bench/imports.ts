// How long does it take to import a package, in a process that has imported nothing else?
import type { Question } from "./harness/question.ts";
import { runProgram } from "./peers/children.ts";

const ROUNDS = 15;
const OURS = ["threadloop/workers", "threadloop"];
const PEERS = [
  "piscina",
  "tinypool",
  "workerpool",
  "poolifier",
  "comlink",
  "jest-worker",
  "p-queue",
  "p-limit",
];

const IMPORT = "import";

const question: Question = {
  title: "the import of a package, in a fresh process and without what the process itself takes",
  async ask(bench) {
    bench.measure(IMPORT, "ms");
    const contender = (name: string, kind: "ours" | "peer") => ({
      name,
      kind,
      sample: async () => ({ [IMPORT]: await runProgram<number>("importing", [name]) }),
    });
    const contenders = [
      ...OURS.map((name) => contender(name, "ours")),
      ...PEERS.map((name) => contender(name, "peer")),
    ];
    await bench.warmUp(contenders);
    await bench.interleave(bench.pick(ROUNDS, 1), contenders);
    for (const [name, atMost] of [
      ["threadloop/workers", 1],
      ["threadloop", 0.7],
    ] as const) {
      const value = bench.ratio(IMPORT, name, "piscina");
      bench.goal({ text: `import of ${name}: times piscina's`, value, atMost, elsewhere: atMost });
    }
  },
};

export default question;
