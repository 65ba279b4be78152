import { CancelledError } from "threadloop";
import { PoolClosedError } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("close", () => {
    it("at its deadline drops also what was just submitted", async () => {
      const pool = make();
      const failure = errorOf(pool.with({ name: "early" }).submit(jobs.awaitUntilOpen, new Gate().buffer));
      expect(await pool.close({ deadline: 0 })).toEqual({ dropped: ["early"] });
      expect(await failure).toBeInstanceOf(PoolClosedError);
    });

    it("with a deadline of Infinity waits as long as it takes; a wrong one is refused, and the pool stays open", async () => {
      const pool = make({ size: 1 });
      for (const deadline of [-1, Number.NaN, "soon" as never])
        expect(() => pool.close({ deadline })).toThrow("`deadline` to be milliseconds >= 0");
      expect(() => pool.close({ cancelFutures: "no" as never })).toThrow(
        "`cancelFutures` to be true or false",
      );
      const job = pool.submit(jobs.nap, 20, "slept");
      expect(await pool.close({ deadline: Number.POSITIVE_INFINITY })).toEqual({ dropped: [] });
      expect(job.result()).toBe("slept");
    });

    it("does not wait for its deadline when everything is done", async () => {
      const pool = make();
      const job = pool.submit(jobs.echo, 1);
      expect(await pool.close({ deadline: 60_000 })).toEqual({ dropped: [] });
      expect(job.result()).toBe(1);
    });

    it("with cancelFutures cancels what has not started and finishes what has", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1 });
      const gate = new Gate();
      const running = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      await gate.at(1);
      const waiting = Array.from({ length: 50 }, (_, n) => pool.submit(jobs.echo, n));
      const closed = pool.close({ cancelFutures: true });
      expect(waiting.every((job) => job.cancelled())).toBe(true);
      expect(() => waiting[0]?.result()).toThrow(CancelledError);
      gate.open();
      await closed;
      expect(running.done() && !running.cancelled()).toBe(true);
    });

    it("finishes even while workers are just being started", async () => {
      const pool = make();
      const job = pool.submit(jobs.echo, 1);
      await pool.close();
      expect(job.result()).toBe(1);
    });

    it("of a pool that was never used does nothing", async () => {
      expect(await make().close()).toEqual({ dropped: [] });
    });
  });
});
