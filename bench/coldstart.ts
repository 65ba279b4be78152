// How long from nothing to a first result, and how much memory does an idle worker hold?
import { median } from "../compare/statistics.ts";
import type { Question, Sample } from "./harness/question.ts";
import type { Alone } from "./peers/alone.ts";
import { contenderOf, startExecutors } from "./peers/asyncio.ts";
import { placeOf, runProgram } from "./peers/children.ts";
import * as peers from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";

const ROUNDS = 7;
const THREADS = 4;

const START = "process to result";
const OPEN = "pool to result";
const WORKER = "an idle worker";

const CONTENDERS = [
  peers.threadloopAlone,
  peers.postMessage,
  peers.piscinaDefault,
  peers.tinypool,
  peers.workerpool,
  peers.poolifier,
  peers.comlink,
  peers.jestWorker,
];

const question: Question = {
  title: `a fresh process: the first result of a pool with one thread; memory of ${THREADS} idle workers`,
  async ask(bench) {
    bench.measure(START, "ms");
    bench.measure(OPEN, "ms");
    bench.measure(WORKER, "MB");
    const pythons = startExecutors(bench, 1);
    await bench.interleave(bench.pick(ROUNDS, 1), [
      ...CONTENDERS.map((peer) => ({ name: peer.name, kind: peer.kind, sample: () => sample(peer) })),
      ...pythons.map((python) => contenderOf(python, { [OPEN]: "cold 1" })),
    ]);
    for (const python of pythons) python.close();
    for (const measure of [OPEN, START]) {
      const value = bench.ratio(measure, peers.threadloopAlone.name, peers.piscinaDefault.name);
      bench.goal({ text: `${measure}: times piscina's`, value, atMost: 1, elsewhere: 1 });
    }
    const idle = median(bench.samples(WORKER, peers.threadloopAlone.name));
    bench.goal({ text: `${WORKER}: MB`, value: idle, atMost: 14.5, elsewhere: 14.5 });
  },
};

export default question;

async function sample(peer: Peer): Promise<Sample> {
  const one = await runAlone(peer, 1);
  const many = await runAlone(peer, THREADS);
  const worker = (many.resident - one.resident) / (THREADS - 1) / 2 ** 20;
  return { [START]: one.fromProcessStart, [OPEN]: one.fromOpen, [WORKER]: worker };
}

function runAlone(peer: Peer, threads: number): Promise<Alone> {
  const { module, name } = placeOf(peer);
  return runProgram("alone", [`./${module}.js`, name, String(threads)]);
}
