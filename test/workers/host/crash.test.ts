import { BrokenPoolError, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("a worker that dies", () => {
  it("fails the job that ended it, moves those that had not started, and is replaced", async () => {
    const pool = makePool({ size: 1 });
    const all = [
      pool.submit(jobs.echo, 1),
      pool.submit(jobs.exit, 7),
      pool.submit(jobs.echo, 2),
      pool.submit(jobs.echo, 3),
    ];
    const error = await errorOf(all[1] as PromiseLike<unknown>);
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).toMatchObject({ job: "exit", culprit: true });
    expect(error.message).toMatch(/job `exit` \(pool "pool"\) ended: worker exited with code: 7/);
    expect(await Promise.all([all[0], all[2], all[3]])).toEqual([1, 2, 3]);
  });

  it("fails its other running jobs with an error that names the culprit", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const neighbours = [1, 2, 3].map(() => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(3);
    const culprit = pool.submit(jobs.exit, 2);
    const errors = await Promise.all([...neighbours, culprit].map(errorOf));
    expect(errors.pop()).toMatchObject({ culprit: true });
    for (const error of errors) {
      expect(error).toMatchObject({
        job: "exit",
        culprit: false,
        message: expect.stringContaining("because of job `exit`"),
      });
    }
  });

  it("by running out of memory settles every job, and the pool heals", async () => {
    const pool = makePool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const job = pool.submit(jobs.fillMemory);
    const after = pool.submit(jobs.echo, "after");
    const error = await errorOf(job);
    expect(error).toMatchObject({
      job: "fillMemory",
      culprit: true,
      cause: { code: "ERR_WORKER_OUT_OF_MEMORY" },
    });
    expect(await after).toBe("after");
  });

  it("by reading the arguments of a job fails that one after a few tries, and the others run", async () => {
    const pool = makePool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const large = Array.from({ length: 500_000 }, (_, i) => ({ i }));
    const before = pool.submit(jobs.echo, 1);
    const poison = errorOf(pool.submit(jobs.note, new Gate().buffer, large as never));
    const after = pool.submit(jobs.echo, 2);
    const error = await poison;
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).toMatchObject({ job: "note", culprit: true });
    expect(error.message).toMatch(/^Job `note` .* ended 3 worker threads before it started.*memory/);
    expect([await before, await after]).toEqual([1, 2]);
  });

  it("runs an idempotent job again, within its attempts", async () => {
    const pool = makePool({ size: 1, attempts: 3 });
    const gate = new Gate();
    expect(await pool.with({ idempotent: true }).submit(jobs.exitAtFirst, gate.buffer, 2)).toBe("done");
    expect(gate.step).toBe(3);
  });

  it("is not ended for ever by a poison job: its runs are bounded", async () => {
    const pool = makePool({ size: 2, attempts: 3 });
    const gate = new Gate();
    const poison = pool.with({ idempotent: true }).submit(jobs.exitAtFirst, gate.buffer, 1000);
    expect(await errorOf(poison)).toBeInstanceOf(WorkerTerminatedError);
    expect(gate.step).toBe(3);
    expect(await pool.submit(jobs.echo, "fine")).toBe("fine");
  });
});

describe("an error that a job leaves to nobody", () => {
  it("thrown by a timer fails the job that set it, and not its neighbours", async () => {
    const pool = makePool({ size: 1 });
    const neighbour = pool.submit(jobs.nap, 50, "fine");
    const error = await errorOf(pool.submit(jobs.strayTimer, 60_000));
    expect(error).toEqual(new RangeError("out of nowhere"));
    expect(await neighbour).toBe("fine");
  });

  it("rejected fails the job that left it alone, and not its neighbours", async () => {
    const pool = makePool({ size: 1 });
    const neighbour = pool.submit(jobs.nap, 50, "fine");
    expect(await errorOf(pool.submit(jobs.strayRejection, 60_000))).toEqual(new RangeError("left alone"));
    expect(await neighbour).toBe("fine");
  });

  it("after the job has ended is a warning, and the worker lives", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockReturnValue();
    const pool = makePool({ size: 1 });
    const thread = await pool.submit(jobs.where);
    const gate = new Gate();
    const open = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await pool.submit(jobs.leaveTimerBehind);
    await vi.waitUntil(() => warned.mock.calls.length > 0, { timeout: 20_000, interval: 1 });
    expect(String(warned.mock.calls[0]?.[0])).toMatch(
      /pool "pool" that belongs to no running job: RangeError: long after/,
    );
    gate.open();
    expect(await open).toBe(thread);
    warned.mockRestore();
  });
});

describe("a worker that cannot be set up", () => {
  it("breaks the pool with the initializer's error: what waits fails, what comes is refused", async () => {
    const pool = makePool({ initializer: jobs.brokenInitializer });
    const all = [pool.submit(jobs.echo, 1), pool.submit(jobs.echo, 2)];
    for (const error of await Promise.all(all.map(errorOf))) {
      expect(error).toBeInstanceOf(BrokenPoolError);
      expect(error.message).toMatch(/cannot be set up: no licence/);
      expect(error.cause).toEqual(new RangeError("no licence"));
    }
    expect(() => pool.submit(jobs.echo, 3)).toThrow(BrokenPoolError);
  });

  it("breaks the pool when it exits while it is set up, after a few tries", async () => {
    const pool = makePool({ size: 1, initializer: jobs.exitingInitializer });
    expect(await errorOf(pool.submit(jobs.echo, 1))).toBeInstanceOf(BrokenPoolError);
  });

  it("breaks the pool when a preload is not there", async () => {
    const pool = makePool({ preload: ["file:///nowhere/at/all.mjs"] });
    expect((await errorOf(pool.submit(jobs.echo, 1))).message).toMatch(/cannot be set up: .*nowhere/);
  });

  it("breaks the pool when no thread can start", async () => {
    const pool = makePool({ execArgv: ["--import", "file:///nowhere/at/all.mjs"] });
    expect(await errorOf(pool.submit(jobs.echo, 1))).toBeInstanceOf(BrokenPoolError);
  });

  it("breaks the pool when a thread's options are refused, and leaves no rejection behind at close", async () => {
    const left: unknown[] = [];
    const note = (error: unknown) => void left.push(error);
    process.on("unhandledRejection", note);
    const pool = makePool({ execArgv: ["--max-old-space-size=100"] });
    expect(await errorOf(pool.submit(jobs.echo, 1))).toBeInstanceOf(BrokenPoolError);
    await pool.close();
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.off("unhandledRejection", note);
    expect(left).toEqual([]);
  });
});
