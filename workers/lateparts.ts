// This is what a program gets at once, by one `require`, with its first call that needs a thread: see `lateexecutor`.
export { Future } from "../src/core.ts";
export { makeDefaultExecutor, runInExecutor, toThread } from "./defaultexecutor.ts";
export { poolParts } from "./latepools.ts";
