// This is threadloop itself: functions are submitted as they are.
import { gather, run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import type { Peer, Workload } from "./peer.ts";

/** From a task of the main loop, where jobs in flight at once are gathered. */
export const threadloop: Peer = {
  name: "threadloop",
  kind: "ours",
  inside: (body) => run(body),
  open: (workload, size) => ({ ...open(workload, size), all: (calls) => gather(calls).toPromise() }),
};

/** The same pool without a loop on the main thread: its futures are awaited as promises are. */
export const threadloopAlone: Peer = { name: "threadloop, outside run()", kind: "ours", open };

function open(workload: Workload, size: number) {
  const pool = new WorkerPool({ size, minThreads: size });
  const jobs = workload.functions as Record<string, (input: unknown) => unknown>;
  return {
    run: (job: string, input: unknown, transfer?: readonly ArrayBuffer[]) =>
      (transfer === undefined ? pool : pool.with({ transfer })).submit(jobs[job]!, input),
    close: () => pool.close(),
  };
}
