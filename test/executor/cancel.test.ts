import { CancelledError, sleep, TimeoutError, taskGroup } from "threadloop";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("cancelling a job", () => {
    it("takes the result of a coroutine that caught its cancel", async () => {
      const pool = make();
      const gate = new Gate();
      const job = pool.submit(jobs.refuseToStop, gate.buffer);
      await gate.at(1);
      expect(job.cancel()).toBe(true);
      expect(await job).toBe("not me");
    });

    it("cancels at once what still waits for its function", async () => {
      const pool = make();
      const job = pool.submit(jobs.echo, 1);
      job.cancel();
      expect(job.cancelled()).toBe(true);
      expect(await pool.submit(jobs.echo, 2)).toBe(2);
    });

    it("follows a signal, before, while and after", async () => {
      const pool = make();
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
      const pool = make({ size: 1, tasksPerWorker: 1 });
      const gate = new Gate();
      const blocker = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      await gate.at(1);
      const job = pool.with({ timeout: 50 }).submit(jobs.echo, "in time");
      await sleep(100);
      expect(job.done()).toBe(false);
      gate.open();
      await blocker;
      expect(await job).toBe("in time");
    });

    it("stops a coroutine, whose finally blocks run, and fails with TimeoutError", async () => {
      const pool = make();
      const gate = new Gate();
      const error = await errorOf(pool.with({ timeout: 30 }).submit(jobs.waitAndCleanUp, gate.buffer));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error.message).toBe("Job `waitAndCleanUp` ran for more than its timeout of 30 ms");
      expect(gate.step).toBe(3);
    });

    it("of Infinity is none", async () => {
      const pool = make();
      expect(await pool.with({ timeout: Number.POSITIVE_INFINITY }).submit(jobs.nap, 20, "slept")).toBe(
        "slept",
      );
    });
  });

  describe("queueTimeout", () => {
    it("fails what was not started in time, and leaves what was alone", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1 });
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

  describe("a group with jobs", () => {
    it("ends when the coroutines in all its threads have cleaned up after a sibling failed", async () => {
      const pool = make({ size: 2 });
      const gates = [new Gate(), new Gate(), new Gate()];
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
});
