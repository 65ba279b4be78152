// This is where other processes look in: `threadloop ps PID` opens the inspector of a process and evaluates what
// stands here, in every thread. A process may have loaded several copies of this package; each adds itself.

import { clearTimeout, setTimeout } from "node:timers";
import { PACKAGE_ROOT } from "../../src/core.ts";
import { setJobRecorder } from "../executor/jobevents.ts";
import { livePools } from "./pools.ts";
import { PoolWatch } from "./poolwatch.ts";
import { isRecording, record, recordJob, startRecording } from "./recorder.ts";
import { takeSnapshot } from "./snapshot.ts";
import { startTracing, type Tracing } from "./trace.ts";

/** One copy of the package in one thread. What it takes and gives is JSON, as the asker may be of another version. */
interface DebugEndpoint {
  /** Where its files are: their frames are not the user's. */
  readonly files: string;
  /** A ThreadSnapshot. */
  snapshot(): string;
  /** ThreadNumbers; what they are made of is counted on for so many milliseconds. */
  numbers(lease: number): string;
  /**
   * Records this thread and the workers of its pools; given up when it is not kept for so many milliseconds. Throws when
   * they are recorded already.
   */
  startTrace(lease: number): void;
  /** Goes on recording for so many milliseconds from now on. */
  keepTrace(lease: number): void;
  /** Ends the recording and gives it, in Chrome's trace event format. */
  stopTrace(): Promise<string>;
}

/** The well-known name under which the debug endpoints of a thread are found. */
const NAME = Symbol.for("threadloop.inside");

setJobRecorder({ isRecording, start: startRecording, job: recordJob, slice: record });

const place = globalThis as { [NAME]?: DebugEndpoint[] };
place[NAME] ??= [];
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

place[NAME].push({
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
});
