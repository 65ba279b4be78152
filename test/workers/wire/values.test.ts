import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { EventEmitter, getEventListeners } from "node:events";
import { statSync } from "node:fs";
import { Agent } from "node:http";
import { Socket } from "node:net";
import { CloneError, packed, SharedLock, SharedQueue, unpacked } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as graphs from "../../fixtures/workers/graphs.mjs";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { differenceOf } from "../../support/isomorphic.ts";
import { errorOf, makePool } from "../../support/pools.ts";

describe("What arrives in a thread, and comes back", () => {
  it("is what was sent: Buffers, URLs, errors, collections, cycles, whatever they are in", async () => {
    const pool = makePool({ size: 1 });
    const seeds = Array.from({ length: 1500 }, (_, i) => i);
    const given = await Promise.all(seeds.map((seed) => pool.submit(graphs.giveGraph, seed)));
    const echoed = await Promise.all(seeds.map((seed) => pool.submit(jobs.echo, [graphs.valueGraph(seed)])));
    for (const seed of seeds) {
      const expected = graphs.valueGraph(seed);
      expect([seed, differenceOf(expected, given[seed])]).toEqual([seed, null]);
      expect([seed, differenceOf([expected], echoed[seed])]).toEqual([seed, null]);
    }
  });

  it("are the arguments as they are when the code that submitted has ended", async () => {
    const pool = makePool({ size: 1 });
    const given = { n: 1 };
    const before = pool.submit(jobs.echo, given);
    const own = pool.submit(jobs.echo, { ...given });
    given.n = 2;
    const behind = pool.submit(jobs.echo, given);
    expect(await Promise.all([before, behind, own])).toEqual([{ n: 2 }, { n: 2 }, { n: 1 }]);
  });

  it("is a Buffer where one was sent, on every way", async () => {
    const pool = makePool({ size: 1 });
    const bytes = Buffer.from("abc");
    const isBuffer = (value: unknown) => Buffer.isBuffer(value);
    expect(await pool.submit(isBuffer, bytes)).toBe(true);
    for await (const is of pool.map(isBuffer, [bytes, bytes])) expect(is).toBe(true);
    function* buffers() {
      yield { deep: [Buffer.from("abc")] };
    }
    for await (const { deep } of pool.stream(buffers)) expect(deep[0]).toEqual(bytes);
    const seen: unknown[] = [];
    const answered = await pool.submit(
      async (ask: (given: Buffer) => Promise<Buffer>) => Buffer.isBuffer(await ask(Buffer.from("asked"))),
      async (given) => {
        seen.push(given);
        return bytes;
      },
    );
    expect(answered).toBe(true);
    expect(Buffer.isBuffer(seen[0])).toBe(true);
    class Store {
      put(value: Map<string, Buffer>) {
        return value.get("k");
      }
    }
    const store = await pool.spawn(Store);
    expect(Buffer.isBuffer(await store.put(new Map([["k", bytes]])))).toBe(true);
    await store.close();
  });

  it("leaves alone what only looks like a message of the pool's", async () => {
    const pool = makePool({ size: 1 });
    const lookalike = {
      "threadloop:carried": ["SharedLock", new SharedArrayBuffer(4)],
      "threadloop:message": 1,
    };
    const [lock, back] = await pool.submit((given: typeof lookalike) => [new SharedLock(), given], lookalike);
    expect(lock).toBeInstanceOf(SharedLock);
    expect(Object.keys(back as object)).toEqual(Object.keys(lookalike));
    expect(unpacked(structuredClone(packed(lookalike)))).toEqual(lookalike);
  });

  it("is refused by name when an object of Node's could not be used there", async () => {
    const pool = makePool({ size: 1 });
    const hasNamedParts = new Set<object>([new Socket(), new Agent(), new AsyncLocalStorage()]);
    const refused = [
      ...hasNamedParts,
      new AbortController(),
      new Event("x"),
      new TextDecoder(),
      createHash("md5"),
      new FormData(),
      new Response("x"),
      new EventEmitter(),
      new EventTarget(),
    ];
    for (const value of refused) {
      for (const job of [
        pool.submit(jobs.echo, value as object),
        pool.submit(jobs.echo, { deep: [value] }),
      ]) {
        const error = await errorOf(job);
        expect(error).toBeInstanceOf(CloneError);
        if (!hasNamedParts.has(value)) expect(error.message).toContain(value.constructor.name);
      }
    }
    const result = await errorOf(
      pool.submit(() => process.getBuiltinModule("node:crypto").createHash("md5")),
    );
    expect(result.message).toMatch(/result of job.*Hash/);
    expect(await pool.submit(Math.abs, -1)).toBe(1);
  });

  it("is plain data of the program's own classes, and of Node's that are nothing else", async () => {
    const pool = makePool({ size: 1 });
    class Emitting extends EventEmitter {
      size = 4;
    }
    expect(await pool.submit(jobs.echo, new Emitting())).toMatchObject({ size: 4 });
    expect((await pool.submit(statSync, "."))?.size).toBe(statSync(".").size);
  });
});

