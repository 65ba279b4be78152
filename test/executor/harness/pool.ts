import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import type { Harness } from "./harness.ts";

/** Jobs run in threads, and take real time. */
export const pool: Harness = {
  name: "WorkerPool",
  make: (options) => new WorkerPool(options),
  lacks: [],
  refuses: [],
  run: (test) => run(test),
};
