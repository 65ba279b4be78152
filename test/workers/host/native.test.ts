// No thread can be stopped in native code: the deadlines of jobs that are in it hold all the same.
import { execFileSync } from "node:child_process";
import { pbkdf2Sync } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, runInExecutor, sleep, TimeoutError, timeout } from "threadloop";
import { PoolClosedError, WorkerPool } from "threadloop/workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, makePool, warningOf } from "../../support/pools.ts";

/** Pipes that a thread waits in until the test is over: what native code does for ever. */
let folder: string;
let pipe: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "threadloop-"));
  pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
});

afterEach(async () => {
  release();
  rmSync(folder, { recursive: true });
});

/** Lets those go that read the pipe. */
function release(): void {
  closeSync(openSync(pipe, "r+"));
}

describe("a job in native code that is stopped", () => {
  it("settles after the grace, and its place has a new thread at once", async () => {
    const pool = makePool({ size: 1, cancelGrace: 10 });
    const thread = await pool.submit(jobs.where);
    const warned = warningOf("THREADLOOP_THREAD_LOST");
    const reading = pool.submit(readFileSync, pipe);
    while (!reading.running()) await new Promise((resolve) => setTimeout(resolve, 1));
    reading.cancel("enough");
    expect((await errorOf(reading)).message).toBe("enough");
    expect(await pool.submit(jobs.where)).not.toBe(thread);
    expect((await warned).message).toMatch(
      new RegExp(`^Thread ${thread} of pool "pool" was ended because of job \`readFileSync\``),
    );
    expect(pool.stats()).toMatchObject({ threads: 1, lost: 1 });
    release();
    while (pool.stats().lost > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("fails with its timeout, and neighbours that had not started run", async () => {
    const pool = makePool({ size: 1, cancelGrace: 0 });
    const reading = pool.with({ timeout: 20 }).submit(readFileSync, pipe);
    const next = pool.submit(jobs.echo, "next");
    expect(await errorOf(reading)).toBeInstanceOf(TimeoutError);
    expect(await next).toBe("next");
  });

  it("does not hold the deadline of close()", async () => {
    const pool = new WorkerPool({ size: 2 });
    const reading = errorOf(pool.submit(readFileSync, pipe));
    const idle = pool.submit(jobs.echo, 1);
    await idle;
    expect(await pool.close({ deadline: 20 })).toEqual({ dropped: ["readFileSync"] });
    expect(await reading).toBeInstanceOf(PoolClosedError);
    expect(pool.stats()).toMatchObject({ threads: 0, lost: 1 });
  });

  it("that was left behind by a job, or is the initializer, does not hold it either", async () => {
    const behind = new WorkerPool({ size: 1 });
    await behind.submit(jobs.readLater, pipe);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await behind.close({ deadline: 20 });
    const initializer = new WorkerPool({ size: 1, initializer: () => void readFileSync(pipe) });
    const job = errorOf(initializer.submit(jobs.echo, 1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await initializer.close({ deadline: 20 })).toEqual({ dropped: ["echo"] });
    expect(await job).toBeInstanceOf(PoolClosedError);
  });

  it("gives way to a timeout around the wait for it, whatever the code is", async () => {
    await run(async () => {
      const pool = makePool({ size: 2, cancelGrace: 0 });
      for (const start of [
        () => pool.submit(pbkdf2Sync, "a", "b", 3_000_000, 64, "sha512"),
        () => pool.submit(execFileSync, "sleep", ["3"]),
        () => pool.submit(readFileSync, pipe),
      ]) {
        const job = start();
        expect(await errorOf(timeout(50, () => job))).toBeInstanceOf(TimeoutError);
        expect(job.cancelled()).toBe(true);
      }
      expect(await Promise.all([1, 2, 3].map((n) => pool.submit(jobs.echo, n)))).toEqual([1, 2, 3]);
    });
  });

  it("leaves the process its end, once the code has returned", async () => {
    await run(async () => {
      const reading = runInExecutor(readFileSync, pipe);
      await sleep(100);
      reading.cancel();
      expect((await errorOf(reading)).name).toBe("CancelledError");
    });
    release();
  });
});
