// How long does one call take when the program has a single core, as many containers have?
import { spawnSync } from "node:child_process";
import type { Bench, Question } from "./harness/question.ts";
import { placeOf, runProgram } from "./peers/children.ts";
import {
  comlink,
  jestWorker,
  piscinaAsync,
  piscinaDefault,
  piscinaDisabled,
  poolifier,
  postMessage,
  threadloop,
  threadloopAlone,
  tinypool,
  workerpool,
} from "./peers/index.ts";

const ROUNDS = 7;
const CALLS = 10_000;
const PINNED = ["taskset", "-c", "0"];

const CALL = "one call in flight, one core";
const PISCINAS = [piscinaDefault, piscinaAsync, piscinaDisabled];
const OTHERS = [tinypool, workerpool, poolifier, comlink, jestWorker];

const question: Question = {
  title: "one call in flight, the loop and one thread pinned to one core; a process for each contender",
  async ask(bench) {
    if (spawnSync(PINNED[0]!, [...PINNED.slice(1), "true"]).status !== 0) {
      bench.skip("everything", "nothing pins a process to a core here (taskset, Linux)");
      return;
    }
    bench.measure(CALL, "µs");
    const places = [threadloop, threadloopAlone, postMessage, ...PISCINAS, ...OTHERS].map(placeOf);
    const calls = String(bench.pick(CALLS, 20));
    await bench.interleave(
      bench.pick(ROUNDS, 1),
      places.map(({ peer: { name, kind }, module, name: exported }) => ({
        name,
        kind,
        sample: async () => ({
          [CALL]: await runProgram<number>("pinned", [module, exported, calls], PINNED),
        }),
      })),
    );
    judge(bench);
  },
};

export default question;

function judge(bench: Bench): void {
  const times = (other: string) => bench.ratio(CALL, threadloop.name, other);
  bench.goal({ text: `${CALL}: times bare postMessage`, value: times(postMessage.name), atMost: 0.7 });
  const best = Math.max(...PISCINAS.map((peer) => times(peer.name)));
  bench.goal({ text: `${CALL}: times piscina's in its best mode`, value: best, atMost: 0.85 });
}
