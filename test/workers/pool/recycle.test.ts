import { text } from "node:stream/consumers";
import { sleep } from "threadloop";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";
import { random } from "../../support/random.ts";

/** How many jobs each thread had. */
function perThread(threads: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const thread of threads) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  return [...counts.values()];
}

describe("recycle.jobs", () => {
  it("replaces a thread after exactly so many jobs, whether they come together or one by one", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 3 } });
    const together = await Promise.all(Array.from({ length: 9 }, () => pool.submit(jobs.where)));
    expect(perThread(together)).toEqual([3, 3, 3]);
    const oneByOne: number[] = [];
    for (let i = 0; i < 6; i++) oneByOne.push(await pool.submit(jobs.where));
    expect(perThread(oneByOne)).toEqual([3, 3]);
    await vi.waitUntil(() => pool.stats().recycled >= 5);
  });

  it("never gives a thread of several more than that, and each job runs once", async () => {
    const pool = makePool({ size: 2, recycle: { jobs: 10 } });
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => [
        await pool.submit(jobs.echo, n),
        await pool.submit(jobs.where),
      ]),
    );
    expect(results.map(([n]) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(Math.max(...perThread(results.map(([, thread]) => thread as number)))).toBeLessThanOrEqual(10);
  });

  it("counts the jobs of all sessions of a thread", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 2 } });
    const first = await pool.submit(jobs.where);
    await vi.waitUntil(() => pool.stats().sessions === 0);
    expect(await pool.submit(jobs.where)).toBe(first);
    expect(await pool.submit(jobs.where)).not.toBe(first);
  });

  it("lets what runs in the thread end, while another thread takes what comes", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 2 } });
    const gate = new Gate();
    const slow = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    await pool.submit(jobs.echo, 1); // the second job of the thread, which is replaced now
    expect(await pool.submit(jobs.echo, 2)).toBe(2);
    expect(slow.done()).toBe(false);
    expect((await pool.tasks()).threads.length).toBe(3);
    gate.open();
    await slow;
    await vi.waitUntil(() => pool.stats().threads <= 1 && pool.stats().recycled === 1);
  });

  it("does not hang a job that waits for another one of its pool", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 1 } });
    const ask = async (callback: () => Promise<number>) => (await callback()) + 1;
    const nested = (depth: number): Promise<number> =>
      depth === 0 ? Promise.resolve(0) : pool.submit(ask, () => nested(depth - 1)).toPromise();
    expect(await nested(4)).toBe(4);
  });

  it("keeps to the places of tasksPerWorker: the next thread begins when the last job has ended", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1, recycle: { jobs: 1 } });
    const words = new Int32Array(new SharedArrayBuffer(8));
    const alone = async () => {
      const before = Atomics.add(words, 0, 1);
      await sleep(2);
      Atomics.sub(words, 0, 1);
      return before;
    };
    expect(await Promise.all(Array.from({ length: 6 }, () => pool.submit(alone)))).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
  });

  it("runs the initializer and the teardown in each thread, and shows what they print", async () => {
    const pool = makePool({
      size: 1,
      stdout: true,
      recycle: { jobs: 1 },
      initializer: () => console.log("begins"),
      teardown: () => console.log("ends"),
    });
    for (let i = 0; i < 3; i++) await pool.submit(() => console.log("job"));
    await pool.close();
    expect((await text(pool.stdout)).split("\n").sort()).toEqual(
      ["", ...["begins", "begins", "begins"], ...["ends", "ends", "ends"], ...["job", "job", "job"]].sort(),
    );
  });

  it("has jobs with a transfer list run, though they cannot move", async () => {
    const pool = makePool({ size: 2, recycle: { jobs: 1 } });
    const lengths = Array.from({ length: 8 }, (_, n) => {
      const bytes = new Uint8Array(n);
      return pool.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes);
    });
    expect(await Promise.all(lengths)).toEqual(Array.from({ length: 8 }, (_, n) => n));
  });

  it("leaves a thread alone while an actor lives in it", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 2 } });
    const counter = await pool.spawn(jobs.Counter, 0);
    for (let i = 1; i <= 5; i++) expect(await counter.add(1)).toBe(i);
    const thread = await pool.submit(jobs.where);
    expect(await pool.submit(jobs.where)).toBe(thread);
    await counter.close();
    await pool.submit(jobs.where);
    expect(await pool.submit(jobs.where)).not.toBe(thread);
  });

  it("leaves it alone also when the actor is made by its last job", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 1 } });
    const counter = await pool.spawn(jobs.Counter, 0);
    expect(await counter.add(1)).toBe(1);
    expect(await counter.add(1)).toBe(2);
    await counter.close();
  });

  it("gives new threads what was broadcast", async () => {
    const pool = makePool({ size: 1, recycle: { jobs: 1 } });
    await pool.submit(jobs.where);
    await pool.broadcast(() => {
      (globalThis as { told?: number }).told = 5;
    });
    for (let i = 0; i < 3; i++)
      expect(await pool.submit(() => (globalThis as { told?: number }).told)).toBe(5);
  });

  it("goes with streams, maps, cancels and dying threads: each job settles once", async () => {
    const below = random(7);
    const pool = makePool({ size: 2, recycle: { jobs: 4 }, cancelGrace: 100 });
    const sumOf = async (items: AsyncIterable<unknown>) => {
      let sum = 0;
      for await (const item of items) sum += item as number;
      return sum;
    };
    const kinds: ((n: number) => Promise<unknown>)[] = [
      (n) => pool.submit(jobs.nap, 1, n).toPromise(),
      () => sumOf(pool.stream(jobs.produceSync, 3)),
      () => sumOf(pool.map(jobs.echo, [1, 2, 3])),
      (n) => {
        const job = pool.submit(jobs.nap, 50, n);
        job.cancel();
        return errorOf(job);
      },
      () => errorOf(pool.submit(jobs.exit, 1)),
      (n) => pool.with({ idempotent: true }).submit(jobs.echo, n).toPromise(),
    ];
    const one = (n: number) => (kinds[below(kinds.length)] as (typeof kinds)[0])(n).catch(String);
    expect(await Promise.all(Array.from({ length: 40 }, (_, n) => one(n)))).toHaveLength(40);
    expect((await pool.close()).dropped).toEqual([]);
  });
});

