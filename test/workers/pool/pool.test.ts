import { setTimeout as delay } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import * as threadloop from "threadloop";
import {
  CancelledError,
  createTask,
  gather,
  run,
  runInExecutor,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
} from "threadloop";
import * as workers from "threadloop/workers";
import { CloneError, PoolClosedError, WorkerPool, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { never } from "../../fixtures/workers/throwsonload.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

describe("WorkerPool", () => {
  it("has its one thread start while its first function is still being looked up", async () => {
    const pool = makePool({ size: 2 });
    const job = pool.submit(jobs.add, 1, 2);
    expect(pool.stats().sessions).toBe(1);
    expect(await job).toBe(3);
  });

  it("runs a function in another thread and gives its result", async () => {
    const pool = makePool();
    expect(await pool.submit(jobs.add, 1, 2)).toBe(3);
    expect(await pool.submit(jobs.where)).not.toBe(threadId);
  });

  it("runs many jobs, each once, and gives each its own result", async () => {
    const pool = makePool();
    const results = await Promise.all(Array.from({ length: 5000 }, (_, i) => pool.submit(jobs.add, i, 1)));
    expect(results).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  });

  it("keeps the session of a worker that has nothing to do whenever it is looked at, but was not idle in between", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const pool = makePool({ size: 1 });
    const sessions: number[] = [];
    const look = () => {
      vi.advanceTimersByTime(50);
      sessions.push(pool.stats().sessions);
    };
    for (let n = 0; n < 4; n++) {
      await pool.submit(jobs.add, n, 1);
      look();
    }
    look();
    expect(sessions).toEqual([1, 1, 1, 1, 0]);
  });

  it("lets timers and immediates of the main thread have their turn between jobs that are awaited one by one", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.add, 0, 0);
    const turns: string[] = [];
    await run(async () => {
      setTimeout(() => turns.push("timer"), 1);
      setImmediate(() => turns.push("immediate"));
      let sum = 0;
      while (turns.length < 2) sum = await pool.submit(jobs.add, sum, 1);
      expect(sum).toBeGreaterThan(0);
    });
    expect(turns.sort()).toEqual(["immediate", "timer"]);
  });

  it("goes on with the other tasks that a reply woke when one of them throws", async () => {
    const pool = makePool({ size: 1 });
    const ends = await run(async () => {
      const job = pool.submit(jobs.add, 1, 2);
      const fails = createTask(async () => {
        throw new Error(`got ${await job}`);
      });
      const follows = createTask(async () => await job);
      return await gather([fails, follows], { returnExceptions: true });
    });
    expect(ends.map(String)).toEqual(["Error: got 3", "3"]);
  });

  it("gives a worker a running loop of its own, with tasks", async () => {
    const pool = makePool();
    expect(await pool.submit(jobs.surroundings)).toEqual({
      loop: true,
      task: "surroundings",
      child: "child",
    });
  });

  it("interleaves the coroutines of one worker", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const waiting = Array.from({ length: 20 }, () => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(20);
    expect(await pool.submit(jobs.add, 1, 1)).toBe(2);
    gate.open();
    expect(new Set(await Promise.all(waiting)).size).toBe(1);
  });

  it("starts no more jobs in a worker at once than `tasksPerWorker`", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 2 });
    const gate = new Gate();
    const waiting = Array.from({ length: 6 }, () => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(2);
    expect(waiting.filter((job) => job.running())).toHaveLength(2);
    gate.open();
    expect(await Promise.all(waiting)).toHaveLength(6);
  });

  it("takes undefined and missing arguments as a call does", async () => {
    const pool = makePool();
    expect(await pool.submit(jobs.withDefault, undefined)).toEqual([undefined, 5]);
  });

  it("moves jobs that wait behind a long one to a free worker", async () => {
    const pool = makePool({ size: 2 });
    await Promise.all([pool.submit(jobs.spin, 1), pool.submit(jobs.spin, 1)]);
    const gate = new Gate();
    const blocked = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const others = await Promise.all(Array.from({ length: 200 }, () => pool.submit(jobs.where)));
    expect(blocked.done()).toBe(false);
    gate.open();
    expect(others).not.toContain(await blocked);
  });

  it("does not move a job to and fro between workers that are both busy with a long one", async () => {
    const pool = makePool({ size: 2 });
    const gates = [new Gate(), new Gate()];
    const blocked = gates.map((gate) => pool.submit(jobs.blockUntilOpen, gate.buffer));
    const waiting = [pool.submit(jobs.echo, 1), pool.submit(jobs.echo, 2), pool.submit(jobs.echo, 3)];
    await Promise.all(gates.map((gate) => gate.at(1)));
    const before = pool.stats().moved;
    // The pool looks for jobs to rescue every few milliseconds: it gets many occasions.
    for (let i = 0; i < 40; i++) await delay(5);
    expect(pool.stats().moved).toBe(before);
    for (const gate of gates) gate.open();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
    await Promise.all(blocked);
  });

  it("moves a job at most once from each of the workers that block in a later step of a coroutine", async () => {
    const pool = makePool({ size: 2 });
    const gates = [new Gate(), new Gate()];
    const both = new Gate();
    const blocked = gates.map((gate) => pool.submit(jobs.meetThenBlock, both.buffer, gate.buffer));
    await Promise.all(gates.map((gate) => gate.at(1)));
    const before = pool.stats().moved;
    const waiting = pool.submit(jobs.echo, "waits");
    // The pool looks for jobs to rescue every few milliseconds: it gets many occasions.
    for (let i = 0; i < 40; i++) await delay(5);
    expect(pool.stats().moved - before).toBeLessThanOrEqual(2);
    for (const gate of gates) gate.open();
    expect(await waiting).toBe("waits");
    await Promise.all(blocked);
  });

  it("starts no second thread for a job that waits until the first one is set up", async () => {
    const gate = new Gate();
    const { words } = gate;
    const initializer = async () => {
      Atomics.store(words, 1, 1);
      while (Atomics.load(words, 0) === 0) await sleep(1);
    };
    const pool = makePool({ size: 4, initializer });
    const job = pool.submit(jobs.echo, "set up");
    await gate.at(1);
    for (let i = 0; i < 10; i++) await delay(5);
    expect(pool.stats()).toMatchObject({ threads: 1, moved: 0 });
    gate.open();
    expect(await job).toBe("set up");
  });

  it("moves a job to an idle worker also when that was to get some that could not be sent and were cancelled", async () => {
    const pool = makePool({ size: 2 });
    const both = new Gate();
    await Promise.all([1, 2].map(() => pool.submit(jobs.awaitTwo, both.buffer)));
    const unsendable = Array.from({ length: 4 }, () => pool.submit(jobs.echo, [() => 1]));
    for (const job of unsendable) job.cancel();
    await pool.submit(jobs.echo, 1);
    const [gate, door] = [new Gate(), new Gate()];
    const suspended = [pool.submit(jobs.awaitUntilOpen, gate.buffer)];
    await gate.at(1);
    const blocked = pool.submit(jobs.blockUntilOpen, door.buffer);
    await door.at(1);
    suspended.push(pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(2);
    expect(await pool.submit(jobs.echo, "moved")).toBe("moved");
    expect(pool.stats().moved).toBeGreaterThan(0);
    door.open();
    gate.open();
    await Promise.all([blocked, ...suspended]);
  });

  it("shows its state when inspected", async () => {
    const pool = makePool({ name: "render" });
    const { inspect } = await import("node:util");
    expect(inspect(pool)).toBe("<WorkerPool render open, threads=0/2, jobs=0, queued=0>");
    const job = pool.submit(jobs.echo, 1);
    expect(inspect(job)).toMatch(/^<Job echo (running|shipping|queued)>$/);
    await job;
    expect(inspect(job)).toBe("<Job echo result=1>");
  });

  it("says which option is wrong", () => {
    expect(() => new WorkerPool({ size: 0 })).toThrow(
      "Expected `size` to be an integer >= 1, got `0` (number)",
    );
    expect(() => new WorkerPool({ size: 2, minThreads: 3 })).toThrow(
      "`minThreads` to be an integer from 0 to 2",
    );
    expect(() => new WorkerPool({ ship: "copy" as never })).toThrow(
      '`ship` to be "auto" or "reference" or "value"',
    );
    expect(() => makePool().with({ timeout: -1 })).toThrow("`timeout` to be milliseconds >= 0, got `-1`");
  });

  it.each([
    [{ initializer: 5 }, "Expected `initializer` to be a function, got `5` (number)"],
    [{ teardown: "end" }, "Expected `teardown` to be a function"],
    [{ preload: "./a.js" }, "Expected `preload` to be an array"],
    [{ preload: ["./a.js"] }, 'Expected `preload[0]` to be a URL: new URL("./module.js", import.meta.url)'],
    [{ env: 3 }, "Expected `env` to be an object or SHARE_ENV, got `3` (number)"],
    [{ execArgv: [3] }, "Expected `execArgv[0]` to be a string, got `3` (number)"],
    [{ execArgv: "--flag" }, "Expected `execArgv` to be an array"],
    [{ resourceLimits: 5 }, "Expected `resourceLimits` to be an object"],
    [
      { context: { user: 1 } },
      "Expected `context.user` to be an AsyncLocalStorage or a ContextVar, got `1` (number)",
    ],
    [{ name: 5 }, "Expected `name` to be a string"],
    [null, "Expected `options` to be an object, got `null` (null)"],
  ])("refuses the options %j", (options, message) => {
    expect(() => new WorkerPool(options as never)).toThrow(message);
  });

  it.each([
    [{ idempotent: "no" }, "Expected `idempotent` to be true or false, got `'no'` (string)"],
    [{ transfer: 5 }, "Expected `transfer` to be an array"],
    [{ name: 5 }, "Expected `name` to be a string"],
    [{ signal: {} }, "Expected `signal` to be an AbortSignal"],
    [null, "Expected `options` to be an object"],
  ])("refuses the options %j of a call", (options, message) => {
    expect(() => makePool().with(options as never)).toThrow(message);
  });
});

