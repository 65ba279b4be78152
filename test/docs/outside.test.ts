// These tests check the table of docs/outside-run.md: every name in it is tried, inside `run()` and outside.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import * as loop from "threadloop";
import * as threads from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { root } from "../support/examples.ts";

const one = async () => 1;
const soon = (act: () => unknown) => void setTimeout(act, 5);

/** Waits for something that is released later. */
async function locked(lock: loop.Lock | loop.Semaphore | threads.SharedLock | threads.SharedSemaphore) {
  await lock.acquire();
  soon(() => lock.release());
  await lock.with(one);
}

async function waited(event: loop.Event | threads.SharedEvent) {
  soon(() => event.set());
  await event.wait();
}

async function notified(condition: loop.Condition | threads.SharedCondition) {
  const notify = async () => {
    await condition.acquire();
    condition.notify();
    condition.release();
  };
  await condition.acquire();
  soon(notify);
  await condition.wait();
  condition.release();
}

async function passed(barrier: loop.Barrier | threads.SharedBarrier) {
  soon(() => barrier.wait());
  await barrier.wait();
}

async function handed(queue: loop.Queue<number> | threads.SharedQueue<number>) {
  soon(() => queue.put(1));
  expect(await queue.get()).toBe(1);
}

async function pooled(use: (pool: threads.WorkerPool) => unknown) {
  await using pool = new threads.WorkerPool({ size: 1 });
  await use(pool);
}

async function all(items: AsyncIterable<unknown>) {
  for await (const item of items) expect(item).toBeDefined();
}

const countdown = function* () {
  yield 1;
};
class Counter {
  next() {
    return 1;
  }
}

const trials: Readonly<Record<string, () => unknown>> = {
  WorkerPool: () => pooled(() => {}),
  submit: () => pooled((pool) => pool.submit(Math.sqrt, 4)),
  enqueue: () => pooled((pool) => pool.enqueue(Math.sqrt, 4)),
  map: () => pooled((pool) => all(pool.map(Math.sqrt, [4]))),
  stream: () => pooled((pool) => all(pool.stream(countdown))),
  spawn: () => pooled(async (pool) => (await pool.spawn(Counter)).next()),
  broadcast: () => pooled((pool) => pool.broadcast(Math.sqrt, 4)),
  module: () => pooled((pool) => pool.module<typeof import("node:path")>("node:path").basename("a/b")),
  close: () => pooled((pool) => pool.close()),
  runInExecutor: () => loop.runInExecutor(Math.sqrt, 4),
  toThread: () => loop.toThread(Math.sqrt, 4),
  Lock: () => locked(new loop.Lock()),
  Event: () => waited(new loop.Event()),
  Condition: () => notified(new loop.Condition()),
  Semaphore: () => locked(new loop.Semaphore(1)),
  BoundedSemaphore: () => locked(new loop.BoundedSemaphore(1)),
  Barrier: () => passed(new loop.Barrier(2)),
  Queue: () => handed(new loop.Queue()),
  LifoQueue: () => handed(new loop.LifoQueue()),
  PriorityQueue: () => handed(new loop.PriorityQueue()),
  SharedLock: () => locked(new threads.SharedLock()),
  SharedEvent: () => waited(new threads.SharedEvent()),
  SharedCondition: () => notified(new threads.SharedCondition()),
  SharedSemaphore: () => locked(new threads.SharedSemaphore(1)),
  SharedBoundedSemaphore: () => locked(new threads.SharedBoundedSemaphore(1)),
  SharedBarrier: () => passed(new threads.SharedBarrier(2)),
  SharedQueue: () => handed(new threads.SharedQueue()),
  ContextVar: () => new loop.ContextVar("a").set(1),
  copyContext: () => loop.copyContext().run(one),
  Future: async () => {
    const future = new loop.Future();
    soon(() => future.setResult(1));
    await future;
  },
  StreamReader: async () => {
    const reader = new loop.StreamReader();
    soon(() => reader.feedEof());
    await reader.read();
  },
  "coroutine(fn)": async () => await loop.coroutine(one)(),
  isCancelled: () => expect(loop.isCancelled(new loop.CancelledError())).toBe(true),
  currentTask: () => void loop.currentTask(),
  checkCancelled: () => threads.checkCancelled(),
  createTask: () => loop.createTask(one),
  ensureFuture: () => loop.ensureFuture(one),
  asTask: () => loop.asTask(one)(),
  allTasks: () => loop.allTasks(),
  sleep: () => loop.sleep(1),
  wrapPromise: () => loop.wrapPromise(one()),
  gather: () => loop.gather([one]),
  wait: () => loop.wait([loop.createTask(one)]),
  asCompleted: () => all(loop.asCompleted([one])),
  shield: () => loop.shield(one),
  race: () => loop.race([one]),
  any: () => loop.any([one]),
  staggeredRace: () => loop.staggeredRace([one], 1),
  timeout: () => loop.timeout(10_000, one),
  timeoutAt: () => loop.timeoutAt(Number.MAX_SAFE_INTEGER, one),
  moveOnAfter: () => loop.moveOnAfter(10_000, one),
  waitFor: () => loop.waitFor(one, 10_000),
  taskGroup: () => loop.taskGroup(one),
  openConnection: async () => {
    const server = createServer((socket) => socket.end()).listen(0);
    try {
      const { port } = server.address() as { port: number };
      (await loop.openConnection({ host: "localhost", port })).writer.close();
    } finally {
      server.close();
    }
  },
  startServer: async () => (await loop.startServer(() => {}, { host: "127.0.0.1", port: 0 })).close(),
  connectReadPipe: () => loop.connectReadPipe(new PassThrough()),
  connectWritePipe: () => loop.connectWritePipe(new PassThrough()),
  createSubprocess: async () =>
    (await loop.createSubprocess(process.execPath, ["-v"], { stdout: "ignore" })).wait(),
  createSubprocessShell: async () => (await loop.createSubprocessShell("exit 0")).wait(),
  getRunningLoop: () => loop.getRunningLoop(),
  trackAsyncGenerator: () => loop.trackAsyncGenerator((async function* () {})()),
  printTaskTree: () => loop.formatTaskTree(),
  run: () => loop.run(one),
  Runner: async () => {
    const runner = new loop.Runner();
    await runner.run(one);
    await runner.close();
  },
  newEventLoop: async () => {
    const made = loop.newEventLoop();
    try {
      await made.runUntilComplete(one);
    } finally {
      made.close();
    }
  },
};

const page = readFileSync(join(root, "docs/outside-run.md"), "utf8");
const rows = [...page.matchAll(/^\| (`.*) \| (yes|no|made).*? \| (yes|no).*? \|$/gm)].flatMap(
  ([, names, inside, outside]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => ({
      name: name!,
      inside: inside!,
      outside: outside!,
    })),
);

const outcome = async (name: string): Promise<"yes" | "no"> => {
  try {
    await trials[name]?.();
    return "yes";
  } catch (error) {
    if (!(error instanceof loop.RuntimeError)) throw error;
    return "no";
  }
};

describe("docs/outside-run.md", () => {
  it("has a trial for each name", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(trials).sort());
  });

  it.each(rows)("says where $name works", async ({ name, inside, outside }) => {
    expect(await outcome(name)).toBe(outside);
    const within = await loop.run(() => outcome(name));
    expect(within).toBe(inside === "made" ? "no" : inside);
  });
});
