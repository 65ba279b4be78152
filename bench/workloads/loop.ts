// This is what tasks cost, written as peers/asyncio_loop.py has it on CPython, line by line. Each workload runs
// inside a loop and performs `count` operations; `memory` returns bytes a task, the others are timed from outside.
import { CancelledError, createTask, Future, gather, getRunningLoop, Lock, Queue, sleep } from "threadloop";

async function switchTasks(count: number, tasks: number): Promise<void> {
  const spinner = async () => {
    for (let i = 0; i < count / tasks; i++) await sleep(0);
  };
  await gather(Array.from({ length: tasks }, () => createTask(spinner)));
}

async function switch1(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await sleep(0);
}

function switch100(count: number): Promise<void> {
  return switchTasks(count, 100);
}

async function create(count: number): Promise<void> {
  const nothing = async () => {};
  for (let i = 0; i < count; i++) await createTask(nothing);
}

async function doneFuture(count: number): Promise<void> {
  const future = getRunningLoop().createFuture<number>();
  future.setResult(1);
  for (let i = 0; i < count; i++) await future;
}

async function cancel(count: number): Promise<void> {
  const loop = getRunningLoop();
  const waitForEver = async () => {
    await new Future(loop);
  };
  for (let i = 0; i < count; i++) {
    const task = createTask(waitForEver);
    await sleep(0);
    task.cancel();
    try {
      await task;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }
}

async function gatherAll(count: number): Promise<void> {
  const results = await gather(Array.from({ length: count }, () => async () => 1));
  if (results.length !== count || results.some((result) => result !== 1)) throw new Error("A result is lost");
}

async function lock(count: number): Promise<void> {
  const lock = new Lock();
  const user = async () => {
    for (let i = 0; i < count / 2; i++) {
      await lock.acquire();
      try {
        await sleep(0);
      } finally {
        lock.release();
      }
    }
  };
  await gather(createTask(user), createTask(user));
}

async function queue(count: number): Promise<void> {
  const queue = new Queue<number>(1);
  const producer = async () => {
    for (let item = 0; item < count; item++) await queue.put(item);
  };
  const consumer = async () => {
    for (let item = 0; item < count; item++)
      if ((await queue.get()) !== item) throw new Error("Out of order");
  };
  await gather(createTask(producer), createTask(consumer));
}

/** Spread so that a thousand fall due each millisecond: one microsecond of each figure is the waiting. */
async function sleeps(count: number): Promise<void> {
  const sleeper = (index: number) => sleep(((index * 7919) % count) / 1000);
  await gather(Array.from({ length: count }, (_, index) => createTask(async () => await sleeper(index))));
}

async function tasks(count: number): Promise<void> {
  const one = async () => {
    await sleep(0);
  };
  for (const task of Array.from({ length: count }, () => createTask(one))) await task;
}

/** Bytes of heap for each task that sleeps. Needs `--expose-gc`. */
async function memory(count: number): Promise<number> {
  const before = usedHeap();
  const sleepers = Array.from({ length: count }, () =>
    createTask(async () => {
      await sleep(3_600_000);
    }),
  );
  await sleep(0);
  const after = usedHeap();
  for (const task of sleepers) task.cancel();
  await gather(sleepers, { returnExceptions: true });
  return (after - before) / count;
}

function usedHeap(): number {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

const workloads = {
  switch1,
  switch100,
  create,
  doneFuture,
  cancel,
  gatherAll,
  lock,
  queue,
  sleeps,
  tasks,
  memory,
};

export type LoopWorkload = keyof typeof workloads;

/** Runs a workload on the running loop: nanoseconds, or what it returns, for each operation. */
export async function runWorkload(name: LoopWorkload, count: number): Promise<number> {
  const start = performance.now();
  const result = await workloads[name](count);
  return typeof result === "number" ? result : ((performance.now() - start) * 1e6) / count;
}