describe("An AbortSignal among the arguments", () => {
  const waitFor = (signal: AbortSignal) =>
    new Promise<unknown>((resolve) => {
      if (signal.aborted) resolve(signal.reason);
      signal.addEventListener("abort", () => resolve(signal.reason));
    });

  it("aborts in the thread when it aborts here, with its reason, and is let go of", async () => {
    const pool = makePool({ size: 2 });
    const controller = new AbortController();
    const { signal } = controller;
    const all = [
      pool.submit(waitFor, signal),
      ...Array.from({ length: 20 }, () =>
        pool.submit(
          async (options: { signal: AbortSignal }) => {
            const { signal } = options;
            if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
            return signal.reason;
          },
          { signal },
        ),
      ),
    ];
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await pool.submit(Math.abs, 1);
    controller.abort(new RangeError("enough"));
    for (const reason of await Promise.all(all)) {
      expect(reason).toBeInstanceOf(RangeError);
      expect((reason as Error).message).toBe("enough");
    }
    const again = new AbortController();
    expect(await pool.submit((given: AbortSignal) => given.aborted, again.signal)).toBe(false);
    expect(getEventListeners(again.signal, "abort")).toHaveLength(0);
  });

  it("may be aborted already, or between the call and its start", async () => {
    const pool = makePool({ size: 1 });
    expect(await pool.submit(waitFor, AbortSignal.abort("before"))).toBe("before");
    const controller = new AbortController();
    const job = pool.submit(waitFor, controller.signal);
    controller.abort("at once");
    expect(await job).toBe("at once");
    expect(await pool.submit((given: AbortSignal) => given instanceof AbortSignal, AbortSignal.abort())).toBe(
      true,
    );
  });

  it("stops what Node's own functions wait for", async () => {
    const pool = makePool({ size: 1 });
    const controller = new AbortController();
    const job = pool.submit(async (signal: AbortSignal) => {
      const { setTimeout } = process.getBuiltinModule("node:timers/promises");
      await setTimeout(60_000, null, { signal });
    }, controller.signal);
    await pool.submit(Math.abs, 1);
    controller.abort();
    expect(await errorOf(job)).toMatchObject({ name: "AbortError" });
  });

  it("is refused by name where it cannot be followed: in a result", async () => {
    const pool = makePool({ size: 1 });
    const error = await errorOf(pool.submit(() => new AbortController().signal));
    expect(error).toBeInstanceOf(CloneError);
    expect(error.message).toMatch(/AbortSignal/);
  });
});

describe("An item of a SharedQueue", () => {
  it("comes out as what was put in", () => {
    const queue = new SharedQueue<unknown>();
    for (let seed = 0; seed < 300; seed++) {
      queue.putNowait(graphs.valueGraph(seed));
      expect([seed, differenceOf(graphs.valueGraph(seed), queue.getNowait())]).toEqual([seed, null]);
    }
    expect(() => queue.putNowait(new AbortController())).toThrow(CloneError);
  });
});
