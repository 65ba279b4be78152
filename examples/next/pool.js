import { WorkerPool } from "threadloop/workers";

// One for the process: Next has a copy of this module in each bundle.
globalThis.pool ??= new WorkerPool({ maxQueue: 100 });

export const pool = globalThis.pool;
