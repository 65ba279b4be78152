import { execFile } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PoolClosedError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("close", () => {
  it("at its deadline fails what is left, by name, and says what that was", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const running = pool.with({ name: "stuck" }).submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    const waiting = [1, 2].map((n) => pool.submit(jobs.echo, n));
    const failures = Promise.all([running, ...waiting].map(errorOf));
    expect(await pool.close({ deadline: 20 })).toEqual({
      dropped: expect.arrayContaining(["stuck", "echo", "echo"]),
    });
    const [error, ...others] = await failures;
    expect(error).toBeInstanceOf(PoolClosedError);
    expect(error?.message).toBe("Job `stuck` was not done at the deadline of close(), 20 ms");
    for (const other of others) expect(other).toBeInstanceOf(PoolClosedError);
  });

  it("is hastened by a deadline, or by cancelFutures, of a later call", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const running = pool.with({ name: "stuck" }).submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    const failure = errorOf(running);
    const waiting = pool.submit(jobs.echo, 1);
    const closed = pool.close();
    expect(pool.close({ cancelFutures: true })).toBe(closed);
    expect(waiting.cancelled()).toBe(true);
    expect(pool.close({ deadline: 60_000 })).toBe(closed);
    expect(await pool.close({ deadline: 0 })).toEqual({ dropped: ["stuck"] });
    expect((await failure)?.message).toBe("Job `stuck` was not done at the deadline of close(), 0 ms");
    expect(await pool.close({ deadline: 0 })).toEqual({ dropped: ["stuck"] });
  });

  it("runs the teardown in every worker", async () => {
    const gate = new Gate();
    const pool = makePool({ size: 2, teardown: jobs.tearDown });
    await Promise.all([pool.submit(jobs.awaitTwo, gate.buffer), pool.submit(jobs.awaitTwo, gate.buffer)]);
    await pool.close();
    expect(gate.words[2]).toBe(2);
  });
});

describe("teardown", () => {
  it("runs in a thread that goes because it is idle, and not again at close", async () => {
    const gate = new Gate();
    const pool = makePool({ size: 1, idleTimeout: 1, teardown: jobs.tearDownAtGate });
    await pool.submit(jobs.willTearDownAt, gate.buffer);
    gate.open();
    await gate.at(1);
    await pool.close();
    expect(gate.step).toBe(1);
  });

  it("runs at close in the threads that stay", async () => {
    const gate = new Gate();
    const pool = makePool({ size: 2, minThreads: 1, idleTimeout: 1, teardown: jobs.tearDown });
    await Promise.all([1, 2].map(() => pool.submit(jobs.awaitTwo, gate.buffer)));
    await vi.waitUntil(() => pool.stats().threads === 1, { timeout: 20_000 });
    expect(gate.words[2]).toBe(1);
    await pool.close();
    expect(gate.words[2]).toBe(2);
  });

  it("lets a job that comes meanwhile wait for the thread's place, and run in a new thread", async () => {
    const gate = new Gate();
    const pool = makePool({ size: 1, idleTimeout: 1, teardown: jobs.tearDownAtGate });
    const thread = await pool.submit(jobs.willTearDownAt, gate.buffer);
    await gate.at(1);
    const late = pool.submit(jobs.where);
    gate.open();
    expect(await late).not.toBe(thread);
  });

  it("needs no initializer in a thread that never had a job", async () => {
    const gate = new Gate();
    const { words } = gate;
    const initializer = () => Atomics.add(words, 1, 1);
    const pool = makePool({ size: 2, minThreads: 2, initializer, teardown: jobs.tearDown });
    const bytes = new Uint8Array(1);
    await pool.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes); // such a job cannot move
    await pool.close();
    expect(gate.step).toBe(1);
  });

  it("that throws is a warning, and the pool closes all the same", async () => {
    const warned = once(process, "warning");
    const pool = makePool({ size: 1, teardown: jobs.throwTeapot });
    await pool.submit(jobs.echo, 1);
    await pool.close();
    expect((await warned)[0]).toMatchObject({ code: "THREADLOOP_STRAY_ERROR" });
  });

  it("that throws what becomes no text is a warning too", async () => {
    const warned = once(process, "warning");
    const pool = makePool({ size: 1, teardown: jobs.throwTextless });
    await pool.submit(jobs.echo, 1);
    await pool.close();
    expect((await warned)[0]).toMatchObject({
      code: "THREADLOOP_STRAY_ERROR",
      message: expect.stringMatching(/belongs to no running job: what was thrown cannot be shown$/),
    });
  });
});

describe("a process with a pool", () => {
  const exits = async (program: string) => {
    const path = fileURLToPath(new URL("../../fixtures/workers/exits.mjs", import.meta.url));
    return (await promisify(execFile)(process.execPath, [path, program], { timeout: 20_000 })).stdout;
  };

  it("exits by itself when the pool was closed", async () => {
    expect(await exits("closed")).toBe("3\n");
  });

  it("exits by itself when the pool is idle and nobody closed it", async () => {
    expect(await exits("idle")).toBe("3\n");
  });

  it("exits by itself after runInExecutor without a loop", async () => {
    expect(await exits("shared")).toBe("3\n");
  });

  it("stays while a job is open", async () => {
    expect(await exits("open")).toBe("slept\n");
  });

  it("does not wait for a call of a callback that never returns, once its job has ended", async () => {
    const pool = makePool({ size: 1 });
    const job = pool.submit(jobs.callAndLeave, () => new Promise<void>(() => {}));
    await pool.close();
    expect(await job).toBe(5);
  });
});
