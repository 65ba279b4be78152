// These tests have several things at once in one job, and jobs of which nobody knows beforehand whether they wait.
import { currentTask, Event, moveOnAfter, run, TimeoutError, timeout } from "threadloop";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/flows.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("A job with several flows", () => {
  it("has each block end what is in it, and nothing else", async () => {
    expect(await makePool({ size: 1 }).submit(jobs.blocks)).toEqual([
      "TimeoutError",
      "TimeoutError",
      undefined,
      "ExceptionGroup",
      "winner",
      "beside",
      "bare",
    ]);
  });

  it("has handlers with tasks of their own, and their deadlines end them alone", async () => {
    expect(await makePool({ size: 1 }).submit(jobs.handlers)).toEqual(["one", "two"]);
  });

  it("is cancelled in all of them", async () => {
    const gate = new Gate();
    const job = makePool({ size: 1 }).submit(jobs.cancelled, gate.words);
    await gate.at(1);
    job.cancel();
    expect(await job).toEqual(["CancelledError", "CancelledError"]);
  });

  it("is not what a task of it is", async () => {
    expect(await makePool({ size: 1 }).submit(jobs.childCancelled)).toEqual(["CancelledError", "beside"]);
  });
});

describe("A function that was synchronous when it was first called", () => {
  it.each([
    ["timeout", "TimeoutError"],
    ["late timeout", ["TimeoutError"]],
    ["in a context", ["TimeoutError"]],
    ["task", "sometimes"],
  ])("has its deadline and task when it waits after all (%s)", async (what, ended) => {
    const pool = makePool({ size: 1 });
    expect(await pool.submit(jobs.sometimes, "nothing")).toBe("nothing");
    expect(await pool.submit(jobs.sometimes, what)).toEqual(ended);
    expect(await pool.submit(jobs.sometimes, "nothing")).toBe("nothing");
  });

  it("is cancelled at its await, and its thread lives on", async () => {
    const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
    const gate = new Gate();
    await pool.submit(jobs.sometimes, "nothing");
    const job = pool.submit(jobs.sometimes, "wait", gate.words);
    await gate.at(1);
    job.cancel();
    expect(await job).toEqual(["CancelledError"]);
  });

  it("fails with what it throws, also when it began a wait before", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.sometimes, "nothing");
    expect(await errorOf(pool.submit(jobs.sometimes, "throw"))).toEqual(new RangeError("thrown"));
  });

  it("leaves timers behind in whose callbacks deadlines hold", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.sometimes, "nothing");
    expect(await pool.submit(jobs.sometimes, "left behind")).toBe("left");
    expect(await pool.submit(jobs.sometimes, "what was left behind")).toEqual(["TimeoutError"]);
  });
});

describe("A job in a block of its caller", () => {
  it("is ended by the block's deadline, and not by one beside it", () =>
    run(async () => {
      const pool = makePool();
      const gate = new Gate();
      const [ended, beside] = await Promise.allSettled([
        timeout(20, () => pool.submit(jobs.cancelled, gate.words)),
        moveOnAfter(1e9, () => pool.submit(jobs.blocks)),
      ]);
      expect((ended as PromiseRejectedResult).reason).toBeInstanceOf(TimeoutError);
      expect((beside as PromiseFulfilledResult<unknown[]>).value).toHaveLength(7);
    }));

  it("calls back into the block: a deadline in the callback ends the callback, and the job goes on", () =>
    run(async () => {
      const pool = makePool({ size: 1 });
      const callback = async () => (await moveOnAfter(5, () => new Event().wait())) ?? "moved on";
      expect(await timeout(1e9, () => pool.submit(jobs.askTwice, callback))).toEqual([
        "moved on",
        "moved on",
      ]);
      expect(currentTask()!.cancelling()).toBe(0);
    }));
});
