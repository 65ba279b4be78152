import { CancelledError, createTask, QueueFull, sleep } from "threadloop";
import { PoolClosedError } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { type Executor, errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

/** The order in which jobs ran, as the digits of a number. */
const submitNote = (pool: Pick<Executor, "submit">, gate: Gate, digit: number) =>
  pool.submit(jobs.note, gate.buffer, digit);

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  /** One whose only worker is busy until the gate opens. */
  async function busyPool(options = {}): Promise<{ pool: Executor; gate: Gate }> {
    const pool = make({ size: 1, tasksPerWorker: 1, ...options });
    const gate = new Gate();
    void pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    return { pool, gate };
  }

  describe("jobs that wait", () => {
    it("run first-in first-out", async () => {
      const { pool, gate } = await busyPool();
      const all = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => submitNote(pool, gate, digit));
      gate.open();
      await Promise.all(all);
      expect(gate.words[2]).toBe(123456789);
    });

    it("run the highest priority first, first-in first-out within one", async () => {
      const { pool, gate } = await busyPool();
      const first = submitNote(pool, gate, 3); // is posted ahead, and taken back
      const [high, low] = [pool.with({ priority: 5 }), pool.with({ priority: -5 })];
      const all = [
        submitNote(low, gate, 8),
        submitNote(pool, gate, 4),
        submitNote(high, gate, 1),
        submitNote(pool, gate, 5),
      ];
      all.push(submitNote(low, gate, 9), submitNote(high, gate, 2));
      gate.open();
      await Promise.all([first, ...all]);
      expect(gate.words[2]).toBe(1234589);
    });

    it("beyond maxQueue are refused, and the pool goes on", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 2 });
      const waiting = [submitNote(pool, gate, 1), submitNote(pool, gate, 2)];
      expect(() => submitNote(pool, gate, 4)).toThrow(QueueFull);
      expect(() => submitNote(pool, gate, 4)).toThrow(/2 jobs waiting, its maxQueue.*await pool\.enqueue/);
      gate.open();
      await Promise.all(waiting);
      expect(await pool.submit(jobs.echo, 1)).toBe(1);
    });

    it("with maxQueue 0 are refused when no worker can take one", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 0 });
      expect(() => submitNote(pool, gate, 2)).toThrow(QueueFull);
      gate.open();
      const { job } = await pool.enqueue(jobs.note, gate.buffer, 3);
      await job;
      expect(gate.words[2]).toBe(3); // what was refused never runs
    });

    it("are limited with options such as a signal too", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const view = pool.with({ signal: new AbortController().signal });
      const taken = [submitNote(view, gate, 1)];
      expect(() => submitNote(view, gate, 3)).toThrow(QueueFull);
      gate.open();
      await Promise.all(taken);
    });
  });

  describe("enqueue", () => {
    it("waits for room, in turn", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const taken = [submitNote(pool, gate, 1)];
      const order: number[] = [];
      const waiting = [2, 3, 4].map(async (digit) => {
        const { job } = await pool.enqueue(jobs.note, gate.buffer, digit);
        order.push(digit);
        await job;
      });
      await Promise.resolve();
      expect(order).toEqual([]);
      gate.open();
      await Promise.all([...taken, ...waiting]);
      expect(order).toEqual([2, 3, 4]);
      expect(gate.words[2]).toBe(1234);
    });

    it("lets a producer run no further ahead than the queue is long", async () => {
      const pool = make({ size: 2, maxQueue: 10 });
      let sum = 0;
      for (let i = 0; i < 500; i++) {
        const { job } = await pool.enqueue(jobs.add, i, 0);
        job.addDoneCallback((done) => {
          sum += done.result();
        });
      }
      await pool.close();
      expect(sum).toBe((499 * 500) / 2);
    });

    it("passes room on when the task that was woken for it is cancelled before it can use it", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1, maxQueue: 1 });
      const gate = new Gate();
      const running = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      await gate.at(1);
      const queued = pool.submit(jobs.echo, 0);
      const first = createTask(async () => pool.enqueue(jobs.echo, 1));
      const second = createTask(async () => pool.enqueue(jobs.echo, 2));
      await sleep(20); // the worker has said by now that its job is suspended, which wakes too
      queued.cancel(); // makes room, and wakes the first one
      first.cancel();
      expect(await errorOf(first)).toBeInstanceOf(CancelledError);
      const { job } = await second;
      gate.open();
      expect(await job).toBe(2);
      await running;
    });

    it("gives room to the highest priority first, in turn within one, and the jobs run in that order", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const taken = [submitNote(pool.with({ priority: 9 }), gate, 1)];
      const views = [pool.with({ priority: -1 }), pool, pool.with({ priority: 5 })] as const;
      const submits = [
        [0, 8],
        [1, 5],
        [2, 3],
        [0, 9],
        [1, 6],
        [2, 4],
      ] as const;
      const waiting = submits.map(async ([view, digit]) => {
        const { job } = await views[view].enqueue(jobs.note, gate.buffer, digit);
        await job;
      });
      gate.open();
      await Promise.all([...taken, ...waiting]);
      expect(gate.words[2]).toBe(1345689);
    });

    it("that comes later takes no room from who waits, and who finds it gone keeps the place", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const queued = pool.submit(jobs.echo, 0);
      const order: string[] = [];
      const jobsTaken: PromiseLike<unknown>[] = [];
      const enqueue = (name: string) =>
        createTask(async () => {
          const { job } = await pool.enqueue(jobs.echo, name);
          order.push(name);
          jobsTaken.push(job);
        });
      const tasks = [enqueue("first"), enqueue("second")];
      await sleep(0);
      queued.cancel(); // wakes the first one
      const barging = pool.submit(jobs.echo, "quick"); // takes what it was woken for
      tasks.push(enqueue("third"));
      await sleep(0);
      expect(order).toEqual([]);
      barging.cancel();
      gate.open();
      for (const task of tasks) await task;
      await Promise.all(jobsTaken);
      expect(order).toEqual(["first", "second", "third"]);
    });

    it("is left when the call's signal aborts, before or while it waits, and others keep their turn", async () => {
      const pool = make({ size: 1, maxQueue: 1, tasksPerWorker: 1 });
      const gate = new Gate();
      const blocker = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      await gate.at(1);
      expect(() => {
        for (;;) pool.submit(jobs.echo, 0);
      }).toThrow(QueueFull);
      const controller = new AbortController();
      const view = pool.with({ signal: controller.signal });
      const during = errorOf(view.enqueue(jobs.echo, 1));
      const other = pool.enqueue(jobs.echo, 2);
      controller.abort();
      for (const error of [await during, await errorOf(view.enqueue(jobs.echo, 3))])
        expect(error).toBeInstanceOf(CancelledError);
      gate.open();
      expect(await (await other).job).toBe(2);
      await blocker;
    });

    it("is refused at once when the pool is closed, full or not", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const taken = [submitNote(pool, gate, 1)];
      const closed = pool.close();
      expect(await errorOf(pool.enqueue(jobs.echo, 1))).toBeInstanceOf(PoolClosedError);
      gate.open();
      await Promise.all([closed, ...taken]);
    });

    it("is refused when the pool closes meanwhile", async () => {
      const { pool, gate } = await busyPool({ maxQueue: 1 });
      const taken = [submitNote(pool, gate, 1)];
      const waiting = errorOf(pool.enqueue(jobs.note, gate.buffer, 3));
      await Promise.resolve();
      const closed = pool.close();
      gate.open();
      expect(await waiting).toBeInstanceOf(PoolClosedError);
      await Promise.all([closed, ...taken]);
    });
  });
});
