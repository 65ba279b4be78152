// Do files and sockets get their turn while a hundred tasks keep the loop busy?

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { createTask, run, sleep } from "threadloop";
import { median, quantile } from "../compare/statistics.ts";
import type { Bench, Question, Sample } from "./harness/question.ts";

const ROUNDS = 7;
const CALLS = 100;
const TASKS = 100;
const FILE = fileURLToPath(import.meta.url);
const IDLE = "idle loop";
const BUSY = `${TASKS} tasks that never wait`;

const question: Question = {
  title: "a file read and a socket answered, on a loop with other work",
  async ask(bench) {
    bench.measure("readFile", "ms");
    bench.measure("readFile p99", "ms", { plot: false });
    bench.measure("socket answer", "ms");
    bench.measure("socket answer p99", "ms", { plot: false });
    const calls = bench.pick(CALLS, 5);
    await bench.interleave(bench.pick(ROUNDS, 1), [
      { name: IDLE, kind: "limit", sample: () => run(() => sample(calls)) },
      { name: BUSY, kind: "ours", sample: () => run(() => sampleUnderLoad(calls)) },
    ]);
    for (const measure of ["readFile", "socket answer"]) judge(bench, measure);
  },
};

export default question;

function judge(bench: Bench, measure: string): void {
  const value = median(bench.samples(measure, BUSY));
  bench.goal({ text: `${measure} under spinning tasks, ms`, value, atMost: 1, elsewhere: 1 });
}

async function sampleUnderLoad(calls: number): Promise<Sample> {
  let spinning = true;
  const spin = async () => {
    while (spinning) await sleep(0);
  };
  for (let i = 0; i < TASKS; i++) createTask(spin);
  const values = await sample(calls);
  spinning = false;
  return values;
}

async function sample(calls: number): Promise<Sample> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0);
  await once(server, "listening");
  const address = server.address() as { port: number };
  const socket = connect(address.port).setNoDelay(true);
  await once(socket, "connect");
  const reads = await time(calls, async () => void (await readFile(FILE)));
  const answers = await time(calls, () => ask(socket));
  socket.destroy();
  server.close();
  return {
    readFile: median(reads),
    "readFile p99": quantile(reads, 0.99),
    "socket answer": median(answers),
    "socket answer p99": quantile(answers, 0.99),
  };
}

async function ask(socket: Socket): Promise<void> {
  socket.write("ping");
  await once(socket, "data");
}

async function time(calls: number, call: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < calls; i++) {
    const start = performance.now();
    await call();
    taken.push(performance.now() - start);
  }
  return taken;
}
