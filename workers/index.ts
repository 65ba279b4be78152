/** The worker pool, and what code inside a worker uses. */

export { checkCancelled } from "./current.ts";
export { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "./errors.ts";
export type { Job } from "./job.ts";
export type { CallOptions, WorkerPoolOptions } from "./options.ts";
export { type CloseOptions, type CloseReport, type PoolView, WorkerPool } from "./pool.ts";
export { registerErrors } from "./serialize.ts";
export { task } from "./shipping/declared.ts";
export type { ShipMode } from "./shipping/ship.ts";
export { ShipError, type ShipErrorCode } from "./shipping/shiperror.ts";
export { transfer } from "./transfer.ts";
