// Where other processes look in: `threadloop ps PID` opens the inspector of a process and evaluates what stands here,
// in every thread. A process may have loaded several copies of this package; each adds itself.

import { PACKAGE_ROOT } from "../../src/index.ts";
import { livePools } from "./pools.ts";
import { takeSnapshot } from "./snapshot.ts";
import { startTracing, type Tracing } from "./trace.ts";

/** One copy of the package in one thread. What it takes and gives is JSON, as the asker may be of another version. */
interface Door {
  /** Where its files are: their frames are not the user's. */
  readonly files: string;
  /** A ThreadSnapshot. */
  snapshot(): string;
  /** Records this thread and the workers of its pools, for so many milliseconds. Throws when they are recorded already. */
  startTrace(lasting: number): void;
  /** Ends the recording and gives it, in Chrome's trace event format. */
  stopTrace(): Promise<string>;
}

/** The well-known name under which the doors of a thread are found. */
const NAME = Symbol.for("threadloop.inside");

const place = globalThis as { [NAME]?: Door[] };
place[NAME] ??= [];
/** How long after its end a recording waits to be fetched: then the asker has gone without it. */
const FETCHED_WITHIN = 30_000;
let tracing: Tracing | null = null;
let abandonedAt = 0;

place[NAME].push({
  files: PACKAGE_ROOT,
  snapshot: () => JSON.stringify(takeSnapshot(livePools())),
  startTrace: (lasting) => {
    if (performance.now() >= abandonedAt) void tracing?.stop();
    tracing = startTracing(livePools);
    abandonedAt = performance.now() + lasting + FETCHED_WITHIN;
  },
  stopTrace: async () => {
    const json = await tracing?.stop();
    tracing = null;
    return json ?? "";
  },
});