describe("errors of a job", () => {
  const classes = Object.entries({ threadloop, "threadloop/workers": workers }).flatMap(([module, all]) =>
    Object.values(all)
      .filter((each) => typeof each === "function" && each.prototype instanceof Error)
      .map((each) => ({ module, each: each as typeof Error })),
  );

  it.each(classes)("of the class $each.name of $module keep it", async ({ module, each }) => {
    const error = await errorOf(makePool().submit(jobs.throwOf, module, each.name));
    expect(Object.getPrototypeOf(error)).toBe(each.prototype);
  });

  it("keep class, name, message, own properties and cause", async () => {
    const error = await makePool()
      .submit(jobs.throwTeapot)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      name: "Teapot",
      message: "short and stout",
      code: 418,
      detail: "not cloneable",
    });
    expect((error as Error).cause).toBeInstanceOf(TypeError);
    expect((error as Error).cause).toMatchObject({ message: "no handle" });
  });

  it("keep what an AggregateError holds", async () => {
    const error = await makePool()
      .submit(jobs.throwSeveral)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AggregateError);
    const { errors } = error as AggregateError;
    expect(errors.map((one) => [one.constructor.name, one.name, one.message])).toEqual([
      ["TypeError", "TypeError", "one"],
      ["RangeError", "Teapot", "two"],
    ]);
  });

  it("may be anything that can be thrown", async () => {
    const pool = makePool();
    for (const value of [undefined, null, 7, "text", { plain: [1] }]) {
      await expect(pool.submit(jobs.throwValue, value).toPromise()).rejects.toEqual(value);
    }
  });

  it("may be such that reading them throws: a property costs only itself", async () => {
    const pool = makePool({ size: 1 });
    for (const property of ["name", "message", "stack", "cause"]) {
      const error = await errorOf(pool.submit(jobs.throwUnreadable, property));
      expect(error.constructor).toBe(Error);
      expect(error).toMatchObject(property === "message" ? { name: "Error" } : { message: "hidden" });
    }
    const error = await errorOf(pool.submit(jobs.throwProxy));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/cannot be read.*RangeError: not to be read/);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("show the worker's frames and then the caller's", async () => {
    const pool = makePool();
    async function askedForTea(): Promise<never> {
      return (await pool.submit(jobs.throwTeapot)) as never;
    }
    const { stack } = await askedForTea().catch((caught: unknown) => caught as Error);
    expect(stack).toMatch(
      /throwTeapot.*jobs\.mjs[\s\S]*called in another thread by[\s\S]*askedForTea.*pool\.test\.ts/,
    );
    expect(stack).not.toMatch(/dist\/workers/);
  });
});

