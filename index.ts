/** This is the package's main entry: the runtime, and the worker pool as its default executor. */
export * from "./src/index.ts";

// Worker threads
export { runInExecutor, toThread } from "./workers/eagerexecutor.ts";
export { task } from "./workers/shipping/declared.ts";
export { ShipError, type ShipErrorCode } from "./workers/shipping/shiperror.ts";
