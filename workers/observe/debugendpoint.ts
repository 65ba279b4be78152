// This is what other processes find that look in: the tasks, numbers and recordings of this thread and its pools.

import { clearTimeout, setTimeout } from "node:timers";
import { PACKAGE_ROOT } from "../../src/core.ts";
import { setJobRecorder } from "../executor/jobevents.ts";
import { type DebugEndpoint, offer } from "./endpoint.ts";
import { livePools } from "./pools.ts";
import { PoolWatch } from "./poolwatch.ts";
import { isRecording, record, recordJob, startRecording } from "./recorder.ts";
import { takeSnapshot } from "./snapshot.ts";
import { startTracing, type Tracing } from "./trace.ts";

const poolWatch = new PoolWatch(livePools);
let tracing: Tracing | null = null;
/** Gives the recording up when nobody keeps it: its asker has gone without it. */
let abandoning: NodeJS.Timeout | undefined;

function keep(lease: number): void {
  clearTimeout(abandoning);
  abandoning = setTimeout(abandon, lease);
  abandoning.unref();
}

function abandon(): void {
  void tracing?.stop();
  tracing = null;
}

/** This copy of the package. */
export const debugEndpoint: DebugEndpoint = {
  files: PACKAGE_ROOT,
  snapshot: () => JSON.stringify(takeSnapshot(livePools())),
  numbers: (lease) => JSON.stringify(poolWatch.read(lease)),
  startTrace: (lease) => {
    tracing = startTracing(livePools);
    keep(lease);
  },
  keepTrace: (lease) => {
    if (tracing !== null) keep(lease);
  },
  stopTrace: async () => {
    clearTimeout(abandoning);
    const json = await tracing?.stop();
    tracing = null;
    return json ?? "";
  },
};

/** Has other processes find it. */
export function installDebugEndpoint(): void {
  setJobRecorder({ isRecording, start: startRecording, job: recordJob, slice: record });
  offer(debugEndpoint);
}
