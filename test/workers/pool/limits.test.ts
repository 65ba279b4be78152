// These tests are about the limits of a pool: how many jobs may wait, in which order they start, and that many of
// anything cost no more than in proportion.
import { createTask, getRunningLoop, QueueFull, run, runInExecutor } from "threadloop";
import type { Job, PoolView, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { claim, JOBS_STARTED, JobQueue, ShortCalls, SlotTable } from "../../../dist/workers/core.js";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

/** Submits until the pool refuses, `most` times at most. */
function fill(submit: () => Job<unknown>, most = 1000): Job<unknown>[] {
  const taken: Job<unknown>[] = [];
  try {
    while (taken.length < most) taken.push(submit());
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
  }
  return taken;
}

/** As many threads as the pool has are busy with the gate. */
async function occupy(
  pool: WorkerPool,
  threads: number,
  job: (gate: SharedArrayBuffer) => unknown,
): Promise<Gate> {
  const gate = new Gate();
  for (let i = 1; i <= threads; i++) {
    void pool.submit(job, gate.buffer);
    await gate.at(i);
  }
  return gate;
}

describe("maxQueue", () => {
  it.each([
    [1, 0],
    [1, 3],
    [2, 3],
    [4, 1],
  ])("is exact from the first job on: %i threads and %i waiting", async (size, maxQueue) => {
    const gate = new Gate();
    const pool = makePool({ size, maxQueue });
    const taken = fill(() => pool.submit(jobs.blockUntilOpen, gate.buffer));
    expect(taken).toHaveLength(size + maxQueue);
    expect(pool.stats().queued).toBeLessThanOrEqual(size + maxQueue);
    gate.open();
    await Promise.all(taken);
  });

  it.each([
    ["a closure", () => () => 1],
    ["one made by new Function", () => new Function("return 1") as () => number],
    ["an async one", () => async () => 1],
  ])("counts jobs whose function is on its way: %s", async (_, make) => {
    const pool = makePool({ size: 1, maxQueue: 3 });
    const fn = make() as () => number;
    const taken = fill(() => pool.submit(fn));
    expect(taken).toHaveLength(4);
    expect(await Promise.all(taken)).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ["synchronous jobs", jobs.blockUntilOpen, Number.POSITIVE_INFINITY],
    ["coroutines, one at once in a thread", jobs.awaitUntilOpen, 1],
  ])("counts what is posted ahead: %s", async (_, job, tasksPerWorker) => {
    for (const size of [1, 2]) {
      const pool = makePool({ size, tasksPerWorker, maxQueue: 3 });
      await Promise.all(Array.from({ length: 3 }, () => pool.submit(jobs.echo, 0)));
      const gate = await occupy(pool, size, job);
      const taken = fill(() => pool.submit(jobs.echo, 1));
      expect(taken).toHaveLength(3);
      gate.open();
      await Promise.all(taken);
    }
  });

  it("gives room again when a job that waits is cancelled, wherever it waits", async () => {
    const pool = makePool({ size: 1, maxQueue: 4 });
    const gate = await occupy(pool, 1, jobs.blockUntilOpen);
    const taken = fill(() => pool.submit(jobs.echo, 1));
    const waiting = [5, 6, 7, 8].map((n) => pool.enqueue(jobs.echo, n));
    for (const job of taken) job.cancel();
    const entered = await Promise.all(waiting);
    expect(entered).toHaveLength(4);
    expect(() => pool.submit(jobs.echo, 9)).toThrow(QueueFull);
    gate.open();
    expect(await Promise.all(entered.map(({ job }) => job))).toEqual([5, 6, 7, 8]);
  });

  it("lets `enqueue` never have more than so many waiting", async () => {
    const pool = makePool({ size: 2, maxQueue: 3, tasksPerWorker: 1 });
    let most = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const { job } = await pool.enqueue(jobs.nap, n % 2, n);
        most = Math.max(most, pool.stats().queued);
        await job;
      }),
    );
    expect(most).toBeLessThanOrEqual(3 + 2); // two threads begin theirs at once
  });
});

