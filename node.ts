/** This is the package's main entry as Node itself loads it: `index`, whose pools are loaded with the first call. */
import { installLateExecutor } from "./workers/lateexecutor.ts";

export * from "./src/index.ts";

// Worker threads
export { runInExecutor, toThread } from "./workers/lateexecutor.ts";
export { task } from "./workers/shipping/declared.ts";
export { ShipError, type ShipErrorCode } from "./workers/shipping/shiperror.ts";

installLateExecutor();
