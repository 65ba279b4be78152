/**
 * This is the inner contract of the pool: what the tests try of its parts one by one. It is never re-exported,
 * nothing of the package imports it, and it is not in the tarball: what users have is `index`.
 */

export type { ActorHome } from "./executor/calls.ts";
export { CodeBook } from "./executor/codebook.ts";
export { isBound, type Job, priorityOf } from "./executor/job.ts";
export { settingsOf, type WorkerPoolOptions } from "./executor/options.ts";
export { type Time, timeOf } from "./executor/time.ts";
export { PoolView } from "./executor/view.ts";
export type { LinkOwner, ThreadDeath, WorkerLink, WorkerSource } from "./executor/workerlink.ts";
export { Session } from "./host/session.ts";
export { SlotTable } from "./host/slottable.ts";
export { type CloseOptions, type CloseReport, Closing } from "./pool/closing.ts";
export { JobQueue } from "./pool/jobqueue.ts";
export { Scheduler } from "./pool/scheduler.ts";
export { INDEX_SHIFT, statusOf } from "./shared/barriersections.ts";
export { arriveSteps, breakSteps, sendAwaySteps } from "./shared/barriersteps.ts";
export { create, type GateSetup, type Layout, OWN } from "./shared/memory.ts";
export * as queueSections from "./shared/queuesections.ts";
export { NEXT, records, THREAD, TICKET, takeRecord, WAITING } from "./shared/records.ts";
export { roster, rowOf, self } from "./shared/roster.ts";
export * as sections from "./shared/sections.ts";
export {
  callSteps,
  notifySteps,
  recoverSteps,
  type Steps,
  serveSteps,
  shutSteps,
} from "./shared/steps.ts";
export { installLoader, threadLoader } from "./shipping/loader.ts";
export { refuseWhileLoading, whileLoading } from "./shipping/loading.ts";
export { rebuild } from "./shipping/rebuild.ts";
export type { AnyFunction, Recipe } from "./shipping/recipe.ts";
export { giveUp, ship } from "./shipping/ship.ts";
export type { ShipMode } from "./shipping/shipment.ts";
export { mapStack } from "./shipping/stacks.ts";
export { Functions } from "./thread/functions.ts";
export { HELD_END, Held, HeldReader, readReplies } from "./wire/held.ts";
export {
  BUCKETS,
  cancelRequested,
  claim,
  count,
  FREE,
  histogramOf,
  isRunning,
  JOBS_STARTED,
  QUEUED,
  RUNNING,
  reclaim,
  requestCancel,
  ShortCalls,
  SLOT_COUNT,
  slotsIn,
} from "./wire/memory.ts";
export { decodeThrown, type Encoded } from "./wire/serialize.ts";
