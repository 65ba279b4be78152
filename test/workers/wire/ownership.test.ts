import { AsyncLocalStorage } from "node:async_hooks";
import { packed, unpacked } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as owners from "../../fixtures/workers/owners.mjs";
import { makePool } from "../../support/pools.ts";
import { random } from "../../support/random.ts";

/** What a call gives that is the only one. */
function alone(values: readonly unknown[]): string {
  return owners.tellAndChange(...(unpacked(structuredClone(packed(values))) as unknown[]));
}

function valuesOf(seed: number, calls: number): unknown[][] {
  const below = random(seed);
  const values = new owners.Values(below);
  return Array.from({ length: calls }, () => Array.from({ length: 1 + below(3) }, () => values.next()));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}

describe("Calls that are sent together", () => {
  it("have each their own of what they share, and keep what is one within a call", async () => {
    const pool = makePool({ size: 1 });
    for (let seed = 0; seed < 400; seed++) {
      const calls = valuesOf(seed, 6);
      const expected = calls.map(alone);
      const got = await Promise.all(calls.map((values) => pool.submit(owners.tellAndChange, ...values)));
      expect([seed, got]).toEqual([seed, expected]);
    }
  });

  it("have their own as items of a chunk, and as arguments of an actor", async () => {
    const pool = makePool({ size: 1 });
    const actor = await pool.spawn(owners.Teller);
    for (let seed = 1000; seed < 1150; seed++) {
      const items = valuesOf(seed, 8).map(([value]) => value);
      const expected = items.map((item) => alone([item]));
      expect([seed, await all(pool.map(owners.tellAndChange, items, { chunkSize: 4 }))]).toEqual([
        seed,
        expected,
      ]);
      const told = await Promise.all(items.map((item) => actor.tell(item)));
      expect([seed, told]).toEqual([seed, expected]);
    }
  });

  it("have their own of what functions capture, and of what travels in the context", async () => {
    const storage = new AsyncLocalStorage<{ n: number }>();
    const pool = makePool({ size: 1, context: { store: storage } });
    const captured = { n: 0 };
    const closures = Array.from({ length: 4 }, () => pool.submit(() => ++captured.n));
    expect(await Promise.all(closures)).toEqual([1, 1, 1, 1]);
    const { jobContext } = await import("threadloop/workers");
    const stores = storage.run({ n: 0 }, () =>
      Array.from({ length: 4 }, () => pool.submit(() => ++(jobContext("store") as { n: number }).n)),
    );
    expect(await Promise.all(stores)).toEqual([1, 1, 1, 1]);
  });

  it("share what is shared memory", async () => {
    const pool = makePool({ size: 1 });
    const words = new Int32Array(new SharedArrayBuffer(4));
    const add = (shared: Int32Array) => Atomics.add(shared, 0, 1);
    const got = await Promise.all(Array.from({ length: 4 }, () => pool.submit(add, words)));
    expect(got.sort()).toEqual([0, 1, 2, 3]);
    expect(words[0]).toBe(4);
  });
});

describe("What calls give one after the other", () => {
  it("is in a map what it was when each returned", async () => {
    const pool = makePool({ size: 1 });
    const items = Array.from({ length: 40 }, (_, i) => i);
    const counted = await all(pool.map(owners.giveCounted, items, { chunkSize: 20 }));
    expect(counted).toEqual(items.map((i) => ({ n: i + 1, in: [i + 1] })));
    expect(new Set(counted).size).toBe(40);
    const bytes = await all(pool.map(owners.giveScratch, items, { chunkSize: 20 }));
    expect(bytes.map(([byte]) => byte)).toEqual(items);
  });

  it("is in a stream what it was when each was yielded", async () => {
    const pool = makePool({ size: 1 });
    const plain = (await all(pool.stream(owners.countUp, 300, "plain"))) as { n: number; in: number[] }[];
    expect(plain).toEqual(plain.map((_, i) => ({ n: i, in: [i] })));
    const maps = (await all(pool.stream(owners.countUp, 300, "map"))) as Map<string, number>[];
    expect(maps.map((map) => map.get("n"))).toEqual(maps.map((_, i) => i));
    expect([plain.length, maps.length]).toEqual([300, 300]);
  });
});
