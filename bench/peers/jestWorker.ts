// This is jest-worker with threads: it calls a module's exports by name.
import { fileURLToPath } from "node:url";
import { Worker } from "jest-worker";
import type { Peer } from "./peer.ts";

type Farm = Worker & Record<string, (input: unknown) => Promise<unknown>>;

export const jestWorker: Peer = {
  name: "jest-worker",
  kind: "peer",
  async open(workload, size) {
    const farm = new Worker(fileURLToPath(workload.url), {
      numWorkers: size,
      enableWorkerThreads: true,
      exposedMethods: Object.keys(workload.functions),
    }) as Farm;
    await farm.start();
    return { run: (job, input) => farm[job]!(input), close: () => farm.end() };
  },
};
