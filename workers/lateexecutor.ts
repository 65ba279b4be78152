// This is the default executor of a program that Node itself loads: what pools are made of is loaded with the first
// call that needs a thread.
import { Future, setDefaultExecutorFactory } from "../src/core.ts";
import type * as DefaultExecutor from "./defaultexecutor.ts";
import type * as LateParts from "./lateparts.ts";
import { offerLate } from "./observe/endpoint.ts";
import { LateModule } from "./shipping/latemodule.ts";

type Parts = typeof LateParts;

const late = new LateModule<Parts>("workers/lateparts.js", (found) => found.Future === Future);

/** `runInExecutor` of `defaultexecutor`. */
export const runInExecutor: typeof DefaultExecutor.runInExecutor = (fn, ...args) =>
  parts().runInExecutor(fn, ...args);

/** `toThread` of `defaultexecutor`. */
export const toThread: typeof DefaultExecutor.toThread = (fn, ...args) => parts().toThread(fn, ...args);

/** Has loops, and other processes that look in, find what is not loaded yet. */
export function installLateExecutor(): void {
  setDefaultExecutorFactory(() => parts().makeDefaultExecutor());
  offerLate(() => parts().poolParts());
}

const parts = (): Parts => late.needed;
