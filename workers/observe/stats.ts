// This is what a pool has done and is doing, in numbers. Everything is counted where it happens; nothing is asked of
// a thread.

import type { EventLoopUtilization, RecordableHistogram } from "node:perf_hooks";
import { inspect } from "node:util";
import type { Worker } from "node:worker_threads";
import type { Host } from "../host/host.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { BUCKETS, histogramOf } from "../wire/memory.ts";

/** One worker thread, in numbers. */
export interface WorkerStats {
  /** The thread's id, as `worker_threads.threadId` in it. */
  readonly thread: number;
  /** The machine it is on, by its name, where that is another one: a cluster's. */
  readonly machine?: string;
  /** Its name, null where the pool gives it none. */
  readonly name: string | null;
  /** Jobs that it has started and not ended. */
  readonly running: number;
  /** Jobs that wait in it. */
  readonly waiting: number;
  /** How busy its event loop has been since its start. */
  readonly eventLoop: EventLoopUtilization;
}

/** A pool in numbers; `pool.stats()` gives it. */
export interface PoolStats {
  /** Threads there are. */
  readonly threads: number;
  /** Threads that were ended and go on, in native code that cannot be interrupted. */
  readonly lost: number;
  /** Threads that have jobs, or had some a moment ago. */
  readonly sessions: number;
  /** Jobs that have started and not ended. */
  readonly running: number;
  /** Jobs that have not started. */
  readonly queued: number;
  /** How often a job was taken from the worker it waited for and given to another one. */
  readonly moved: number;
  /** Threads that were replaced, as `recycle` says. */
  readonly recycled: number;
  /** Jobs that have ended, by outcome. */
  readonly settled: { readonly succeeded: number; readonly failed: number; readonly cancelled: number };
  /** From a job's submission to its start, in nanoseconds as all of Node's histograms; known to 3 %. */
  readonly waitTime: RecordableHistogram;
  /** From its start to its end, the same. */
  readonly runTime: RecordableHistogram;
  readonly workers: readonly WorkerStats[];
  /** How busy the event loop of the calling thread has been since its start. */
  readonly eventLoop: EventLoopUtilization;
}

export function statsOf(scheduler: ThreadScheduler): PoolStats {
  const { settlement } = scheduler;
  const { hosts, threads } = scheduler.source;
  const workers = threads.all.map((worker) =>
    workerStats(worker, scheduler.settings.threadName ?? null, hosts),
  );
  const running = hosts.reduce((sum, host) => sum + host.jobs - host.unstarted, 0);
  const stats: PoolStats = {
    threads: workers.length,
    lost: threads.lost.count,
    sessions: hosts.filter((host) => host.isLive).length,
    running,
    queued: settlement.open - running,
    moved: hosts.reduce((sum, host) => sum + host.moved, 0),
    recycled: scheduler.recycled,
    settled: { succeeded: settlement.succeeded, failed: settlement.failed, cancelled: settlement.cancelled },
    waitTime: histogramOf(sumOf(hosts.map((host) => host.table.meter.waits))),
    runTime: histogramOf(sumOf(hosts.map((host) => host.table.meter.runs))),
    workers,
    eventLoop: process.getBuiltinModule("node:perf_hooks").performance.eventLoopUtilization(),
  };
  return Object.defineProperty(stats, inspect.custom, { value: () => describeStats(stats) });
}

function workerStats(worker: Worker, name: string | null, hosts: readonly Host[]): WorkerStats {
  const host = hosts.find((host) => host.session?.threadId === worker.threadId);
  return {
    thread: worker.threadId,
    name,
    running: host === undefined ? 0 : host.jobs - host.unstarted,
    waiting: host?.unstarted ?? 0,
    eventLoop: worker.performance.eventLoopUtilization(),
  };
}

function sumOf(counts: readonly Uint32Array[]): Uint32Array {
  const sum = new Uint32Array(BUCKETS);
  for (const some of counts) {
    for (let i = 0; i < BUCKETS; i++) (sum[i] as number) += some[i] as number;
  }
  return sum;
}

/** A pool's numbers as text. */
export function describeStats(stats: PoolStats): string {
  const { succeeded, failed, cancelled } = stats.settled;
  const workers = stats.workers.map(
    ({ thread, machine, name, running, waiting, eventLoop }) =>
      `  ${machine === undefined ? "" : `${machine}, `}thread ${thread}${name === null ? "" : ` (${name})`}: ${running} running, ${waiting} waiting, ${percent(eventLoop)} busy`,
  );
  return [
    `<PoolStats ${stats.threads} threads, ${stats.sessions} in use`,
    `  jobs: ${stats.running} running, ${stats.queued} queued, ${stats.moved} moved`,
    `  settled: ${succeeded} succeeded, ${failed} failed, ${cancelled} cancelled`,
    `  wait: ${quantiles(stats.waitTime)}`,
    `  run: ${quantiles(stats.runTime)}`,
    ...workers,
    `  this thread: ${percent(stats.eventLoop)} busy>`,
  ].join("\n");
}

function quantiles(histogram: RecordableHistogram): string {
  if (histogram.count === 0) return "nothing yet";
  const at = (percentile: number) => `${(histogram.percentile(percentile) / 1e6).toPrecision(3)} ms`;
  return `median ${at(50)}, 99 % ${at(99)}, longest ${at(100)}`;
}

function percent({ utilization }: EventLoopUtilization): string {
  return `${Math.round(utilization * 100)} %`;
}
