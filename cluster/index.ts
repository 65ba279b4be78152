/**
 * This is `threadloop/cluster`: the same calls on other machines, by way of Redis or Valkey. It needs the packages
 * `bullmq` and `ioredis`.
 */

export type { CloseOptions, CloseReport } from "../workers/pool/closing.ts";
export { ConnectionError, JobLostError, JobRefusedError, PayloadError, WorkerLostError } from "./errors.ts";
export { ClusterExecutor } from "./executor.ts";
export type { ClusterExecutorOptions } from "./options.ts";
export type { MachineInfo } from "./roster.ts";
export type { ClusterStats } from "./stats.ts";
