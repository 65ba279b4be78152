// How long from nothing to a first result, and how much memory does an idle worker hold?
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Question, Sample } from "./harness/question.ts";
import type { Alone } from "./peers/alone.ts";
import { contenderOf, startExecutors } from "./peers/asyncio.ts";
import * as peers from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";

const ROUNDS = 7;
const THREADS = 4;

const START = "process to result";
const OPEN = "pool to result";
const WORKER = "an idle worker";

const CONTENDERS: readonly (readonly [Peer, module: string, name: string])[] = [
  [peers.threadloopAlone, "threadloop", "threadloopAlone"],
  [peers.postMessage, "postMessage", "postMessage"],
  [peers.piscinaDefault, "piscina", "piscinaDefault"],
  [peers.tinypool, "tinypool", "tinypool"],
  [peers.workerpool, "workerpool", "workerpool"],
  [peers.poolifier, "poolifier", "poolifier"],
  [peers.comlink, "comlink", "comlink"],
  [peers.jestWorker, "jestWorker", "jestWorker"],
];

const question: Question = {
  title: `a fresh process: the first result of a pool with one thread; memory of ${THREADS} idle workers`,
  async ask(bench) {
    bench.measure(START, "ms");
    bench.measure(OPEN, "ms");
    bench.measure(WORKER, "MB");
    const pythons = startExecutors(bench, 1);
    await bench.interleave(bench.pick(ROUNDS, 1), [
      ...CONTENDERS.map(([{ name, kind }, module, exported]) => ({
        name,
        kind,
        sample: () => sample(module, exported),
      })),
      ...pythons.map((python) => contenderOf(python, { [OPEN]: "cold 1" })),
    ]);
    for (const python of pythons) python.close();
    for (const measure of [OPEN, START]) {
      const value = bench.ratio(measure, peers.threadloopAlone.name, peers.piscinaDefault.name);
      bench.goal({ text: `${measure}: times piscina's`, value, atMost: 1.3 });
    }
  },
};

export default question;

const execute = promisify(execFile);

async function sample(module: string, name: string): Promise<Sample> {
  const one = await runAlone(module, name, 1);
  const many = await runAlone(module, name, THREADS);
  const worker = (many.resident - one.resident) / (THREADS - 1) / 2 ** 20;
  return { [START]: one.fromProcessStart, [OPEN]: one.fromOpen, [WORKER]: worker };
}

async function runAlone(module: string, name: string, threads: number): Promise<Alone> {
  const script = fileURLToPath(new URL("./peers/alone.js", import.meta.url));
  const { stdout } = await execute(process.execPath, [
    "--expose-gc",
    script,
    `./${module}.js`,
    name,
    String(threads),
  ]);
  return JSON.parse(stdout) as Alone;
}
