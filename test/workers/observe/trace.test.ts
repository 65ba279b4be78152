import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTask, gather, run, sleep } from "threadloop";
import { afterAll, describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { makePool } from "../../support/pools.ts";
import { checkTrace, type TraceEvent } from "../../support/traces.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string): TraceEvent[] => checkTrace(readFileSync(file, "utf8"));

describe("WorkerPool.trace", () => {
  it("writes a lane for each thread, a slice for each step, and an arrow from each submission to its start", async () => {
    const file = join(folder, "trace.json");
    const pool = makePool({ size: 1, name: "drawn" });
    await run(async () => {
      const trace = pool.trace(file);
      const page = async () => {
        await pool.with({ name: "crunch" }).submit(jobs.spin, 2);
        await pool.with({ name: "fetch" }).submit(jobs.nap, 2, 0);
        await sleep(1);
      };
      await gather(createTask(page, { name: "page 1" }), createTask(page, { name: "page 2" }));
      await trace.stop();
    });
    const events = read(file);
    const lanes = events.filter((event) => event.name === "thread_name").map((event) => event.args?.name);
    expect(lanes).toEqual([
      expect.stringMatching(/^thread \d+: loop$/),
      expect.stringMatching(/^thread \d+: pool drawn$/),
    ]);
    const steps = events.filter((event) => event.ph === "X" && event.name === "page 1");
    expect(steps.length).toBeGreaterThanOrEqual(4);
    const starts = events.filter((event) => event.ph === "s");
    const ends = events.filter((event) => event.ph === "f");
    expect(starts).toHaveLength(4);
    expect(new Set(ends.map((event) => event.id))).toEqual(new Set(starts.map((event) => event.id)));
    for (const end of ends) {
      const start = starts.find((event) => event.id === end.id) as TraceEvent;
      expect(end.ts).toBeGreaterThanOrEqual(start.ts as number);
      expect(end.tid).not.toBe(start.tid);
    }
    const fetches = events.filter((event) => event.cat === "job" && event.name === "fetch");
    expect(fetches.length).toBeGreaterThanOrEqual(4);
  });

  it("costs nothing once it has stopped, and can be started again", async () => {
    const file = join(folder, "again.json");
    const pool = makePool({ size: 1 });
    const first = pool.trace(file);
    expect(() => pool.trace(file)).toThrow("This thread is being traced already");
    await first.stop();
    await pool.submit(jobs.add, 1, 2);
    const second = pool.trace(file);
    await pool.with({ name: "second" }).submit(jobs.add, 1, 2);
    await second.stop();
    const names = read(file).map((event) => event.name);
    expect(names).toContain("second");
    expect(names).not.toContain("add");
  });
});
