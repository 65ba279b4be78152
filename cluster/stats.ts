// This is what a ClusterExecutor has done and is doing, in numbers. They are counted here; no machine is asked.

import { performance } from "node:perf_hooks";
import { inspect } from "node:util";
import { describeStats, type PoolStats } from "../workers/observe/stats.ts";
import { histogramOf } from "../workers/wire/memory.ts";
import type { ClusterCalls } from "./engine.ts";

/**
 * A cluster in numbers, as one of its clients has them: `threads` are those of all machines, and `workers` what these told of
 * them, which is some seconds old: it is looked every two seconds while calls are open, and machines tell it every five.
 */
export interface ClusterStats extends PoolStats {
  /** Calls that were posted and are not settled; the others wait here. */
  readonly posted: number;
  /** The batches in which they were posted. */
  readonly batches: number;
}

export function clusterStatsOf(calls: ClusterCalls): ClusterStats {
  const { settlement, begun, batches } = calls;
  const { succeeded, failed, cancelled } = settlement;
  const stats: ClusterStats = {
    threads: calls.threads,
    lost: 0,
    sessions: 0,
    running: begun,
    queued: settlement.open - begun,
    moved: calls.moved,
    recycled: 0,
    settled: { succeeded, failed, cancelled },
    waitTime: histogramOf(calls.waits),
    runTime: histogramOf(calls.runs),
    workers: calls.machines.flatMap(({ workers }) => workers),
    eventLoop: performance.eventLoopUtilization(),
    posted: [...batches.values()].reduce((sum, batch) => sum + batch.jobs.size, 0),
    batches: batches.size,
  };
  return Object.defineProperty(stats, inspect.custom, { value: () => describeStats(stats) });
}
