// What fails in the machinery of a thread is no job's failure: no job is lost, and the thread goes on.

import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import {
  failOnce,
  failSilently,
  fallSilent,
  freezeTime,
  places,
  produceSilently,
} from "../../fixtures/workers/breaking.mjs";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, makePool } from "../../support/pools.ts";

describe("an error in the machinery of a thread", () => {
  it.each(Object.keys(places))(
    "loses no job, wherever it happens (%s)",
    { timeout: 60_000 },
    async (place) => {
      const pool = makePool({ size: 1, cancelGrace: 1000 });
      await pool.submit(jobs.nap, 0, 1); // a module that fails to load never loads
      for (let calls = 0; calls < 8; calls++) {
        const breaking = pool.submit(failOnce, place, calls);
        const beside = [1, 2, 3].flatMap((n) => [
          pool.submit(jobs.echo, n),
          pool.submit(jobs.nap, 1, n),
          pool.submit(jobs.echo, { list: [n] }),
        ]);
        const given = await Promise.allSettled([breaking, ...beside]);
        const failed = given.filter(({ status }) => status === "rejected");
        expect(failed.length, `${calls} calls`).toBeLessThan(3);
        expect(await Promise.all([1, 2, 3].map((n) => settled(pool.submit(jobs.echo, n))))).toContain(3);
      }
      expect(await pool.submit(jobs.echo, "after")).toBe("after");
      await pool.close();
      expect(pool.stats().running).toBe(0);
    },
  );
});

describe("a job after which its thread can send nothing", () => {
  it.each([fallSilent, failSilently])(
    "fails with its thread, and another takes its place (%s)",
    async (fn) => {
      const pool = makePool({ size: 1 });
      await pool.submit(jobs.nap, 0, 1);
      const silent = pool.submit(fn as () => unknown);
      const behind = [1, 2, 3].map((n) => pool.submit(jobs.echo, n).toPromise());
      const error = await errorOf(silent);
      expect(error).toBeInstanceOf(WorkerTerminatedError);
      expect(error.message).toContain(fn.name);
      expect(await Promise.all(behind)).toEqual([1, 2, 3]);
      await pool.close();
    },
  );

  it("fails with it when it is a stream", async () => {
    const pool = makePool({ size: 1 });
    const read = async () => {
      for await (const item of pool.stream(produceSilently)) expect(item).toBe(1);
    };
    await expect(read()).rejects.toBeInstanceOf(WorkerTerminatedError);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
    await pool.close();
  });
});

describe("a job that stops the clocks and timers of its thread", () => {
  it("holds up nothing but what uses them", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(freezeTime as () => void);
    const items: number[] = [];
    for await (const item of pool.stream(jobs.produceSync, 50)) items.push(item);
    expect(items).toHaveLength(50);
    const later = [1, 2, 3].map((n) => pool.submit(async (value: number) => value, n));
    expect(await Promise.all(later)).toEqual([1, 2, 3]);
    expect(await pool.submit(jobs.nap, 1, 5)).toBe(5);
    expect(
      await Promise.all(Array.from({ length: 500 }, (_, n) => pool.submit(jobs.add, n, 1))),
    ).toHaveLength(500);
    await pool.close();
  });
});

async function settled(job: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await job;
  } catch (error) {
    return error;
  }
}
