// This gives a pool what it is made of (`poolparts`). In a program that Node itself loads that is loaded with the first
// call of a pool, while its first thread starts; all others load it with the package.

import { Future } from "../src/core.ts";
import type { spawnActor } from "./executor/actor.ts";
import type { broadcastJob } from "./executor/broadcast.ts";
import type { gatherSnapshots } from "./observe/gather.ts";
import type { statsOf } from "./observe/stats.ts";
import type { TaskForest } from "./observe/tasktree.ts";
import type { PoolTrace } from "./observe/trace.ts";
import type { Watchdog } from "./observe/watchdog.ts";
import type { Closing } from "./pool/closing.ts";
import type { Scheduler } from "./pool/scheduler.ts";
import type { ThreadWorkers } from "./pool/threadworkers.ts";
import { LateModule } from "./shipping/latemodule.ts";
import type { NestedExecutor } from "./thread/nested.ts";

export interface PoolParts {
  readonly Closing: typeof Closing;
  readonly NestedExecutor: typeof NestedExecutor;
  readonly PoolTrace: typeof PoolTrace;
  readonly Scheduler: typeof Scheduler;
  readonly TaskForest: typeof TaskForest;
  readonly ThreadWorkers: typeof ThreadWorkers;
  readonly Watchdog: typeof Watchdog;
  readonly broadcastJob: typeof broadcastJob;
  readonly gatherSnapshots: typeof gatherSnapshots;
  readonly spawnActor: typeof spawnActor;
  readonly statsOf: typeof statsOf;
}

/** What `poolparts` exports that is of use here. */
interface Exports {
  readonly Future: typeof Future;
  readonly installPools: () => void;
}

let installed: PoolParts | null = null;
/** Where they are not loaded with the package. */
const late = new LateModule<Exports>("workers/poolparts.js", (found) => found.Future === Future);

/** Is told by `poolparts` what pools are made of. */
export function setPoolParts(parts: PoolParts): void {
  installed = parts;
}

export function arePoolsLoaded(): boolean {
  return installed !== null;
}

/** What pools are made of, loaded now if need be. */
export function poolParts(): PoolParts {
  if (installed === null) late.needed.installPools();
  return installed as unknown as PoolParts;
}
