import { CancelledError, getRunningLoop, run, runInExecutor } from "threadloop";
import { CloneError, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import * as nested from "../../fixtures/workers/nested.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("runInExecutor in a job", () => {
  it("runs on the process's one default pool, which has no more threads than it has", async () => {
    await run(async () => {
      const pool = new WorkerPool({ size: 2, name: "default" });
      getRunningLoop().setDefaultExecutor(pool);
      expect(await runInExecutor(nested.fibonacci, 8)).toBe(21);
      expect(new Set(await runInExecutor(nested.threadsOf, 3)).size).toBeLessThanOrEqual(2);
      expect(pool.stats().threads).toBeLessThanOrEqual(2);
      expect(pool.stats().settled.succeeded).toBeGreaterThan(100);
    });
  });

  it.each([1, 2])(
    "waits for no place that it holds itself: %i thread(s), one job at once in each",
    async (size) => {
      await run(async () => {
        getRunningLoop().setDefaultExecutor(new WorkerPool({ size, tasksPerWorker: 1 }));
        expect(await runInExecutor(nested.fibonacci, 6)).toBe(8);
      });
    },
  );

  it("is what a callback may await that submits to the pool of its own job", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const ask = (n: number): Promise<number> =>
      n === 0
        ? pool.submit(jobs.echo, 0).toPromise()
        : pool.submit(nested.asksCaller, ask, n - 1).toPromise();
    expect(await pool.submit(nested.asksCaller, ask, 3)).toBe(4);
    await run(async () => {
      expect(await pool.submit(nested.asksCaller, ask, 3)).toBe(4);
    });
  });

  it("of another pool goes to the default pool, with a loop and without", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const own = await pool.submit(jobs.where);
    const threads = await pool.submit(nested.threadsOf, 1);
    expect(threads.filter((thread) => thread === own)).toHaveLength(1);
    await run(async () => {
      expect(await pool.submit(nested.closures, 2)).toBe(9);
    });
  });

  it("takes closures, shared objects, context variables and functions that are called back", async () => {
    await run(async () => {
      expect(await runInExecutor(nested.closures, 5)).toBe(21);
      expect(await runInExecutor(nested.sharesBelow)).toBe(true);
      expect(await runInExecutor(nested.carriesBelow)).toBe("ada");
      expect(await runInExecutor(nested.asksBack, 10)).toBe(16);
    });
  });

  it("fails with what was thrown below, and names what cannot be copied", async () => {
    await run(async () => {
      const error = await errorOf(runInExecutor(nested.failsBelow));
      expect(error).toEqual(Object.assign(new RangeError("deep down"), { code: "E_DEEP" }));
      const refused = await errorOf(runInExecutor(nested.cannotCopy));
      expect(refused).toBeInstanceOf(CloneError);
      expect(refused.message).toMatch(/argument 1 of job .* is a function/);
    });
  });

  it("is cancelled with the job that awaits it, and has ended when that has", async () => {
    await run(async () => {
      const gate = new Gate();
      const job = runInExecutor(nested.waitsBelow, gate.buffer);
      await gate.at(1);
      job.cancel();
      expect(await errorOf(job)).toBeInstanceOf(CancelledError);
      expect(gate.words[2]).toBe(2);
    });
  });

  it("is cancelled when the thread of its job is ended", async () => {
    const pool = makePool({ size: 1 });
    await run(async () => {
      const gate = new Gate();
      const job = pool.submit(nested.waitsBelow, gate.buffer);
      await gate.at(1);
      await pool.close({ deadline: 0 });
      await errorOf(job);
      while (gate.words[2] === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    });
  });
});
