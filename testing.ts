/** `threadloop/testing`: time that jumps, and an executor that needs no threads. */
export { VirtualClock, type VirtualClockOptions } from "./src/testing.ts";
export { InlineExecutor, type InlineExecutorOptions } from "./workers/testing/inlineexecutor.ts";
