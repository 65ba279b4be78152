import { sleep } from "threadloop";
import { describe, expect, it } from "vitest";
import { futureOf, simulated } from "../../support/simulatedworkers.ts";
import { failureOf, now } from "../../support/virtual.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `job ${i}`);

describe("dispatch", () => {
  it("gives each worker a job before any has two, starts no more workers than needed, and lets them go after", () =>
    simulated({ size: 3 }, async (pool) => {
      const two = [pool.do({ takes: 10 }), pool.do({ takes: 10 })];
      for (const job of two) await job;
      expect(pool.source.starts.map(({ worker }) => worker)).toEqual([1, 2]);
      expect(pool.source.workers.filter((worker) => worker.hasSession)).toHaveLength(2);
      await sleep(100);
      expect(pool.source.workers.filter((worker) => worker.hasSession)).toHaveLength(0);
    }));

  it("runs the jobs of one worker in the order of submission", () =>
    simulated({ size: 1 }, async (pool) => {
      const jobs = names(300).map((name) => pool.do({ name, takes: 0.2 }));
      for (const job of jobs) await job;
      expect(pool.started).toEqual(names(300));
    }));

  it("posts nothing ahead of long jobs, so that one which comes later finds them in the queue", () =>
    simulated({ size: 1 }, async (pool) => {
      for (let i = 0; i < 5; i++) await pool.do({ takes: 50 }); // the worker is known to have long ones
      const jobs = names(4).map((name) => pool.do({ name, takes: 50 }));
      await sleep(10);
      expect(pool.scheduler.dispatcher.queue.length).toBe(3);
      for (const job of jobs) await job;
    }));

  it("keeps no more coroutines in a worker than tasksPerWorker, and as many where there are enough", () =>
    simulated({ size: 2, tasksPerWorker: 3 }, async (pool) => {
      const jobs = names(20).map((name) => pool.do({ name, awaits: 10 }));
      let most = 0;
      pool.source.onStart = ({ worker }) => {
        const at = pool.source.workers[worker - 1];
        most = Math.max(most, (at?.jobs ?? 0) - (at?.unstarted ?? 0));
      };
      for (const job of jobs) await job;
      expect(most).toBe(3);
    }));

  it("stops a job that has not started at once, one that runs when it has ended, and a deaf one with its worker", () =>
    simulated({ size: 1, cancelGrace: 30 }, async (pool) => {
      const deaf = pool.do({ name: "deaf", takes: 1000, isDeaf: true });
      const behind = pool.do({ name: "behind", takes: 1 });
      const never = pool.do({ name: "never" });
      await sleep(25);
      const begin = now();
      expect(never.cancel()).toBe(true);
      expect(never.done()).toBe(true);
      deaf.cancel();
      await failureOf(deaf);
      expect(now() - begin).toBeCloseTo(30);
      expect(await behind).toBe("behind");
      expect(pool.started).toEqual(["deaf", "behind"]);
    }));
});

describe("priorities", () => {
  it("hold among all jobs that have not started, also those that were posted ahead", () =>
    simulated({ size: 1 }, async (pool) => {
      const first = pool.do({ name: "first", takes: 10 });
      await sleep(25);
      const jobs = [0, 5, -1, 9, 5, 0].map((priority, i) =>
        pool.do({ name: `${priority}/${i}`, takes: 0.1 }, { priority }),
      );
      await sleep(1);
      const late = pool.do({ name: "late" }, { priority: 7 });
      for (const job of [first, ...jobs, late]) await job;
      expect(pool.started).toEqual(["first", "9/3", "late", "5/1", "5/4", "0/0", "0/5", "-1/2"]);
    }));
});

describe("jobs that wait behind a long one", () => {
  it("move to a worker that has nothing to do", () =>
    simulated({ size: 2 }, async (pool) => {
      const warm = [pool.do({ takes: 1 }), pool.do({ takes: 1 })];
      for (const job of warm) await job;
      const long = pool.do({ name: "long", takes: 500 });
      const short = names(40).map((name) => pool.do({ name, takes: 0.1 }));
      const begin = now();
      for (const job of short) await job;
      expect(now() - begin).toBeLessThan(20);
      expect(long.done()).toBe(false);
      await long;
    }));

  it("are shared by halves when another worker runs dry", () =>
    simulated({ size: 2 }, async (pool) => {
      for (const job of [pool.do({ takes: 1 }), pool.do({ takes: 1 })]) await job;
      const jobs = names(16).map((name, i) => pool.do({ name, takes: i % 2 === 0 ? 1.5 : 0.1 }));
      for (const job of jobs) await job;
      const counts = [1, 2].map((n) => pool.source.starts.filter(({ worker }) => worker === n).length);
      expect(pool.source.moved).toBeGreaterThan(0);
      expect(Math.min(...counts)).toBeGreaterThan(5);
    }));

  it("are not sent to and fro between two workers that are both in long jobs", () =>
    simulated({ size: 2 }, async (pool) => {
      for (const job of [pool.do({ takes: 1 }), pool.do({ takes: 1 })]) await job;
      const long = [pool.do({ takes: 400 }), pool.do({ takes: 400 })];
      const jobs = names(10).map((name) => pool.do({ name, takes: 0.1 }));
      await sleep(300);
      expect(pool.source.moved).toBeLessThanOrEqual(20);
      for (const job of [...long, ...jobs]) await job;
    }));
});

describe("maxQueue", () => {
  it("counts neither the jobs that run nor as many as begin at once, and lets those in who wait for room, in turn", () =>
    simulated({ size: 1, maxQueue: 3 }, async (pool) => {
      const jobs = names(1).map((name) => pool.do({ name, takes: 10 }));
      const waiting = names(3).map((name) => pool.do({ name: `waiting ${name}`, takes: 10 }));
      expect(() => pool.do({})).toThrow('Pool "pool" has 3 jobs waiting');
      const max = Math.max as (work: never) => number;
      const late = names(3).map((name) => pool.enqueue(max, { name: `late ${name}`, takes: 10 } as never));
      for (const entry of late) jobs.push((await futureOf(entry)).job as never);
      for (const job of [...jobs, ...waiting]) await job;
      expect(pool.started.slice(4)).toEqual(["late job 0", "late job 1", "late job 2"]);
    }));
});
