import { inspect } from "node:util";
import { threadId } from "node:worker_threads";
import { CloneError, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { SLOT_COUNT } from "../../../dist/workers/core.js";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import * as peers from "../../fixtures/workers/peers.mjs";
import { errorOf, Gate, makePool, warningOf } from "../../support/pools.ts";

describe("spawn", () => {
  it("makes an object in a worker, which keeps its state between calls", async () => {
    const pool = makePool();
    const counter = await pool.spawn(jobs.Counter, 10);
    expect(await counter.add(1)).toBe(11);
    expect(await counter.add(2)).toBe(13);
    expect(await counter.where()).not.toBe(threadId);
    expect(inspect(counter)).toBe("<Actor Counter>");
    await counter.close();
    expect(inspect(counter)).toBe("<Actor Counter closed>");
  });

  it("keeps each object in one worker while other jobs come and go", async () => {
    const pool = makePool();
    const counters = await Promise.all([pool.spawn(jobs.Counter), pool.spawn(jobs.Counter)]);
    const homes = await Promise.all(counters.map((counter) => counter.where()));
    await Promise.all(Array.from({ length: 100 }, () => pool.submit(jobs.where)));
    expect(await Promise.all(counters.map((counter) => counter.where()))).toEqual(homes);
    expect(new Set(homes).size).toBe(2);
  });

  it("takes more calls at once than a worker has slots, in order", async () => {
    const pool = makePool({ size: 1 });
    const counter = await pool.spawn(jobs.Counter);
    const calls = Array.from({ length: SLOT_COUNT + 1000 }, () => counter.add(1));
    calls.at(-2)?.cancel();
    expect(await calls.at(-1)).toBe(calls.length - 1);
    expect(await calls[SLOT_COUNT]).toBe(SLOT_COUNT + 1);
    await counter.close();
  });

  it("fails also the calls that wait for a slot when its worker dies", async () => {
    const pool = makePool({ size: 1 });
    const counter = await pool.spawn(jobs.Counter);
    const exit = counter.exit();
    const calls = Array.from({ length: SLOT_COUNT + 10 }, () => counter.add(1));
    const errors = await Promise.all([exit, ...calls].map(errorOf));
    expect(errors.every((error) => error instanceof WorkerTerminatedError)).toBe(true);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("waits for a worker that is just ending its session", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.echo, 1);
    const [host] = pool._scheduler.source.hosts;
    const ended = host?.close();
    const counter = await pool.spawn(jobs.Counter);
    await ended;
    expect(await counter.add(1)).toBe(1);
  });

  it("finishes the calls made so far at close, then disposes of the object and refuses more", async () => {
    const pool = makePool();
    const gate = new Gate();
    const counter = await pool.spawn(jobs.Counter);
    await counter.disposeAt(gate.buffer);
    const late = counter.addLater(20, 5);
    await counter.close();
    expect(late.result()).toBe(5);
    expect(gate.step).toBe(7);
    expect(() => counter.add(1)).toThrow("Actor Counter is closed: spawn another one");
  });

  it("fails the open calls, and later ones, when its worker dies", async () => {
    const pool = makePool();
    const counter = await pool.spawn(jobs.Counter);
    const open = counter.addLater(60_000, 1);
    const exit = counter.exit();
    const errors = await Promise.all([open, exit].map(errorOf));
    for (const error of errors) expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(() => counter.add(1)).toThrow(/worker of actor Counter.*ended.*Spawn another one/);
    await counter.close();
    expect(await (await pool.spawn(jobs.Counter)).add(1)).toBe(1);
  });

  it("says so when the object has no such method, and when the constructor fails", async () => {
    const pool = makePool();
    const counter = await pool.spawn(jobs.Counter);
    expect((await errorOf((counter as unknown as { fly(): PromiseLike<never> }).fly())).message).toBe(
      "Actor Counter has no method `fly`",
    );
    expect(await errorOf(pool.spawn(jobs.Unborn))).toEqual(new RangeError("not today"));
  });

  it("has its methods also where Object.prototype has one of that name", async () => {
    const pool = makePool();
    const label = await pool.spawn(peers.Label, "tea");
    expect(await label.toString()).toBe("a label: tea");
    expect(await label.toLocaleString()).toBe("eine Marke: tea");
    expect(await label.valueOf()).toBe("tea");
    expect(`${label}`).toBe("<Actor Label>");
    await label.close();
  });

  it("is closed with the pool", async () => {
    const pool = makePool();
    const counter = await pool.spawn(jobs.Counter);
    await counter.add(1);
    await pool.close();
    expect(() => counter.add(1)).toThrow(/closed/);
  });
});

describe("an actor's call", () => {
  it("goes by the names of class and method", async () => {
    const counter = await makePool().spawn(jobs.Counter);
    expect(counter.add(1).name).toBe("Counter.add");
    await counter.close();
  });
});

describe("broadcast", () => {
  it("runs in every worker there is", async () => {
    const pool = makePool({ size: 2 });
    const gate = new Gate();
    await Promise.all([pool.submit(jobs.awaitTwo, gate.buffer), pool.submit(jobs.awaitTwo, gate.buffer)]);
    const threads = await pool.broadcast(jobs.see, "news");
    expect(new Set(threads).size).toBe(2);
  });

  it("runs in every worker born later, before its first job, in order", async () => {
    const pool = makePool({ size: 1, initializer: jobs.initialize });
    expect(await pool.broadcast(jobs.see, "one")).toEqual([]);
    await pool.submit(jobs.where);
    expect(await pool.broadcast(jobs.see, "two")).toHaveLength(1);
    expect(await pool.submit(jobs.whatWasSeen)).toEqual(["initialized", "one", "two"]);
    await errorOf(pool.submit(jobs.exit, 1));
    expect(await pool.submit(jobs.whatWasSeen)).toEqual(["initialized", "one", "two"]);
  });

  it("refuses arguments that cannot be cloned, and workers born later are none the worse", async () => {
    const pool = makePool();
    expect(await errorOf(pool.broadcast(jobs.echo, { f() {} }))).toBeInstanceOf(CloneError);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("rejects with the error of a worker in which it fails", async () => {
    const pool = makePool();
    await pool.submit(jobs.where);
    expect(await errorOf(pool.broadcast(jobs.throwTeapot))).toMatchObject({ name: "Teapot" });
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });

  it("that has failed runs in no worker born later; the others do", async () => {
    const pool = makePool({ size: 1 });
    await pool.broadcast(jobs.see, "before");
    await pool.submit(jobs.where);
    expect(await errorOf(pool.broadcast(jobs.throwTeapot))).toMatchObject({ name: "Teapot" });
    expect(await pool.broadcast(jobs.see, "after")).toHaveLength(1);
    await errorOf(pool.submit(jobs.exit, 1));
    expect(await pool.submit(jobs.whatWasSeen)).toEqual(["before", "after"]);
  });

  it("that ends each thread rejects, and the pool replaces them though jobs wait", async () => {
    const pool = makePool({ size: 4, tasksPerWorker: 1 });
    const gate = new Gate();
    const held = Array.from({ length: 4 }, () => pool.submit(jobs.awaitUntilOpen, gate.buffer));
    await gate.at(4);
    const ended = errorOf(pool.broadcast(jobs.exit, 3));
    await new Promise((resolve) => setImmediate(resolve)); // it is posted behind what is held
    const waiting = Array.from({ length: 50 }, (_, n) => pool.submit(jobs.echo, n));
    gate.open();
    expect(await ended).toBeInstanceOf(WorkerTerminatedError);
    expect(await Promise.all(waiting)).toEqual(waiting.map((_, n) => n));
    await Promise.all(held);
  });

  it("that fails only in a worker born later is a warning, and the worker runs its jobs", async () => {
    const pool = makePool({ size: 1 });
    expect(await pool.broadcast(jobs.throwTeapot)).toEqual([]);
    await pool.broadcast(jobs.see, "next");
    const warning = warningOf("THREADLOOP_STRAY_ERROR");
    expect(await pool.submit(jobs.whatWasSeen)).toEqual(["next"]);
    expect((await warning).message).toMatch(/short and stout/);
  });
});
