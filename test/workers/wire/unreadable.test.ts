// These tests send what can be written in one thread and not be read in the other, as it is nested too deeply for the
// stack there, and what else comes back that nobody expects: each costs its own job, and nothing else.

import { CloneError, type WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import * as nested from "../../fixtures/workers/nested.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

const nest = (depth: number): unknown => {
  let inner: unknown[] = [];
  for (let i = 0; i < depth; i++) inner = [inner];
  return inner;
};
/** Threads have four times the stack of the main thread. */
const DEEP = 6000;
/** A quarter of what the main thread can write. */
const SMALL = 2500;
const smallPool = (): WorkerPool => makePool({ size: 1, resourceLimits: { stackSizeMb: 0.5 } });

async function outcomes(all: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(all);
  return settled.map((each) => (each.status === "fulfilled" ? each.value : each.reason.name));
}

describe("a result that is nested too deeply to be read", () => {
  it("fails its job; those beside it, and a neighbour that waits, notice nothing", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    const results = [1, 2, 3, DEEP, 4, 5].map((n) =>
      n === DEEP ? pool.submit(nest, n) : pool.submit(jobs.echo, n),
    );
    expect(await outcomes(results)).toEqual([1, 2, 3, "CloneError", 4, 5]);
    gate.open();
    expect(await neighbour).toBeGreaterThan(0);
  });

  it("fails a coroutine, a map and a stream at its place", async () => {
    const pool = makePool({ size: 1 });
    const later = async (depth: number) => nest(depth);
    expect(await outcomes([1, DEEP, 2].map((n) => pool.submit(later, n)))).toEqual([
      [[]],
      "CloneError",
      [[[]]],
    ]);
    const items: unknown[] = [];
    const stream = pool.stream(function* (depth: number) {
      yield 1;
      let inner: unknown[] = [];
      for (let i = 0; i < depth; i++) inner = [inner];
      yield inner;
      yield 3;
    }, DEEP);
    const error = await errorOf(
      (async () => {
        for await (const item of stream) items.push(item);
      })(),
    );
    expect(error).toBeInstanceOf(CloneError);
    expect(error.message).toMatch(/An item of job .* cannot be read/);
    expect(items.includes(3)).toBe(false);
    expect(await pool.submit(jobs.echo, 1)).toBe(1);
  });
});

describe("an argument that is nested too deeply for the thread", () => {
  it("fails its job, in a batch with others as alone, and an actor's call", async () => {
    const pool = smallPool();
    await pool.submit(jobs.echo, 0);
    const all = [1, 2, SMALL, 3].map((n) => pool.submit(jobs.echo, n === SMALL ? nest(n) : n));
    expect(await outcomes(all)).toEqual([1, 2, "CloneError", 3]);
    const counter = await pool.spawn(jobs.Counter);
    const calls = [counter.add(1), counter.add(nest(SMALL) as never), counter.add(2)];
    expect(await outcomes(calls)).toEqual([1, "CloneError", 3]);
    expect((await errorOf(pool.submit(jobs.echo, nest(SMALL)))).message).toMatch(
      /An argument of job `echo` cannot be read in the other thread/,
    );
    await counter.close();
  });
});

describe("a callback", () => {
  const ask = async (callback: (value: unknown) => unknown, depth: number) => {
    let inner: unknown[] = [];
    for (let i = 0; i < depth; i++) inner = [inner];
    const first = await Promise.resolve(callback(inner)).catch((error) => error.name);
    return [first, await callback(1)];
  };

  it("whose arguments cannot be read throws into the job, and can be called again", async () => {
    expect(await makePool().submit(ask, async () => "answer", DEEP)).toEqual(["CloneError", "answer"]);
  });

  it("whose result cannot be read does so too", async () => {
    let calls = 0;
    const answer = async () => (calls++ === 0 ? nest(SMALL) : "answer");
    expect(await smallPool().submit(ask, answer, 1)).toEqual(["CloneError", "answer"]);
  });
});

describe("a job whose result is set by hand", () => {
  it("has that, whatever its worker says later, and its pool closes", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const running = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 300 }, () => pool.submit(jobs.echo, 1));
    const unknown = pool.submit((n: number) => n, 1);
    running.setResult(5);
    for (const job of waiting) job.setResult(6);
    unknown.setException(new RangeError("by hand"));
    gate.open();
    expect(await Promise.all([running, ...waiting])).toEqual([5, ...waiting.map(() => 6)]);
    expect(await errorOf(unknown)).toBeInstanceOf(RangeError);
    expect(await pool.submit(jobs.echo, 7)).toBe(7);
    await pool.close();
    expect(pool.stats().queued).toBe(0);
  });
});

describe("a result that looks like what is on the wire", () => {
  it("arrives as it is", async () => {
    const pool = makePool();
    for (const name of ["threadloop:carried", "threadloop:message", "threadloop:value"]) {
      const value = { [name]: ["SharedLock", new SharedArrayBuffer(4)] };
      expect(await pool.submit(jobs.echo, value)).toEqual(value);
      expect(await pool.submit(jobs.echo, [value, name])).toEqual([value, name]);
    }
  });
});

describe("a nested call", () => {
  it("whose argument cannot be read on its way up fails, and the next one works", async () => {
    expect(await makePool({ size: 1 }).submit(nested.sendNested, DEEP)).toEqual(["CloneError", 1]);
  });

  it("of whose result nobody knows whether it can be read settles", async () => {
    const pool = makePool({ size: 1, resourceLimits: { stackSizeMb: 0.5 } });
    for (let depth = 500; depth <= 2500; depth += 500)
      expect(["read", "CloneError"]).toContain(await pool.submit(nested.getNested, depth));
  });
});
