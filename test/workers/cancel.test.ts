import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import { CancelledError, createTask, run, runInExecutor, sleep, TimeoutError, taskGroup } from "threadloop";
import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../support/pools.ts";

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

  it("takes the result of a coroutine that caught its cancel", async () => {
    const pool = makePool();
    const gate = new Gate();
    const job = pool.submit(jobs.refuseToStop, gate.buffer);
    await gate.at(1);
    expect(job.cancel()).toBe(true);
    expect(await job).toBe("not me");
  });

  it("cancels at once what still waits for its function", async () => {
    const pool = makePool();
    const job = pool.submit(jobs.echo, 1);
    job.cancel();
    expect(job.cancelled()).toBe(true);
    expect(await pool.submit(jobs.echo, 2)).toBe(2);
  });

  it("follows a signal, before, while and after", async () => {
    const pool = makePool();
    const gate = new Gate();
    const controller = new AbortController();
    const view = pool.with({ signal: controller.signal });
    const done = view.submit(jobs.echo, 1);
    await done;
    const job = view.submit(jobs.waitAndCleanUp, gate.buffer);
    await gate.at(1);
    controller.abort("stop it");
    const error = await errorOf(job);
    expect(error).toBeInstanceOf(CancelledError);
    expect(error.cause).toBe("stop it");
    expect(gate.step).toBe(3);
    expect(view.submit(jobs.echo, 1).cancelled()).toBe(true);
    expect(done.result()).toBe(1);
  });
});

describe("timeout", () => {
  it("counts from the start of the run, not from the submit", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const blocker = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    const job = pool.with({ timeout: 50 }).submit(jobs.echo, "in time");
    await sleepFor(100);
    expect(job.done()).toBe(false);
    gate.open();
    await blocker;
    expect(await job).toBe("in time");
  });

  it("stops a coroutine, whose finally blocks run, and fails with TimeoutError", async () => {
    const pool = makePool();
    const gate = new Gate();
    const error = await errorOf(pool.with({ timeout: 30 }).submit(jobs.waitAndCleanUp, gate.buffer));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe("Job `waitAndCleanUp` ran for more than its timeout of 30 ms");
    expect(gate.step).toBe(3);
  });

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

  it("of Infinity is none", async () => {
    const pool = makePool();
    expect(await pool.with({ timeout: Number.POSITIVE_INFINITY }).submit(jobs.nap, 20, "slept")).toBe(
      "slept",
    );
  });
});

describe("queueTimeout", () => {
  it("fails what was not started in time, and leaves what was alone", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const running = pool.with({ queueTimeout: 60_000 }).submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = pool.with({ queueTimeout: 20, name: "late" }).submit(jobs.echo, 1);
    const error = await errorOf(waiting);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe("Job `late` waited for more than its queueTimeout of 20 ms");
    gate.open();
    await running;
  });
});

describe("a group that spans threads", () => {
  it("ends when the coroutines in all its threads have cleaned up after a sibling failed", async () => {
    const pool = makePool({ size: 2 });
    const gates = [new Gate(), new Gate(), new Gate()];
    await run(async () => {
      const group = taskGroup(async (tasks) => {
        for (const gate of gates) tasks.createTask(async () => pool.submit(jobs.waitAndCleanUp, gate.buffer));
        tasks.createTask(async () => {
          while (gates.some((gate) => gate.step === 0)) await sleep(1);
          await pool.submit(jobs.throwTeapot);
        });
      });
      await expect(group).rejects.toMatchObject({ errors: [expect.objectContaining({ name: "Teapot" })] });
      expect(gates.map((gate) => gate.step)).toEqual([3, 3, 3]);
    });
  });

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

function sleepFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
