// This is `postMessage` batched by hand, without a promise for a job: flat batches of 1,024 calls `[id, function,
// argument, ...]` down and `[id, result, ...]` up; and, cheaper still, one function over slices of its inputs.
// Nothing that answers call by call can beat the first, nothing at all the second.
import { parentPort, type Worker, workerData } from "node:worker_threads";
import { loadJobs, type Peer, type Threads, type Workload } from "./peer.ts";
import { isWorkerOf, startWorker, untilReady } from "./postMessage.ts";

const BATCH = 1024;

export const handBatched: Peer = {
  name: "hand-batched postMessage",
  kind: "limit",
  open: (workload, size) => open(workload, size, batchOfCalls),
};

export const handSliced: Peer = {
  name: "postMessage of input slices",
  kind: "limit",
  open: (workload, size) => open(workload, size, slice),
};

async function open(workload: Workload, size: number, batch: typeof slice): Promise<Threads> {
  const workers = Array.from({ length: size }, () => startWorker(new URL(import.meta.url), workload));
  await Promise.all(workers.map(untilReady));
  const names = Object.keys(workload.functions);
  return {
    run: () => Promise.reject(new Error("Batches are all this contender knows: call runAll")),
    runAll: (job, inputs) =>
      sendAll(workers, inputs, (start, end) => batch(names.indexOf(job), inputs, start, end)),
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

type Batch = (start: number, end: number) => unknown;
type Reply = unknown[] | { start: number; values: unknown[] };

function sendAll(workers: readonly Worker[], inputs: readonly unknown[], batch: Batch): Promise<unknown[]> {
  return new Promise((resolve) => {
    const results: unknown[] = new Array(inputs.length);
    let missing = inputs.length;
    const onReply = (reply: Reply) => {
      missing -= Array.isArray(reply) ? storeCalls(reply, results) : storeSlice(reply, results);
      if (missing === 0) resolve(results);
    };
    for (const worker of workers) worker.removeAllListeners("message").on("message", onReply);
    for (let start = 0, next = 0; start < inputs.length; start += BATCH, next++) {
      workers[next % workers.length]!.postMessage(batch(start, Math.min(start + BATCH, inputs.length)));
    }
  });
}

function batchOfCalls(job: number, inputs: readonly unknown[], start: number, end: number): unknown {
  const calls: unknown[] = [];
  for (let id = start; id < end; id++) calls.push(id, job, inputs[id]);
  return calls;
}

function slice(job: number, inputs: readonly unknown[], start: number, end: number): unknown {
  return { job, start, inputs: inputs.slice(start, end) };
}

function storeCalls(reply: unknown[], results: unknown[]): number {
  for (let i = 0; i < reply.length; i += 2) results[reply[i] as number] = reply[i + 1];
  return reply.length / 2;
}

function storeSlice({ start, values }: { start: number; values: unknown[] }, results: unknown[]): number {
  for (let i = 0; i < values.length; i++) results[start + i] = values[i];
  return values.length;
}

type Jobs = ((input: unknown) => unknown)[];
type Slice = { job: number; start: number; inputs: unknown[] };

function answer(jobs: Jobs, message: unknown[] | Slice): Reply {
  if (!Array.isArray(message)) {
    const run = jobs[message.job]!;
    return { start: message.start, values: message.inputs.map((input) => run(input)) };
  }
  const reply: unknown[] = [];
  for (let i = 0; i < message.length; i += 3)
    reply.push(message[i], jobs[message[i + 1] as number]!(message[i + 2]));
  return reply;
}

if (isWorkerOf(import.meta.url)) {
  const port = parentPort!;
  const jobs = Object.values(await loadJobs(workerData.jobs));
  port.on("message", (message: unknown[] | Slice) => port.postMessage(answer(jobs, message)));
  port.postMessage("ready");
}
