import { inspect } from "node:util";
import { run } from "threadloop";
import { describe, expect, it } from "vitest";
import { BUCKETS, count, histogramOf } from "../../../dist/workers/core.js";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("WorkerPool.stats", () => {
  it("counts the jobs by outcome", async () => {
    const pool = makePool();
    await Promise.all([pool.submit(jobs.add, 1, 2), pool.submit(jobs.add, 3, 4)]);
    await errorOf(pool.submit(jobs.throwTeapot));
    const cancelled = pool.submit(jobs.nap, 1e6, 0);
    cancelled.cancel();
    await errorOf(cancelled);
    expect(pool.stats()).toMatchObject({
      running: 0,
      queued: 0,
      settled: { succeeded: 2, failed: 1, cancelled: 1 },
    });
  });

  it("tells running jobs from queued ones, also while every worker is stuck", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const stuck = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 10 }, (_, i) => pool.submit(jobs.add, i, 1));
    expect(pool.stats()).toMatchObject({ threads: 1, sessions: 1, running: 1, queued: 10 });
    gate.open();
    await Promise.all([stuck, ...waiting]);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, settled: { succeeded: 11 } });
  });

  it("counts each job once in both histograms: synchronous ones, coroutines and failures", async () => {
    const pool = makePool();
    const sync = Array.from({ length: 500 }, (_, i) => pool.submit(jobs.add, i, 1));
    const async_ = Array.from({ length: 20 }, () => pool.submit(jobs.nap, 1, 0));
    await Promise.all([...sync, ...async_]);
    await errorOf(pool.submit(jobs.throwTeapot));
    const { waitTime, runTime } = pool.stats();
    expect(waitTime.count).toBe(521);
    expect(runTime.count).toBe(521);
  });

  it("knows how long a job ran, and keeps the counts when a thread dies", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.spin, 30);
    const { runTime } = pool.stats();
    expect(runTime.max).toBeGreaterThan(28e6);
    await errorOf(pool.submit(jobs.exit, 1));
    await pool.submit(jobs.add, 1, 1);
    expect(pool.stats().runTime.count).toBe(2);
  });

  it("knows how long a job waited", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    await Promise.all([pool.submit(jobs.spin, 30), pool.submit(jobs.add, 1, 1)]);
    expect(pool.stats().waitTime.max).toBeGreaterThan(28e6);
  });

  it("counts the jobs that moved to another worker", async () => {
    const pool = makePool({ size: 2 });
    const [first, second] = [new Gate(), new Gate()];
    const stuck = [first, second].map((gate) => pool.submit(jobs.blockUntilOpen, gate.buffer));
    const behind = Array.from({ length: 20 }, (_, i) => pool.submit(jobs.add, i, 1));
    await Promise.all([first.at(1), second.at(1)]);
    first.open();
    await Promise.all(behind);
    expect(pool.stats().moved).toBeGreaterThan(0);
    second.open();
    await Promise.all(stuck);
  });

  it("tells how busy each event loop has been", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.spin, 20);
    const { workers, eventLoop } = pool.stats();
    expect(workers).toHaveLength(1);
    expect(workers[0]?.eventLoop.active).toBeGreaterThan(0);
    expect(eventLoop.active).toBeGreaterThan(0);
  });

  it("shows itself on a screen", async () => {
    const pool = makePool({ size: 1 });
    await run(async () => void (await pool.submit(jobs.add, 1, 2)));
    expect(inspect(pool.stats())).toMatch(/1 threads.*1 succeeded.*median.*thread \d+: 0 running/s);
  });
});

describe("A histogram of durations", () => {
  it("knows each of them to 3 %", () => {
    const buckets = new Uint32Array(BUCKETS);
    const durations = [0.0001, 0.005, 0.123, 1, 17.5, 999, 123_456];
    for (const duration of durations) count(buckets, duration);
    const histogram = histogramOf(buckets);
    expect(histogram.count).toBe(durations.length);
    durations.forEach((duration, i) => {
      const known = histogram.percentile(((i + 0.5) / durations.length) * 100) / 1e6;
      expect(Math.abs(known / duration - 1)).toBeLessThan(0.03);
    });
  });

  it("takes what is shorter or longer than it can tell, and millions of one kind", () => {
    const buckets = new Uint32Array(BUCKETS);
    for (const duration of [-1, 0, 1e-9, 1e15]) count(buckets, duration);
    buckets[100] = 3_000_001;
    expect(histogramOf(buckets).count).toBe(3_000_005);
  });
});