describe("cancelling a job", () => {
  it("settles one that has not started at once", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const blocked = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 100 }, () => pool.submit(jobs.where));
    for (const job of waiting) expect(job.cancel("not needed")).toBe(true);
    expect(waiting.every((job) => job.cancelled())).toBe(true);
    expect(() => waiting[0]?.result()).toThrow(new CancelledError("not needed"));
    gate.open();
    await blocked;
    expect(await pool.submit(jobs.add, 1, 1)).toBe(2);
  });

  it("throws CancelledError at the await of a coroutine and settles when its finally blocks have run", async () => {
    const pool = makePool();
    const gate = new Gate();
    const job = pool.submit(jobs.waitAndCleanUp, gate.buffer);
    await gate.at(1);
    expect(job.cancel("enough")).toBe(true);
    expect(job.done()).toBe(false);
    await expect(job.toPromise()).rejects.toThrow(new CancelledError("enough"));
    expect(gate.step).toBe(3);
  });

  it("reaches it through the task that awaits it", async () => {
    const pool = makePool();
    const gate = new Gate();
    await run(async () => {
      const task = createTask(async () => pool.submit(jobs.waitAndCleanUp, gate.buffer));
      while (gate.step === 0) await sleep(1);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
      expect(gate.step).toBe(3);
    });
  });

  it("leaves the neighbours in the same worker alone", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.nap, 20, "fine");
    const job = pool.submit(jobs.waitAndCleanUp, gate.buffer);
    await gate.at(1);
    job.cancel();
    expect(await neighbour).toBe("fine");
    await expect(job.toPromise()).rejects.toBeInstanceOf(CancelledError);
  });

  it("does nothing to one that is done", async () => {
    const job = makePool().submit(jobs.add, 1, 2);
    await job;
    expect(job.cancel()).toBe(false);
    expect(job.result()).toBe(3);
  });
});

