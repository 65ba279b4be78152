// This is what pools are made of, beside what a program has with the package at once: see `latepools`.
import { DefaultExecutor, installLoopParts } from "../src/core.ts";
import { loadInline } from "./bundle/loadparts.ts";
import { installDefaultExecutor, runInExecutor } from "./defaultexecutor.ts";
import { spawnActor } from "./executor/actor.ts";
import { broadcastJob } from "./executor/broadcast.ts";
import { setDefaultRun } from "./host/nestedcalls.ts";
import { setPoolParts } from "./latepools.ts";
import { installDebugEndpoint } from "./observe/debugendpoint.ts";
import { gatherSnapshots } from "./observe/gather.ts";
import { statsOf } from "./observe/stats.ts";
import { TaskForest } from "./observe/tasktree.ts";
import { PoolTrace } from "./observe/trace.ts";
import { Watchdog } from "./observe/watchdog.ts";
import { Closing } from "./pool/closing.ts";
import { Scheduler } from "./pool/scheduler.ts";
import { ThreadWorkers } from "./pool/threadworkers.ts";
import { setPartsLoader } from "./shipping/parts.ts";
import { setLaterLoader } from "./shipping/shipper.ts";
import { NestedExecutor } from "./thread/nested.ts";

export { Future } from "../src/core.ts";

let areInstalled = false;

/** Has pools, loops and those who look in find all this. */
export function installPools(): void {
  if (areInstalled) return;
  areInstalled = true;
  setPartsLoader(loadInline);
  setLaterLoader(() => import("./bundle/later.ts"));
  setPoolParts({
    Closing,
    NestedExecutor,
    PoolTrace,
    Scheduler,
    TaskForest,
    ThreadWorkers,
    Watchdog,
    broadcastJob,
    gatherSnapshots,
    spawnActor,
    statsOf,
  });
  setDefaultRun((fn, args) => runInExecutor(fn as (...args: unknown[]) => unknown, ...args));
  installLoopParts({ DefaultExecutor });
  installDefaultExecutor();
  installDebugEndpoint();
}
