import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CancelledError } from "threadloop";
import { WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import * as peers from "../../fixtures/workers/peers.mjs";
import { errorOf, Gate, makePool, warningOf } from "../../support/pools.ts";

describe("a function among the arguments", () => {
  it("that never answers does not cost a cancelled job its thread", async () => {
    const pool = makePool({ size: 1 });
    const thread = await pool.submit(jobs.where);
    const gate = new Gate();
    const job = pool.with({ cancelGrace: Number.POSITIVE_INFINITY }).submit(jobs.askTwice, () => {
      Atomics.store(gate.words, 1, 1);
      return new Promise(() => {});
    });
    await gate.at(1);
    job.cancel();
    expect(await errorOf(job)).toBeInstanceOf(CancelledError);
    expect(await pool.submit(jobs.where)).toBe(thread);
  });

  it("is one also for the methods of an actor and for streams", async () => {
    const pool = makePool();
    const counter = await pool.spawn(jobs.Counter);
    expect(await counter.report((n: number) => n + 1)).toBe(1);
    await counter.close();
    const items: number[] = [];
    for await (const item of pool.stream(jobs.ask2Yield, (n: number) => n * 10)) items.push(item as number);
    expect(items).toEqual([10, 20]);
  });

  it("is answered though everything that can be collected is, meanwhile", async () => {
    const pool = makePool({ size: 1 });
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const answer = async (n: number) => {
      for (let i = 0; i < 3; i++) {
        collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return n;
    };
    expect(await pool.submit(jobs.askTwice, answer)).toEqual([1, 2]);
  });

  it("fails when it is called after its job has ended", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(peers.keep, () => 1);
    expect((await errorOf(pool.submit(peers.callKept))).message).toMatch(
      /job whose callback this is has ended/,
    );
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("leaves its caller to fail when the worker dies", async () => {
    const pool = makePool();
    expect(await errorOf(pool.submit(jobs.askAndExit, () => 1))).toBeInstanceOf(WorkerTerminatedError);
  });
});

describe("A callback that fails and that nobody awaits", () => {
  it("is told of, also when the pool closes at once", async () => {
    const pool = makePool({ size: 1 });
    const warned = warningOf("THREADLOOP_STRAY_ERROR");
    const failing = () => Promise.reject(new RangeError("progress"));
    expect(
      await pool.submit(async (report: () => Promise<void>) => {
        void report();
        return "done";
      }, failing),
    ).toBe("done");
    await pool.close();
    expect((await warned).message).toMatch(/RangeError: progress/);
  });
});
