// This is piscina: its three ways of waiting for a task, one task a worker, and several tasks a worker.
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { Peer } from "./peer.ts";

type Atomics = "sync" | "async" | "disabled";

function piscina(name: string, atomics: Atomics, concurrentTasksPerWorker = 1): Peer {
  return {
    name,
    kind: "peer",
    open(workload, size) {
      const filename = fileURLToPath(workload.url);
      const pool = new Piscina({
        filename,
        minThreads: size,
        maxThreads: size,
        atomics,
        concurrentTasksPerWorker,
      });
      return {
        run: (job, input, transfer) =>
          pool.run(input, { name: job, transferList: transfer && [...transfer] }),
        close: () => pool.destroy(),
      };
    },
  };
}

/** `new Piscina(...)` as its README has it. */
export const piscinaDefault = piscina("piscina", "sync");
export const piscinaAsync = piscina("piscina, atomics async", "async");
export const piscinaDisabled = piscina("piscina, atomics disabled", "disabled");
export const piscina8 = piscina("piscina, 8 tasks a worker", "sync", 8);
export const piscina64 = piscina("piscina, 64 tasks a worker", "sync", 64);
