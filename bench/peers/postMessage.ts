// This is bare `postMessage`, one message a call: what a pool of one-by-one calls cannot beat. A call goes to the
// worker with the fewest, the first one of equals: a thread that has just run is awake sooner than its neighbour.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { loadJobs, type Peer, type Threads, type Workload } from "./peer.ts";

export const postMessage: Peer = { name: "bare postMessage", kind: "limit", open };

type Resolve = (value: unknown) => void;

async function open(workload: Workload, size: number): Promise<Threads> {
  const workers = Array.from({ length: size }, () => startWorker(new URL(import.meta.url), workload));
  await Promise.all(workers.map(untilReady));
  const waiting: (Resolve | undefined)[] = [];
  const free: number[] = [];
  const calls = workers.map(() => 0);
  for (const [index, worker] of workers.entries()) {
    worker.on("message", ([id, value]: [number, unknown]) => {
      const resolve = waiting[id];
      waiting[id] = undefined;
      free.push(id);
      calls[index]!--;
      resolve?.(value);
    });
  }
  return {
    run: (job, input, transfer) =>
      new Promise((resolve) => {
        const id = free.pop() ?? waiting.length;
        const least = calls.indexOf(Math.min(...calls));
        waiting[id] = resolve;
        calls[least]!++;
        workers[least]!.postMessage([id, job, input], transfer);
      }),
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

/** Starts a worker on a peer's own file, which finds its jobs in `workerData`. */
export function startWorker(file: URL, workload: Workload): Worker {
  return new Worker(file, { workerData: { peer: file.href, jobs: workload.url.href } });
}

/** Waits for the worker's first message, by which it says that its jobs are loaded. */
export function untilReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
}

/** True in a worker that `startWorker` started on this file. */
export function isWorkerOf(file: string): boolean {
  return !isMainThread && (workerData as { peer?: string } | null)?.peer === file;
}

if (isWorkerOf(import.meta.url)) {
  const port = parentPort!;
  const jobs = await loadJobs(workerData.jobs);
  port.on("message", async ([id, job, input]: [number, string, unknown]) => {
    const result = jobs[job]!(input);
    port.postMessage([id, isThenable(result) ? await result : result]);
  });
  port.postMessage("ready");
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === "function";
}
