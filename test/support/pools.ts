// Pools that are closed after each test, and hand-shakes with worker threads over shared memory.
import { WorkerPool, type WorkerPoolOptions } from "threadloop/workers";
import { afterEach, vi } from "vitest";

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

/** Shared memory to talk with a job: `open()` lets those go that wait at it, `at(step)` waits until a job has come so far. */
export class Gate {
  readonly buffer = new SharedArrayBuffer(16);
  readonly words: Int32Array = new Int32Array(this.buffer);

  /** Lets every job go that waits at the gate, now and later. */
  open(): void {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
  }

  /** How many jobs have come to the gate, or how far one has come. */
  get step(): number {
    return Atomics.load(this.words, 1);
  }

  async at(step: number): Promise<void> {
    await vi.waitUntil(() => this.step >= step, { timeout: 20_000, interval: 1 });
  }
}

/** The error that a job ends with. */
export async function errorOf(job: PromiseLike<unknown>): Promise<Error> {
  try {
    await job;
  } catch (error) {
    return error as Error;
  }
  throw new Error("Expected the job to fail");
}

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
