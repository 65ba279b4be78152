// This is poolifier: a fixed pool of threads, set up as its README has it.
import { fileURLToPath } from "node:url";
import { isMainThread, workerData } from "node:worker_threads";
import { FixedThreadPool, ThreadWorker } from "poolifier";
import { loadJobs, type Peer } from "./peer.ts";

export const poolifier: Peer = {
  name: "poolifier",
  kind: "peer",
  open(workload, size) {
    const pool = new FixedThreadPool<unknown, unknown>(size, fileURLToPath(import.meta.url), {
      workerOptions: { workerData: { poolifier: workload.url.href } },
    });
    return {
      run: (job, input, transfer) => pool.execute(input, job, undefined, transfer),
      close: () => pool.destroy(),
    };
  },
};

if (!isMainThread && workerData?.poolifier) {
  const jobs = await loadJobs(workerData.poolifier);
  new ThreadWorker<unknown, unknown>({ ...jobs } as Record<string, (input?: unknown) => unknown>);
}
