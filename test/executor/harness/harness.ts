/**
 * This is what the suite of executors needs to know of one. A further executor joins it with one file like those beside this
 * one, and a line in `index`.
 */

import { sleep } from "threadloop";
import type {
  CloseOptions,
  CloseReport,
  PoolStats,
  PoolView,
  TaskForest,
  WorkerPool,
} from "threadloop/workers";
import { expect, it as vitestIt } from "vitest";
import { errorOf, Gate as SharedGate } from "../../support/gate.ts";

/** What an executor is made with, as far as all have it. */
export interface ExecutorOptions {
  readonly size?: number;
  readonly tasksPerWorker?: number;
  readonly maxQueue?: number;
  readonly cancelGrace?: number;
  readonly name?: string;
  readonly context?: NonNullable<import("threadloop/workers").WorkerPoolOptions["context"]>;
}

/** What every executor offers. */
export interface Executor extends PoolView {
  close(options?: CloseOptions): Promise<CloseReport>;
  stats(): PoolStats;
  tasks(): Promise<TaskForest>;
  spawn: WorkerPool["spawn"];
  broadcast: WorkerPool["broadcast"];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Harness {
  readonly name: string;
  /** Makes one, of two workers unless told otherwise. */
  make(options?: ExecutorOptions): Executor;
  /** Methods of a pool that it has not, and refuses by name. */
  readonly lacks: readonly ("spawn" | "broadcast")[];
  /** Whether its jobs see memory that their caller shares with them. */
  readonly sharesMemory: boolean;
  /** Options that it has, each with a value that is wrong. */
  readonly checked: readonly object[];
  /** Options of a pool that it has not, and refuses by name. */
  readonly refuses: readonly string[];
  /** Runs a test on a loop, on whose clock the limits of its jobs are counted or not. */
  run(test: () => Promise<void>): Promise<void>;
}

/** What the tests of one executor are written with. */
export function suiteOf(harness: Harness) {
  let made: Executor[] = [];

  /** An executor that is closed after the test. */
  function make(options: ExecutorOptions = {}): Executor {
    const executor = harness.make({ size: 2, ...options });
    made.push(executor);
    return executor;
  }

  /** A test that is a program of a loop. */
  function it(name: string, test: () => Promise<void>): void {
    vitestIt(name, () =>
      harness.run(async () => {
        made = [];
        try {
          await test();
        } finally {
          for (const executor of made) await executor.close({ deadline: 5000 });
        }
      }),
    );
  }

  /** Tests of a method that an executor may lack. */
  function whereOffered(method: "spawn" | "broadcast", tests: () => void): void {
    if (!harness.lacks.includes(method)) {
      tests();
      return;
    }
    it(`refuses ${method}, by name`, async () => {
      const executor = make() as unknown as Record<string, (what: unknown) => PromiseLike<unknown>>;
      const error = await errorOf((async () => await executor[method]?.(class {}))());
      expect(error.message).toContain(method);
    });
  }

  return { make, it, whereOffered };
}

/** Options that a pool checks. */
export const CHECKED_BY_POOLS: readonly object[] = [
  { size: 0 },
  { tasksPerWorker: 0.5 },
  { maxQueue: -1 },
  { cancelGrace: Number.NaN },
];

/** Waits by sleeping, so that a virtual clock goes on in steps of a millisecond. */
export class Gate extends SharedGate {
  override async at(step: number): Promise<void> {
    while (this.step < step) await sleep(1);
  }
}