describe("priorities", () => {
  it("hold among all coroutines that have not started", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    await pool.submit(jobs.nap, 1, 0);
    const gate = await occupy(pool, 1, jobs.awaitUntilOpen);
    const priorities = Array.from({ length: 60 }, (_, n) => (n * 7919) % 5);
    const views = [0, 1, 2, 3, 4].map((priority) => pool.with({ priority }));
    const log = new SharedArrayBuffer(4 + priorities.length * 4);
    const all: Job<void>[] = [];
    for (const [n, priority] of priorities.entries()) {
      all.push((views[priority] as PoolView).submit(jobs.logStart, log, n));
      if (n % 7 === 3) await new Promise((resolve) => setTimeout(resolve, 1)); // what was submitted so far is posted
    }
    gate.open();
    await Promise.all(all);
    const expected = [...priorities.keys()].sort((a, b) => {
      return (priorities[b] as number) - (priorities[a] as number) || a - b;
    });
    expect([...new Int32Array(log, 4)]).toEqual(expected);
  });

  it("hold for one that comes when others were posted already", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    await pool.submit(jobs.nap, 1, 0);
    const gate = await occupy(pool, 1, jobs.awaitUntilOpen);
    const log = new SharedArrayBuffer(4 + 41 * 4);
    const all = Array.from({ length: 40 }, (_, n) => pool.submit(jobs.logStart, log, n));
    await new Promise((resolve) => setTimeout(resolve, 5));
    all.push(pool.with({ priority: 100 }).submit(jobs.logStart, log, 40));
    gate.open();
    // The thread would begin one of the others meanwhile, were they not taken back by now.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    await Promise.all(all);
    expect(new Int32Array(log, 4)[0]).toBe(40);
  });

  it("may be as many as jobs", () => {
    const queue = new JobQueue();
    const count = 200_000;
    const jobOf = (priority: number) => ({ _extra: { options: { priority } }, done: () => false });
    for (let n = 0; n < count; n++) queue.push(jobOf(((n * 7919) % count) + 1) as never);
    let last = count + 1;
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const { priority } = (job as unknown as ReturnType<typeof jobOf>)._extra.options;
      if (priority >= last) throw new Error(`${priority} came after ${last}`);
      last = priority;
    }
    expect([last, queue.length]).toEqual([1, 0]);
  });
});

