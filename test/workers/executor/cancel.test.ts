import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import { CancelledError, createTask, run, runInExecutor, sleep, TimeoutError } from "threadloop";
import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

/** Replaces the timers of the runtime, which are not those of the global object. */
function useTimers({ setTimeout, clearTimeout }: Pick<typeof timers, "setTimeout" | "clearTimeout">): void {
  Object.assign(timers, { setTimeout, clearTimeout });
  syncBuiltinESMExports();
}

describe("the cancel ladder", () => {
  it("stops synchronous code at checkCancelled, and the thread lives on", async () => {
    const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
    const thread = await pool.submit(jobs.where);
    const gate = new Gate();
    const job = pool.submit(jobs.pollAtGate, gate.buffer);
    await gate.at(1);
    job.cancel("enough");
    expect(await errorOf(job)).toEqual(new CancelledError("enough"));
    expect(await pool.submit(jobs.where)).toBe(thread);
  });

  it("ends the thread of code that goes on beyond the grace, and replaces it", async () => {
    const pool = makePool({ size: 1, cancelGrace: 20 });
    const thread = await pool.submit(jobs.where);
    const gate = new Gate();
    const job = pool.submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    job.cancel();
    expect(await errorOf(job)).toBeInstanceOf(CancelledError);
    expect(await pool.submit(jobs.where)).not.toBe(thread);
  });

  it("ends the thread at once when the grace is 0", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const job = pool.with({ cancelGrace: 0 }).submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    job.cancel();
    expect(await errorOf(job)).toBeInstanceOf(CancelledError);
  });

  it("moves unstarted neighbours, runs idempotent ones again and fails the others when it ends a thread", async () => {
    const pool = makePool({ size: 1, cancelGrace: 20 });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.nap, 60_000, "lost");
    const again = pool.with({ idempotent: true }).submit(jobs.nap, 50, "again");
    const job = pool.submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    const unstarted = pool.submit(jobs.echo, "moved");
    job.cancel();
    const error = await errorOf(neighbour);
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).toMatchObject({
      job: "spinForEver",
      culprit: false,
      message: expect.stringContaining("`nap`"),
    });
    expect(await again).toBe("again");
    expect(await unstarted).toBe("moved");
    expect(job.cancelled()).toBe(true);
  });
});

describe("timeout", () => {
  it("stops an endless loop, with its thread", async () => {
    const pool = makePool({ cancelGrace: 10 });
    expect(
      await errorOf(pool.with({ timeout: 10 }).submit(jobs.spinForEver, new Gate().buffer)),
    ).toBeInstanceOf(TimeoutError);
  });

  it("counts anew when the job runs again because its thread died", async () => {
    const { setTimeout, clearTimeout } = timers;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    useTimers(globalThis);
    try {
      const [first, second] = [new Gate(), new Gate()];
      const view = makePool({ size: 1 }).with({ idempotent: true, timeout: 1_000_000 });
      const job = view.submit(jobs.exitThenWait, first.buffer, second.buffer);
      await vi.waitUntil(() => first.step === 1 && vi.getTimerCount() > 0, { timeout: 20_000 });
      vi.advanceTimersByTime(600_000);
      first.open();
      await second.at(1);
      vi.advanceTimersByTime(600_000);
      second.open();
      expect(await job).toBe("done");
    } finally {
      vi.useRealTimers();
      useTimers({ setTimeout, clearTimeout });
    }
  });
});

describe("a group that spans threads", () => {
  it("does not leave an endless loop behind", async () => {
    const gate = new Gate();
    await run(async () => {
      const task = createTask(async () => runInExecutor(jobs.pollAtGate, gate.buffer));
      while (gate.step === 0) await sleep(1);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
    });
  });
});
