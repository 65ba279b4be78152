import { run } from "threadloop";
import { InlineExecutor, VirtualClock } from "threadloop/testing";
import { CHECKED_BY_POOLS, type Harness } from "./harness.ts";

/** Jobs run in the thread of the tests, on virtual time. */
export const inline: Harness = {
  name: "InlineExecutor",
  make: (options) => new InlineExecutor(options),
  lacks: [],
  sharesMemory: true,
  checked: CHECKED_BY_POOLS,
  refuses: [
    "minThreads",
    "idleTimeout",
    "blockedAfter",
    "initializer",
    "teardown",
    "preload",
    "ship",
    "attempts",
    "stdout",
    "stderr",
    "recycle",
    "threadName",
    "argv",
    "workerData",
    "resourceLimits",
    "env",
    "execArgv",
  ],
  run: (test) => run(test, { clock: new VirtualClock() }),
};