describe("a job that moves objects", () => {
  it("does not wait behind a long one while a thread is idle", async () => {
    const pool = makePool({ size: 2 });
    await Promise.all([pool.submit(jobs.nap, 5, 0), pool.submit(jobs.nap, 5, 0)]);
    const gate = new Gate();
    const long = pool.submit(jobs.blockUntilOpen, gate.buffer);
    const moving = Array.from({ length: 20 }, (_, n) => {
      const bytes = new Uint8Array(n);
      return pool.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes);
    });
    expect(await Promise.all(moving)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(long.done()).toBe(false);
    gate.open();
    await long;
  });

  it("does not wait behind a long call of a function that is short else", async () => {
    const pool = makePool({ size: 2 });
    const opened = new Gate();
    opened.open();
    const submit = () => {
      const { buffer } = new Uint8Array(1);
      return pool.with({ transfer: [buffer] }).submit(jobs.blockUntilOpen, opened.buffer);
    };
    for (let n = 0; n < 200; n++) await Promise.all([submit(), submit()]);
    const gate = new Gate();
    const long = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    await new Promise((resolve) => setTimeout(resolve, 5)); // it is long from then on
    for (let n = 0; n < 20; n++) await Promise.all(Array.from({ length: 20 }, submit));
    expect(long.done()).toBe(false);
    gate.open();
    await long;
  });

  it("may be posted behind others as long as all of them are known to be short", () => {
    const table = new SlotTable();
    const thread = new ShortCalls(table.words);
    const callee = { number: 1, shortCalls: 0 } as never;
    const post = (number: number): number => {
      const job = { _code: { number }, _extra: null, _submitted: { at: 0 }, _slot: 0 };
      job._slot = table.take(job as never);
      return job._slot;
    };
    const first = post(1);
    expect(table.isShort).toBe(false);
    for (let n = 0; n < 9; n++) thread.note(callee, 0.01);
    claim(table.words, first);
    table.words[JOBS_STARTED] = 1;
    const second = post(1);
    expect(table.isShort).toBe(true);
    thread.note(callee, 0.2); // its thread may have lost its core
    expect(table.isShort).toBe(true);
    thread.note(callee, 2);
    expect(table.isShort).toBe(false);
    for (let n = 0; n < 9; n++) thread.note(callee, 0.01);
    post(1);
    claim(table.words, second);
    table.words[JOBS_STARTED] = 2;
    expect(table.isShort).toBe(true);
    post(2);
    expect(table.isShort).toBe(false);
    table.reset(false);
    post(1);
    expect(table.isShort).toBe(false);
  });

  it("keeps its turn among others", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = await occupy(pool, 1, jobs.awaitUntilOpen);
    const log = new SharedArrayBuffer(4 + 6 * 4);
    const all = Array.from({ length: 6 }, (_, n) => {
      const view = n % 2 === 0 ? pool : pool.with({ transfer: [new ArrayBuffer(1)] });
      return view.submit(jobs.logStart, log, n);
    });
    gate.open();
    await Promise.all(all);
    expect([...new Int32Array(log, 4)]).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("one AbortSignal for many jobs", () => {
  /** Counts what is done to the listeners of a signal. */
  function counted() {
    const controller = new AbortController();
    const { signal } = controller;
    const counts = { added: 0, removed: 0 };
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      counts.added++;
      add.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      counts.removed++;
      remove.apply(signal, args);
    };
    return { controller, signal, counts };
  }

  it("has one listener, which goes with the last of them", async () => {
    const pool = makePool();
    const { signal, counts } = counted();
    const all = Array.from({ length: 1000 }, (_, n) => pool.with({ signal }).submit(jobs.echo, n));
    expect(counts).toEqual({ added: 1, removed: 0 });
    await Promise.all(all);
    expect(counts).toEqual({ added: 1, removed: 1 });
  });

  it("cancels all of them when it aborts, and those that come later", async () => {
    const pool = makePool({ size: 1 });
    const gate = await occupy(pool, 1, jobs.awaitUntilOpen);
    const { controller, signal } = counted();
    const view = pool.with({ signal });
    const all = Array.from({ length: 40_000 }, (_, n) => view.submit(jobs.nap, 1000, n));
    controller.abort(new Error("enough"));
    const later = view.submit(jobs.echo, 1);
    for (const job of [all[0], all[39_999], later])
      expect((await errorOf(job as Job)).cause).toEqual(new Error("enough"));
    expect(all.every((job) => job.cancelled())).toBe(true);
    gate.open();
  });

  it("has one listener for tasks, and for those who wait for room, too", async () => {
    await run(async () => {
      const { controller, signal, counts } = counted();
      const pool = makePool({ size: 1, maxQueue: 0 });
      const gate = await occupy(pool, 1, jobs.blockUntilOpen);
      const tasks = Array.from({ length: 50 }, () => createTask(() => new Promise(() => {}), { signal }));
      const waiting = Array.from({ length: 50 }, (_, n) =>
        errorOf(pool.with({ signal }).enqueue(jobs.echo, n)),
      );
      expect(counts.added).toBe(1);
      controller.abort();
      for (const error of await Promise.all(waiting)) expect(error.name).toBe("CancelledError");
      expect(tasks.every((task) => task.cancelling() === 1)).toBe(true);
      gate.open();
    });
  });
});

describe("durations beyond what a timer can wait", () => {
  it("are as good as for ever", async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.name);
    process.on("warning", note);
    const days = 30 * 24 * 3600 * 1000;
    const pool = makePool({ size: 1, idleTimeout: days, cancelGrace: days, blockedAfter: days });
    const thread = await pool.with({ timeout: days, queueTimeout: days }).submit(jobs.where);
    expect(String(await pool.tasks({ patience: days }))).toContain("pool");
    await new Promise((resolve) => setTimeout(resolve, 100)); // the session has ended, and an idle thread would have
    expect(pool.stats().threads).toBe(1);
    expect(await pool.submit(jobs.where)).toBe(thread);
    await pool.close({ deadline: days });
    await run(async () => {
      await runInExecutor(jobs.echo, 1);
      await getRunningLoop().shutdownDefaultExecutor(days);
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("a thread that is ended because of many jobs at once", () => {
  it("is ended once", async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.name);
    process.on("warning", note);
    const pool = makePool({ size: 1, cancelGrace: 1 });
    const gate = new Gate();
    const all = Array.from({ length: 30 }, () => pool.submit(jobs.refuseAllCancels, gate.buffer));
    await gate.at(30);
    for (const job of all) job.cancel();
    await Promise.all(all.map((job) => errorOf(job)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("waiting for room", () => {
  it("can be done by very many at once, each in turn", async () => {
    const pool = makePool({ size: 1, maxQueue: 64 });
    const gate = await occupy(pool, 1, jobs.blockUntilOpen);
    const order: number[] = [];
    const count = 20_000;
    const all = Array.from({ length: count }, async (_, n) => {
      const { job } = await pool.enqueue(jobs.echo, n);
      order.push(n);
      return job;
    });
    gate.open();
    await Promise.all(all);
    expect(order).toEqual(Array.from({ length: count }, (_, n) => n));
  });
});