describe("bad input", () => {
  it("an argument that cannot be cloned is named, and its neighbours in the batch run", async () => {
    const pool = makePool();
    const [before, bad, after] = [
      pool.submit(jobs.echo, 1),
      pool.submit(jobs.echo, { on: [() => 1] }),
      pool.submit(jobs.echo, 2),
    ];
    await expect(bad.toPromise()).rejects.toThrow(
      /Cannot copy argument 1 of job `echo` to a worker: it\.on\[0\] is a function/,
    );
    await expect(bad.toPromise()).rejects.toBeInstanceOf(CloneError);
    expect(await Promise.all([before, after])).toEqual([1, 2]);
  });

  it("a result that cannot be cloned is named, and its neighbours in the batch arrive", async () => {
    const pool = makePool({ size: 1 });
    const all = [pool.submit(jobs.echo, 1), pool.submit(jobs.returnsFunction), pool.submit(jobs.echo, 2)];
    await expect(all[1]?.toPromise()).rejects.toThrow(
      /result of job `returnsFunction` back: it\.options\.onDone is a function/,
    );
    expect(await Promise.all([all[0], all[2]])).toEqual([1, 2]);
  });

  it("a module that throws while it loads in the worker rejects the job with that error", async () => {
    const pool = makePool({ ship: "reference" });
    await expect(pool.submit(never).toPromise()).rejects.toThrow("this module does not like threads");
    expect(await pool.submit(jobs.add, 1, 1)).toBe(2);
  });

  it("a worker that exits fails the job that did it, and the pool lives on", async () => {
    const pool = makePool({ size: 1 });
    const error = await pool.submit(jobs.exit, 3).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).toMatchObject({
      job: "exit",
      culprit: true,
      message: expect.stringContaining("exited with code: 3"),
    });
    expect(await pool.submit(jobs.add, 1, 1)).toBe(2);
  });

  it("what is no function is refused", () => {
    expect(() => makePool().submit("fib" as never)).toThrow(
      /Expected `fn` to be a function, got `'fib'` \(string\)/,
    );
  });
});

