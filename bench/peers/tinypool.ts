// This is tinypool: one task a worker, and several tasks a worker.
import { Tinypool } from "tinypool";
import type { Peer } from "./peer.ts";

function tinypoolOf(name: string, concurrentTasksPerWorker: number): Peer {
  return {
    name,
    kind: "peer",
    open(workload, size) {
      const filename = workload.url.href;
      const pool = new Tinypool({ filename, minThreads: size, maxThreads: size, concurrentTasksPerWorker });
      return {
        run: (job, input, transfer) =>
          pool.run(input, { name: job, transferList: transfer && [...transfer] }),
        close: () => pool.destroy(),
      };
    },
  };
}

export const tinypool = tinypoolOf("tinypool", 1);
export const tinypool64 = tinypoolOf("tinypool, 64 tasks a worker", 64);
