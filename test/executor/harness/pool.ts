import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { CHECKED_BY_POOLS, type Harness } from "./harness.ts";

/** Jobs run in threads, and take real time. */
export const pool: Harness = {
  name: "WorkerPool",
  make: (options) => new WorkerPool(options),
  lacks: [],
  sharesMemory: true,
  checked: CHECKED_BY_POOLS,
  refuses: [],
  run: (test) => run(test),
};