describe("closing a pool", () => {
  it("finishes what was submitted, then refuses", async () => {
    const pool = makePool();
    const slow = Array.from({ length: 10 }, (_, i) => pool.submit(jobs.nap, 5, i));
    expect(await pool.close()).toEqual({ dropped: [] });
    expect(slow.map((job) => job.result())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(() => pool.submit(jobs.add, 1, 2)).toThrow(PoolClosedError);
    expect(() => pool.submit(jobs.add, 1, 2)).toThrow(/Pool "pool" is closed.*Make another/);
  });

  it("twice is the same as once", async () => {
    const pool = makePool();
    await pool.submit(jobs.add, 1, 2);
    expect(pool.close()).toBe(pool.close());
  });

  it("happens at the end of its scope", async () => {
    const pool = makePool();
    await pool.submit(jobs.add, 1, 2);
    await pool[Symbol.asyncDispose]();
    expect(() => pool.submit(jobs.add, 1, 2)).toThrow(PoolClosedError);
  });
});

describe("runInExecutor", () => {
  it("uses a pool of the loop's own, made at first use and closed by run", async () => {
    const ids = await run(async () => gather(runInExecutor(jobs.where), runInExecutor(jobs.where)));
    expect(ids).not.toContain(threadId);
  });

  it("takes a pool, or a view of one", async () => {
    const pool = makePool();
    await run(async () => {
      const { getRunningLoop } = await import("threadloop");
      expect(await getRunningLoop().runInExecutor(pool, jobs.add, 1, 2)).toBe(3);
      expect(await getRunningLoop().runInExecutor(pool.with({ timeout: 1000 }), jobs.add, 1, 2)).toBe(3);
    });
  });

  it("is stopped by a timeout, cleanup included", async () => {
    const gate = new Gate();
    await run(async () => {
      const limited = timeout(null, async (scope) => {
        createTask(async () => {
          while (gate.step === 0) await sleep(1);
          scope.reschedule(0);
        });
        await runInExecutor(jobs.waitAndCleanUp, gate.buffer);
      });
      await expect(limited).rejects.toBeInstanceOf(TimeoutError);
      expect(gate.step).toBe(3);
    });
  });

  it("belongs to its group: a failing sibling cancels it in its thread before the group ends", async () => {
    const gate = new Gate();
    await run(async () => {
      const group = taskGroup(async (tasks) => {
        tasks.createTask(async () => runInExecutor(jobs.waitAndCleanUp, gate.buffer));
        tasks.createTask(async () => {
          while (gate.step === 0) await sleep(1);
          throw new RangeError("sibling");
        });
      });
      await expect(group).rejects.toMatchObject({ errors: [new RangeError("sibling")] });
      expect(gate.step).toBe(3);
    });
  });
});