describe("recycle.heap", () => {
  it("replaces a thread whose jobs have left too much behind, and no other", async () => {
    const pool = makePool({ size: 1, recycle: { heap: 100 } });
    const keep = (megabytes: number) => {
      const here = globalThis as { kept?: unknown[] };
      here.kept ??= [];
      const { kept } = here;
      for (let i = 0; i < megabytes; i++) kept.push(new Array(131_072).fill(0.5));
    };
    const first = await pool.submit(jobs.where);
    await pool.submit(keep, 1);
    expect(await pool.submit(jobs.where)).toBe(first);
    await pool.submit(keep, 150);
    expect(await pool.submit(jobs.where)).not.toBe(first);
    expect(pool.stats().recycled).toBe(1);
  });
});

describe("threadName", () => {
  it("is shown in the statistics and the tree of tasks, and Node has it where it knows names", async () => {
    const pool = makePool({ size: 1, minThreads: 1, threadName: "resizer", recycle: { jobs: 1 } });
    const nameThere = () =>
      (process.getBuiltinModule("node:worker_threads") as { threadName?: string }).threadName;
    const known = "threadName" in process.getBuiltinModule("node:worker_threads");
    for (let i = 0; i < 3; i++) expect(await pool.submit(nameThere)).toBe(known ? "resizer" : undefined);
    expect(pool.stats().workers.map((worker) => worker.name)).toContain("resizer");
    const gate = new Gate();
    const job = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    expect(String(await pool.tasks())).toContain('"resizer" of pool "pool"');
    gate.open();
    await job;
  });
});
