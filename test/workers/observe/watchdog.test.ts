import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { WorkerBlocked } from "threadloop/workers";
import { afterEach, describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { Gate, makePool } from "../../support/pools.ts";

const CHANNEL = "threadloop:worker:blocked";
let reports: WorkerBlocked[] = [];
let told = () => {};
const listener = (report: unknown) => {
  reports.push(report as WorkerBlocked);
  told();
};

/** Collects the reports; resolves at the next one. */
function nextReport(): Promise<void> {
  subscribe(CHANNEL, listener);
  return new Promise((resolve) => {
    told = resolve;
  });
}

afterEach(() => {
  unsubscribe(CHANNEL, listener);
  reports = [];
});

describe("The watchdog of a pool", () => {
  it("reports a job that blocks its loop, once, with its name, its stack and the jobs that suffer", async () => {
    const pool = makePool({ size: 1, name: "watched", blockedAfter: 300 });
    const [gate, other] = [new Gate(), new Gate()];
    await pool.submit(jobs.add, 1, 1);
    const waiting = pool.submit(jobs.awaitUntilOpen, other.buffer);
    await other.at(1);
    const report = nextReport();
    const spinning = pool.submit(jobs.spinUntilOpen, gate.buffer);
    await report;
    expect(reports[0]).toMatchObject({
      pool: "watched",
      job: "spinUntilOpen",
      jobs: ["awaitUntilOpen", "spinUntilOpen"],
    });
    expect(reports[0]?.stack.join("\n")).toMatch(/at spinUntilOpen \(.*jobs\.mjs:\d+:\d+\)/);
    expect(reports[0]?.blockedFor).toBeGreaterThanOrEqual(300);
    gate.open();
    other.open();
    await Promise.all([spinning, waiting]);
    expect(reports).toHaveLength(1);
  });

  it("reports a step of a coroutine that blocks, with the jobs of the thread", async () => {
    const pool = makePool({ size: 1, blockedAfter: 300 });
    const gate = new Gate();
    await pool.submit(jobs.add, 1, 1);
    const report = nextReport();
    const blocking = pool.submit(jobs.blockLater, gate.buffer);
    await report;
    expect(reports[0]).toMatchObject({ job: null, jobs: ["blockLater"] });
    expect(reports[0]?.stack.join("\n")).toContain("at blockUntilOpen");
    gate.open();
    await blocking;
  });

  it("emits a process warning when nobody listens", async () => {
    const pool = makePool({ size: 1, name: "loud", blockedAfter: 300 });
    const gate = new Gate();
    await pool.submit(jobs.add, 1, 1);
    const warned = once(process, "warning");
    const spinning = pool.submit(jobs.spinUntilOpen, gate.buffer);
    const [warning] = (await warned) as [Error & { code: string }];
    expect(warning.code).toBe("THREADLOOP_BLOCKED");
    expect(warning.message).toMatch(
      /^Job `spinUntilOpen` has kept the loop of thread \d+ of pool "loud" from turning for .* s\n[\s\S]* {4}at spinUntilOpen/,
    );
    gate.open();
    await spinning;
  });

  it("says nothing of jobs that wait, and nothing at all when it is off", async () => {
    const gate = new Gate();
    void nextReport();
    const patient = makePool({ size: 1, blockedAfter: 300 });
    const waiting = patient.submit(jobs.awaitUntilOpen, gate.buffer);
    const off = makePool({ size: 1, blockedAfter: Number.POSITIVE_INFINITY });
    await off.submit(jobs.spin, 200);
    gate.open();
    await waiting;
    expect(reports.filter((report) => report.job === "spin")).toEqual([]);
  });

  it("refuses a threshold that is no duration", () => {
    expect(() => makePool({ blockedAfter: -1 })).toThrow(
      "Expected `blockedAfter` to be milliseconds >= 0, got `-1` (number)",
    );
  });
});
