// This is all that `threadloop/workers` exports.

export type { Actor, ActorClass } from "./executor/actor.ts";
export { checkCancelled } from "./executor/currentjob.ts";
export type { Job } from "./executor/job.ts";
export { bindContext, jobContext } from "./executor/jobcontext.ts";
export type { JobEvent, JobMoved, JobSettled, JobStarted, JobSubmitted } from "./executor/jobevents.ts";
export type { MapOptions } from "./executor/map.ts";
export type { CallOptions, RecycleOptions, WorkerPoolOptions } from "./executor/options.ts";
export type { RemoteFunction, RemoteModule } from "./executor/remotemodule.ts";
export type { JobStream } from "./executor/stream.ts";
export type { PoolView } from "./executor/view.ts";
export type { PoolStats, WorkerStats } from "./observe/stats.ts";
export type { TaskForest, TaskNode, ThreadTree } from "./observe/tasktree.ts";
export type { PoolTrace } from "./observe/trace.ts";
export type { WorkerBlocked } from "./observe/watchdog.ts";
export type { CloseOptions, CloseReport } from "./pool/closing.ts";
export {
  OwnerDiedError,
  SharedBarrier,
  SharedBoundedSemaphore,
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedQueue,
  type SharedQueueOptions,
  SharedSemaphore,
} from "./shared/index.ts";
export { task } from "./shipping/declared.ts";
export { ShipError, type ShipErrorCode } from "./shipping/shiperror.ts";
export type { ShipMode } from "./shipping/shipment.ts";
export { registerErrors } from "./wire/errorclasses.ts";
export { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "./wire/errors.ts";
export { packed, unpacked } from "./wire/message.ts";
export { transfer } from "./wire/transfer.ts";
export { WorkerPool } from "./workerpool.ts";
