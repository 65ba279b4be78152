// This is workerpool, with a worker script that registers the jobs.
import { fileURLToPath } from "node:url";
import { isMainThread, workerData } from "node:worker_threads";
import pool from "workerpool";
import { loadJobs, type Peer } from "./peer.ts";

export const workerpool: Peer = {
  name: "workerpool",
  kind: "peer",
  open(workload, size) {
    const workers = pool.pool(fileURLToPath(import.meta.url), {
      workerType: "thread",
      minWorkers: size,
      maxWorkers: size,
      workerThreadOpts: { workerData: { workerpool: workload.url.href } },
    });
    return {
      // Its promises are its own, and their types do not fit PromiseLike.
      run: (job, input, transfer) =>
        workers.exec(job, [input], {
          transfer: transfer && [...transfer],
        }) as unknown as PromiseLike<unknown>,
      close: async () => await workers.terminate(true),
    };
  },
};

if (!isMainThread && workerData?.workerpool) pool.worker({ ...(await loadJobs(workerData.workerpool)) });
