// These are pools that are closed after each test.
import { WorkerPool, type WorkerPoolOptions } from "threadloop/workers";
import { afterEach } from "vitest";

export { errorOf, Gate } from "./gate.ts";

const pools: WorkerPool[] = [];

/** A pool of two threads, unless told otherwise, that is closed after the test. */
export function makePool(options: WorkerPoolOptions = {}): WorkerPool {
  const pool = new WorkerPool({ size: 2, ...options });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close({ deadline: 5000 })));
});

/** The next process warning of this code. */
export function warningOf(code: string): Promise<Error> {
  return new Promise((resolve) => {
    const look = (warning: Error & { code?: string }) => {
      if (warning.code !== code) return;
      process.off("warning", look);
      resolve(warning);
    };
    process.on("warning", look);
  });
}
