// What pools are made of is loaded with the first call of one, where Node itself loads the program: these programs do
// that, each in a process of its own.
import { describe, expect, it } from "vitest";
import { runModule } from "../support/programs.ts";

async function resultOf(source: string): Promise<unknown> {
  // Node 20 says so of each program that requires an ES module outside of node_modules.
  const { stdout, stderr, exitCode } = await runModule(source, "--disable-warning=ExperimentalWarning");
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout);
}

describe.concurrent("A pool whose inside is loaded late", () => {
  it("has one thread for its first call, which ends when it is idle, and none before", async () => {
    const seen = await resultOf(`
      import { WorkerPool } from "threadloop/workers";
      const pool = new WorkerPool({ size: 2, idleTimeout: 1 });
      const view = pool.with({ priority: 1 });
      const before = pool.stats().threads;
      const result = await view.submit(Math.max, 1, 2);
      const during = pool.stats().threads;
      while (pool.stats().threads > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const again = await pool.submit(Math.max, 3, 4);
      await pool.close();
      console.log(JSON.stringify({ before, result, during, again }));
    `);
    expect(seen).toEqual({ before: 0, result: 2, during: 1, again: 4 });
  });

  it("starts no more threads than it may, whatever its first calls are", async () => {
    const seen = await resultOf(`
      import { WorkerPool } from "threadloop/workers";
      const pool = new WorkerPool({ size: 2 });
      const jobs = Array.from({ length: 20 }, (_, i) => pool.submit(Math.abs, -i));
      const results = await Promise.all(jobs);
      const { threads } = pool.stats();
      await pool.close();
      console.log(JSON.stringify({ sum: results.reduce((a, b) => a + b), threads: threads <= 2 }));
    `);
    expect(seen).toEqual({ sum: 190, threads: true });
  });

  it("has the threads that it is to keep, by their name, from its first call on", async () => {
    const seen = await resultOf(`
      import { WorkerPool } from "threadloop/workers";
      const pool = new WorkerPool({ size: 3, minThreads: 2, threadName: "kept", idleTimeout: 1 });
      const result = await pool.submit(Math.max, 1, 2);
      const { threads, workers } = pool.stats();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const later = pool.stats().threads;
      await pool.close();
      console.log(JSON.stringify({ result, threads, names: workers.map(({ name }) => name), later }));
    `);
    expect(seen).toEqual({ result: 2, threads: 2, names: ["kept", "kept"], later: 2 });
  });

  it("sends with its first call the values that variables have then", async () => {
    const seen = await resultOf(`
      import { ContextVar, run, runInExecutor, toThread } from "threadloop";
      import { WorkerPool } from "threadloop/workers";
      let captured = 1;
      const early = runInExecutor(() => captured);
      const pool = new WorkerPool({ size: 1 });
      captured = 2;
      const late = pool.submit(() => captured);
      captured = 3;
      const user = new ContextVar("user");
      const name = await run(() => {
        user.set("ada");
        const carried = toThread(() => user.get());
        user.set("bob");
        return carried;
      });
      console.log(JSON.stringify([await early, await late, name]));
      await pool.close();
    `);
    expect(seen).toEqual([1, 2, "ada"]);
  });

  it("takes calls after a first one that was refused, and closes without one", async () => {
    const seen = await resultOf(`
      import { WorkerPool } from "threadloop/workers";
      const pool = new WorkerPool({ size: 1 });
      let refusal;
      try { pool.submit("no function"); } catch (error) { refusal = error.name; }
      const result = await pool.submit(Math.max, 1, 2);
      await pool.close();
      const unused = new WorkerPool({ name: "unused" });
      const report = await unused.close();
      let closed;
      try { unused.submit(Math.max); } catch (error) { closed = error.name; }
      console.log(JSON.stringify({ refusal, result, report, closed }));
    `);
    expect(seen).toEqual({
      refusal: "TypeError",
      result: 2,
      report: { dropped: [] },
      closed: "PoolClosedError",
    });
  });

  it("is seen from outside before its first call", async () => {
    const seen = await resultOf(`
      import { run } from "threadloop";
      import { WorkerPool } from "threadloop/workers";
      const pool = new WorkerPool({ name: "waiting for work" });
      const inside = globalThis[Symbol.for("threadloop.inside")];
      const snapshot = await run(async () => inside[0].snapshot());
      console.log(JSON.stringify({ copies: inside.length, named: snapshot.includes("waiting for work"), name: pool.name }));
    `);
    expect(seen).toEqual({ copies: 1, named: true, name: "waiting for work" });
  });

  it("is of the class that require gives, and that other entries know", async () => {
    const seen = await resultOf(`
      import { createRequire } from "node:module";
      import { Future } from "threadloop";
      import { ShipError, WorkerPool } from "threadloop/workers";
      import * as root from "threadloop";
      const require = createRequire(import.meta.url);
      const pool = new (require("threadloop/workers").WorkerPool)({ size: 1 });
      const job = pool.submit(Math.max, 1, 2);
      console.log(JSON.stringify([pool instanceof WorkerPool, job instanceof Future, root.ShipError === ShipError]));
      await job;
      await pool.close();
    `);
    expect(seen).toEqual([true, true, true]);
  });
});
