// What concurrent.futures promises of an executor, and what CPython's own tests of it try to break.

import {
  asCompleted,
  CancelledError,
  InvalidStateError,
  RuntimeError,
  run,
  TimeoutError,
  wait,
  waitFor,
} from "threadloop";
import { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../support/pools.ts";

describe("an executor", () => {
  it("gives a future for each submit, with result, exception and state", async () => {
    const pool = makePool();
    const job = pool.submit(jobs.add, 2, 3);
    expect(job.done()).toBe(false);
    expect(() => job.result()).toThrow(InvalidStateError);
    expect(await job).toBe(5);
    expect([job.done(), job.cancelled(), job.exception(), job.result()]).toEqual([true, false, null, 5]);
    const failing = pool.submit(jobs.throwTeapot);
    await errorOf(failing);
    expect(failing.exception()).toMatchObject({ name: "Teapot" });
  });

  it("is running between its start and its end only", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const [first, second, third] = [1, 2, 3].map(() => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(1);
    expect([first?.running(), second?.running(), third?.running()]).toEqual([true, false, false]);
    gate.open();
    await Promise.all([first, second, third]);
    expect(first?.running()).toBe(false);
  });

  it("cancels what has not started; a cancel of what is done changes nothing", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const running = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = pool.submit(jobs.echo, 1);
    expect(waiting.cancel()).toBe(true);
    expect(waiting.cancelled()).toBe(true);
    expect(waiting.cancel()).toBe(false);
    expect(() => waiting.exception()).toThrow(CancelledError);
    gate.open();
    await running;
    expect(running.cancel()).toBe(false);
  });

  it("calls done callbacks once, in order, with the future; one that is added later too", async () => {
    const pool = makePool();
    await run(async () => {
      const job = pool.submit(jobs.echo, "x");
      const calls: string[] = [];
      job.addDoneCallback((done) => calls.push(`first ${done.result()}`));
      job.addDoneCallback((done) => calls.push(`second ${done.result()}`));
      await job;
      const later = new Promise<void>((resolve) => {
        job.addDoneCallback(() => resolve());
      });
      await later;
      expect(calls).toEqual(["first x", "second x"]);
    });
  });

  it("works with wait: the finished ones first, whatever the order of submits", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    await run(async () => {
      const slow = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      const quick = pool.submit(jobs.echo, "quick");
      const { done, pending } = await wait([slow, quick], { returnWhen: "FIRST_COMPLETED" });
      expect([done.has(quick), pending.has(slow)]).toEqual([true, true]);
      const late = await wait([slow], { timeout: 5 });
      expect(late.pending.has(slow)).toBe(true);
      gate.open();
      expect((await wait([slow, quick])).done.size).toBe(2);
    });
  });

  it("works with asCompleted and waitFor over several pools", async () => {
    const [one, two] = [makePool({ size: 1 }), makePool({ size: 1 })];
    await run(async () => {
      const values: unknown[] = [];
      const both = [one.submit(jobs.echo, 1), two.submit(jobs.echo, 2)];
      for await (const { future } of asCompleted(both)) values.push(future.result());
      expect([...values].sort()).toEqual([1, 2]);
      const gate = new Gate();
      const blocked = one.submit(jobs.waitAndCleanUp, gate.buffer);
      await expect(waitFor(blocked, 10)).rejects.toBeInstanceOf(TimeoutError);
      expect(blocked.cancelled()).toBe(true);
    });
  });

  it("refuses submits after close with a RuntimeError, from callbacks too", async () => {
    const pool = makePool();
    const job = pool.submit(jobs.echo, 1);
    const refused = new Promise((resolve) => {
      job.addDoneCallback(() => {
        try {
          pool.submit(jobs.echo, 2);
        } catch (error) {
          resolve(error);
        }
      });
    });
    void pool.close();
    expect(await refused).toBeInstanceOf(PoolClosedError);
    expect(await refused).toBeInstanceOf(RuntimeError);
  });

  it("lets close be called twice, at once and without any job", async () => {
    const pool = makePool();
    expect(await Promise.all([pool.close(), pool.close()])).toHaveLength(2);
  });

  it("takes a job that submits from its own done callback", async () => {
    const pool = makePool({ size: 1 });
    const chained = new Promise((resolve) => {
      pool.submit(jobs.echo, 1).addDoneCallback((first) => {
        pool.submit(jobs.add, first.result(), 1).addDoneCallback((second) => resolve(second.result()));
      });
    });
    expect(await chained).toBe(2);
  });
});

