import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, sleep } from "threadloop";
import { ClusterExecutor } from "threadloop/cluster";
import { afterAll, beforeAll } from "vitest";
import { wordsOf } from "../../fixtures/workers/gatewords.mjs";
import { type RedisServer, startRedis } from "../../support/redisserver.ts";
import type { Executor, ExecutorOptions, Harness } from "./harness.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const secret = "of the tests";
/** The process with the machines, one for each executor that a test makes. */
const machines = fork(join(root, "test/fixtures/cluster/machines.mjs"), { cwd: root });
let redis: RedisServer;
let folder: string;
let made: ClusterExecutor[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "threadloop-gates-"));
  redis = await startRedis();
});
afterAll(async () => {
  machines.disconnect();
  await redis[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Jobs run in the threads of another process, and what crosses goes through a Redis. */
const cluster: Harness = {
  name: "ClusterExecutor",
  make: ({ size, tasksPerWorker, cancelGrace, ...options }: ExecutorOptions = {}): Executor => {
    const queue = randomUUID();
    const shared = { url: redis.url, modules: root, secret };
    machines.send({
      queue,
      options: {
        ...shared,
        threads: size,
        allowSource: true,
        ...(tasksPerWorker !== undefined && { tasksPerWorker }),
        ...(cancelGrace !== undefined && { cancelGrace }),
      },
    });
    const executor = new ClosingWithMachine({ ...shared, queue, ship: "auto", ...options }, () =>
      machines.send({ queue }),
    );
    made.push(executor);
    return executor;
  },
  lacks: [],
  sharesMemory: false,
  checked: [{ maxQueue: -1 }, { ahead: 0 }, { connectTimeout: Number.NaN }, { maxPayload: 1 }],
  refuses: [
    "minThreads",
    "idleTimeout",
    "blockedAfter",
    "initializer",
    "teardown",
    "recycle",
    "env",
    "stdout",
  ],
  run: async (test) => {
    made = [];
    await run(test);
  },
};

export const harnesses: readonly Harness[] = [cluster];

class ClosingWithMachine extends ClusterExecutor {
  readonly #whenClosed: () => void;

  constructor(options: ConstructorParameters<typeof ClusterExecutor>[0], whenClosed: () => void) {
    super(options);
    this.#whenClosed = whenClosed;
  }

  override close(options = {}) {
    const report = super.close(options);
    void report.then(this.#whenClosed);
    return report;
  }
}

/** A gate in a file. Who is at it has begun; that is known here when its machine has answered a question. */
export class FileGate {
  readonly #file = join(folder, randomUUID());

  constructor() {
    writeFileSync(this.#file, "");
  }

  /** Jobs take it for what `wordsOf` takes. */
  get buffer(): SharedArrayBuffer {
    return this.#file as unknown as SharedArrayBuffer;
  }

  get words(): Int32Array {
    return Int32Array.from([0, 1, 2], (at) => wordsOf(this.#file).load(at));
  }

  get step(): number {
    return wordsOf(this.#file).load(1);
  }

  reach(step: number): void {
    wordsOf(this.#file).store(1, step);
  }

  open(): void {
    wordsOf(this.#file).store(0, 1);
  }

  async at(step: number): Promise<void> {
    while (this.step < step) await sleep(1);
    for (const executor of made) await executor.tasks({ patience: 5000 });
  }
}
