// These tests take what other pools get wrong, each as a thing that works here. What stands elsewhere: cancels in
// `cancel`, deaths of threads in `crash`, endings in `close`, errors in `pool`, callbacks in `data`, limits in `queue`.

import { CancelledError, getRunningLoop, run, wait } from "threadloop";
import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import * as peers from "../../fixtures/workers/peers.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("jobs with signals", () => {
  it("share a worker and run at once, as others do", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const all = Array.from({ length: 6 }, () =>
      pool.with({ signal: new AbortController().signal }).submit(jobs.awaitUntilOpen, gate.buffer),
    );
    await gate.at(6);
    gate.open();
    expect(new Set(await Promise.all(all)).size).toBe(1);
  });

  it("are aborted one by one: the neighbours and the thread stay", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const abort = new AbortController();
    const aborted = pool.with({ signal: abort.signal }).submit(jobs.awaitUntilOpen, gate.buffer);
    const neighbour = pool
      .with({ signal: new AbortController().signal })
      .submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(2);
    abort.abort();
    expect(await errorOf(aborted)).toBeInstanceOf(CancelledError);
    gate.open();
    expect(await neighbour).toBe(await pool.submit(jobs.where));
  });
});

describe("a job that gives or throws what cannot be cloned", () => {
  it.each([
    ["its result", jobs.returnsFunction, /returnsFunction.*options\.onDone is a function/],
    ["its error", jobs.throwsUncloneable, /see inside/],
  ])("by %s costs neither the thread nor what runs there", async (_what, fn, message) => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    expect((await errorOf(pool.submit(fn as () => unknown))).message).toMatch(message);
    gate.open();
    expect(await neighbour).toBe(await pool.submit(jobs.where));
  });
});

describe("many jobs", () => {
  it("submitted in one go, more than a ring of 65,536 holds, each get their own result", async () => {
    const pool = makePool({ size: 1 });
    const all = Array.from({ length: 70_000 }, (_, n) => pool.submit(jobs.echo, n));
    let wrong = 0;
    for (const [n, job] of all.entries()) if ((await job) !== n) wrong++;
    expect(wrong).toBe(0);
  });

  it("of one worker report to their own callers", async () => {
    const pool = makePool({ size: 1 });
    const heard = new Map<string, string[]>();
    await Promise.all(
      ["a", "b", "c"].map((name) => {
        const names: string[] = [];
        heard.set(name, names);
        return pool.submit(peers.reportName, name, (said: string) => names.push(said));
      }),
    );
    for (const [name, names] of heard) expect(names).toEqual(Array.from({ length: 5 }, () => name));
  });

  it("with megabytes on their way to a worker that dies are all settled", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const bytes = new Uint8Array(4_000_000);
    const dying = errorOf(pool.submit(jobs.exit, 1));
    const sizes = Array.from({ length: 8 }, () => pool.submit(jobs.byteLength, bytes));
    expect(await dying).toBeInstanceOf(WorkerTerminatedError);
    expect(await Promise.all(sizes)).toEqual(sizes.map(() => bytes.length));
  });
});

describe("close", () => {
  it.each([
    ["a running job is cancelled", {}, jobs.pollAtGate],
    ["the thread of a running job is ended", { cancelGrace: 0 }, jobs.spinForEver],
  ])("while %s and others wait finishes those", async (_, options, job) => {
    const pool = makePool({ size: 1, tasksPerWorker: 1, ...options });
    const gate = new Gate();
    const running = pool.submit(job, gate.buffer);
    await gate.at(1);
    const waiting = [1, 2, 3, 4].map((n) => pool.submit(jobs.echo, n));
    const closed = pool.close();
    running.cancel();
    expect(await errorOf(running)).toBeInstanceOf(CancelledError);
    await closed;
    expect(waiting.map((each) => each.result())).toEqual([1, 2, 3, 4]);
  });

  it("that nobody waits for finishes what runs and what waits", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const all = [1, 2, 3].map(() => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(1);
    void pool.close();
    gate.open();
    expect(await Promise.all(all)).toHaveLength(3);
  });
});

describe("threads", () => {
  it("are made when all others are busy, no more than `size`, and idle ones are used again", async () => {
    const pool = makePool({ size: 3, tasksPerWorker: 3 });
    const homes = new Set<number>();
    vi.useFakeTimers({ toFake: ["setTimeout"] }); // else a job that this machine holds up is moved to a second thread
    onTestFinished(() => void vi.useRealTimers());
    for (let i = 0; i < 5; i++) homes.add(await pool.submit(jobs.where));
    do vi.runOnlyPendingTimers();
    while (vi.getTimerCount() > 0);
    vi.useRealTimers();
    expect(homes.size).toBe(1);
    expect(pool.stats().threads).toBe(1);
    const gate = new Gate();
    const all = Array.from({ length: 9 }, () => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(9);
    gate.open();
    const used = new Set(await Promise.all(all));
    expect(used.size).toBe(3);
    for (const home of homes) expect(used).toContain(home);
  });
});

describe("a job's future", () => {
  it("calls the other done callbacks when one throws, and the loop is told", async () => {
    const pool = makePool();
    const told: unknown[] = [];
    const calls: string[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, { exception }) => told.push(exception));
      const job = pool.submit(jobs.echo, "x");
      const failure = new RangeError("in a callback");
      job.addDoneCallback(() => calls.push("first"));
      job.addDoneCallback(() => {
        throw failure;
      });
      job.addDoneCallback(() => calls.push("last"));
      expect(await job).toBe("x");
      expect(told).toEqual([failure]);
    });
    expect(calls).toEqual(["first", "last"]);
  });

  it("counts once for wait when it is given twice", async () => {
    const pool = makePool();
    await run(async () => {
      const job = pool.submit(jobs.echo, 1);
      expect((await wait([job, job])).done.size).toBe(1);
    });
  });

  it("brings a DOMException as one, with its name", async () => {
    const error = await errorOf(makePool().submit(peers.throwsAbort));
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name: "AbortError", message: "enough" });
  });
});

describe("a map", () => {
  it("that is left by break has stopped what was under way, cleanup included", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const items = [0, 1].map((n) => [n, gate.buffer] as const);
    for await (const first of pool.map(peers.waitUnlessFirst, items)) {
      expect(first).toBe(0);
      await gate.at(1);
      break;
    }
    expect(gate.step).toBe(3);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });
});
