// This is what a program gets at once, by one `require` or `import`, with its first call that needs a thread: see
// `lateexecutor`.
import { expectPools } from "./latepools.ts";

export { Future } from "../src/core.ts";
export { makeDefaultExecutor, runInExecutor, toThread } from "./defaultexecutor.ts";
export { importPools, poolParts } from "./latepools.ts";
export { calledFrom, sitesIn } from "./shipping/callsites.ts";

expectPools(() => import("./poolparts.ts"));
