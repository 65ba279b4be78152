import { BrokenPoolError, CloneError, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

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

  it("a slow job that is cancelled while others wait takes nobody with it", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const slow = pool.submit(jobs.pollAtGate, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 20 }, (_, i) => pool.submit(jobs.echo, i));
    slow.cancel();
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