describe("what CPython's deadlock tests try", () => {
  const cases: [
    what: string,
    submit: (pool: ReturnType<typeof makePool>) => PromiseLike<unknown>,
    error: abstract new (...args: never[]) => Error,
  ][] = [
    [
      "an argument that cannot be serialised",
      (pool) => pool.submit(jobs.echo, async () => 1).then(() => pool.submit(jobs.echo, [() => 1])),
      CloneError,
    ],
    [
      "an argument whose serialisation throws",
      (pool) =>
        pool.submit(jobs.echo, {
          get bomb(): never {
            throw new RangeError("boom");
          },
        }),
      CloneError,
    ],
    ["a task that exits", (pool) => pool.submit(jobs.exit, 1), WorkerTerminatedError],
    ["a result that cannot be serialised", (pool) => pool.submit(jobs.returnsFunction), CloneError],
    ["a result whose serialisation throws", (pool) => pool.submit(jobs.returnsBomb), CloneError],
    ["a result whose serialisation exits", (pool) => pool.submit(jobs.returnsExit), WorkerTerminatedError],
    ["an error that cannot be serialised", (pool) => pool.submit(jobs.throwsUncloneable), Error],
    [
      "an initializer that exits",
      () => makePool({ size: 1, initializer: jobs.exitingInitializer }).submit(jobs.echo, 1),
      BrokenPoolError,
    ],
  ];

  it.each(cases)("%s settles its job and leaves a pool that works", async (_what, submit, kind) => {
    const pool = makePool({ size: 1 });
    expect(await errorOf(submit(pool))).toBeInstanceOf(kind);
    expect(await pool.submit(jobs.echo, "alive")).toBe("alive");
  });

  it("closing while a worker dies hangs nowhere", async () => {
    const pool = makePool({ size: 1 });
    const job = errorOf(pool.submit(jobs.exit, 1));
    await pool.close();
    expect(await job).toBeInstanceOf(WorkerTerminatedError);
  });

  it("a crash with many jobs waiting settles all of them", async () => {
    const pool = makePool({ size: 2 });
    const all = Array.from({ length: 200 }, (_, i) =>
      i % 50 === 7 ? pool.submit(jobs.exit, 1) : pool.submit(jobs.nap, 1, i),
    );
    const outcomes = await Promise.allSettled(all.map((job) => job.toPromise()));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(WorkerTerminatedError);
      else expect(outcome.value).toBe(i);
    }
    expect(outcomes.filter(({ status }) => status === "rejected").length).toBeGreaterThanOrEqual(4);
  });

  it("an idle worker that dies is replaced", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.exitSoon, 5);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await pool.submit(jobs.echo, "alive")).toBe("alive");
  });
});

describe("what other pools get wrong", () => {
  it("the loop of a worker turns between its jobs: its timers run while it is idle", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    await pool.submit(jobs.tickAtGate, gate.buffer, 5);
    await gate.at(5);
  });

  it("cancelling a running job really stops it", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const job = pool.submit(jobs.countAtGate, gate.buffer);
    await gate.at(10);
    job.cancel();
    expect(await errorOf(job)).toBeInstanceOf(CancelledError);
    const counted = gate.step;
    await pool.submit(jobs.nap, 20, 0);
    expect(gate.step).toBe(counted);
  });

  it("a slow job that is cancelled while others wait takes nobody with it", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const slow = pool.submit(jobs.pollAtGate, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 20 }, (_, i) => pool.submit(jobs.echo, i));
    slow.cancel();
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it("close waits for every worker, not for the first idle one", async () => {
    const pool = makePool({ size: 2 });
    const [short, long] = [pool.submit(jobs.nap, 1, "short"), pool.submit(jobs.nap, 200, "long")];
    await pool.close();
    expect([short.result(), long.result()]).toEqual(["short", "long"]);
  });

  it("messages of a job arrive before its result, in order", async () => {
    const pool = makePool();
    for (let round = 0; round < 20; round++) {
      const seen: number[] = [];
      await pool.submit(jobs.reportProgress, 3, (n: number) => seen.push(n));
      expect(seen).toEqual([1, 2, 3]);
    }
  });
});
