import { sleep } from "threadloop";
import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { simulated } from "../../support/simulatedworkers.ts";
import { failureOf, now } from "../../support/virtual.ts";

const max = Math.max as (work: never) => number;

describe("a worker that dies", () => {
  it("fails what had started, and what had not runs elsewhere, in its order", () =>
    simulated({ size: 1 }, async (pool) => {
      const killer = pool.do({ name: "killer", takes: 5, ends: "killing its worker" });
      const jobs = ["a", "b", "c"].map((name) => pool.do({ name, takes: 1 }));
      expect(await failureOf(killer)).toBeInstanceOf(WorkerTerminatedError);
      for (const job of jobs) await job;
      expect(pool.started).toEqual(["killer", "a", "b", "c"]);
    }));

  it("has idempotent jobs run again, as often as `attempts` says", () =>
    simulated({ size: 2, attempts: 3 }, async (pool) => {
      const killer = pool.do({ name: "killer", ends: "killing its worker" }, { idempotent: true });
      expect(await failureOf(killer)).toBeInstanceOf(WorkerTerminatedError);
      expect(pool.started).toEqual(["killer", "killer", "killer"]);
    }));

  it("fails what is bound to it, and tells who lives there", () =>
    simulated({ size: 2 }, async (pool) => {
      const deaths: string[] = [];
      const home = await pool.scheduler.findHome(max as never, (error) => deaths.push(error.message));
      const call = (work: object) =>
        home.submit({ is: "actorCall", actor: 1, method: "m" } as never, [work], { name: "call" });
      const first = call({ name: "first", takes: 2, ends: "killing its worker" });
      const second = call({ name: "second" });
      const errors = [await failureOf(first), await failureOf(second)];
      expect(errors.every((error) => error instanceof WorkerTerminatedError)).toBe(true);
      expect(deaths).toEqual([expect.stringContaining("ended: killed")]);
      expect(pool.started).toEqual(["first"]);
    }));
});

describe("a bound job", () => {
  it("waits for its worker, however long that is busy and whoever is idle", () =>
    simulated({ size: 2 }, async (pool) => {
      const home = await pool.scheduler.findHome(max as never, () => {});
      const call = (work: object) =>
        home.submit({ is: "actorCall", actor: 1, method: "m" } as never, [work], { name: "call" });
      const calls = [call({ name: "long", takes: 100 }), call({ name: "short" })];
      for (const job of calls) await job;
      expect(new Set(pool.source.starts.map(({ worker }) => worker)).size).toBe(1);
      home.leave();
    }));

  it("waits for the next session of a worker that is just letting go", () =>
    simulated({ size: 1 }, async (pool) => {
      await pool.do({ name: "first" });
      const [worker] = pool.source.workers;
      const closed = worker?.close();
      const home = await pool.scheduler.findHome(max as never, () => {});
      const job = home.submit({ is: "actorCall", actor: 1, method: "m" } as never, [{ name: "bound" }], {
        name: "call",
      });
      expect(pool.scheduler.dispatcher.bound.length).toBe(1);
      await closed;
      expect(await job).toBe("bound");
      home.leave();
    }));
});

describe("recycling", () => {
  it("replaces a worker after so many jobs, by another at once while it ends what it has", () =>
    simulated({ size: 1, recycle: { jobs: 2 } }, async (pool) => {
      const jobs = ["a", "b", "c", "d", "e"].map((name) => pool.do({ name, awaits: 50 }));
      for (const job of jobs) await job;
      expect(pool.started).toEqual(["a", "b", "c", "d", "e"]);
      expect(new Set(pool.source.starts.map(({ worker }) => worker)).size).toBeGreaterThan(1);
      expect(now()).toBeLessThan(150); // the coroutines of three workers overlapped
    }));

  it("waits for the old one where tasksPerWorker says how many may run", () =>
    simulated({ size: 1, tasksPerWorker: 1, recycle: { jobs: 2 } }, async (pool) => {
      const jobs = ["a", "b", "c", "d"].map((name) => pool.do({ name, awaits: 50 }));
      for (const job of jobs) await job;
      expect(pool.scheduler.recycled).toBeGreaterThanOrEqual(1);
      const begun = pool.source.starts.map(({ at }) => at);
      for (let i = 1; i < begun.length; i++)
        expect((begun[i] as number) - (begun[i - 1] as number)).toBeGreaterThanOrEqual(50);
    }));
});

describe("closing", () => {
  it("finishes what is there", () =>
    simulated({ size: 1 }, async (pool) => {
      const jobs = ["a", "b"].map((name) => pool.do({ name, takes: 100 }));
      await pool.close();
      expect(jobs.map((job) => job.result())).toEqual(["a", "b"]);
    }));

  it("drops at its deadline what is left, whether it runs or waits", () =>
    simulated({ size: 1 }, async (pool) => {
      const jobs = ["a", "b"].map((name) => pool.do({ name, takes: 1000, isDeaf: true }, { name }));
      const begin = now();
      const report = await pool.close({ deadline: 200 });
      expect(now() - begin).toBeLessThan(210);
      expect([...report.dropped].sort()).toEqual(["a", "b"]);
      for (const job of jobs) expect(String(await failureOf(job))).toContain("not done at the deadline");
    }));

  it("cancels what has not started where it is told to", () =>
    simulated({ size: 1 }, async (pool) => {
      const first = pool.do({ name: "a", takes: 10 });
      await sleep(25);
      const second = pool.do({ name: "b", takes: 10 });
      await pool.close({ cancelFutures: true });
      expect(first.result()).toBe("a");
      expect(second.cancelled()).toBe(true);
    }));
});

describe("limits of a job", () => {
  it("are counted on the clock of its workers", () =>
    simulated({ size: 1 }, async (pool) => {
      const running = pool.do({ name: "running", takes: 5000 }, { timeout: 1000 });
      const waiting = pool.do({ name: "waiting", takes: 5000 }, { queueTimeout: 500 });
      expect(String(await failureOf(waiting))).toContain("queueTimeout of 500 ms");
      expect(now()).toBeCloseTo(500, 0);
      expect(String(await failureOf(running))).toContain("timeout of 1000 ms");
    }));
});
