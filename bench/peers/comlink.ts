// This is comlink: one exposed object a worker. It is no pool, so calls go round-robin.
import { type MessagePort, Worker, workerData } from "node:worker_threads";
import { expose, transfer, wrap } from "comlink";
import { loadJobs, type Peer, type Threads, type Workload } from "./peer.ts";
import { isWorkerOf } from "./postMessage.ts";

export const comlink: Peer = { name: "comlink", kind: "peer", open };

type Jobs = Record<string, (input: unknown) => unknown>;

async function open(workload: Workload, size: number): Promise<Threads> {
  const workers: Worker[] = [];
  const remotes = await Promise.all(
    Array.from({ length: size }, async () => {
      const { port1, port2 } = new MessageChannel();
      const data = { peer: import.meta.url, jobs: workload.url.href, port: port2 };
      workers.push(
        new Worker(new URL(import.meta.url), {
          workerData: data,
          transferList: [port2 as unknown as MessagePort],
        }),
      );
      const remote = wrap<Jobs>(port1);
      await remote.ready!(0);
      return remote;
    }),
  );
  let next = 0;
  return {
    run: (job, input, buffers) =>
      remotes[next++ % size]![job]!(buffers === undefined ? input : transfer(input as object, [...buffers])),
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

if (isWorkerOf(import.meta.url)) {
  const jobs = await loadJobs(workerData.jobs);
  expose({ ...jobs, ready: () => true }, workerData.port);
}
