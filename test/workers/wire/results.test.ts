// A result is told when its call has returned: not behind the run of another job, and not lost with the thread.

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { PoolClosedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { HELD_END, Held, HeldReader, readReplies, slotsIn } from "../../../dist/workers/core.js";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";
import { random } from "../../support/random.ts";

const results: [what: string, value: unknown][] = [
  ["a number", 1.5],
  ["nothing", undefined],
  ["a text", "text"],
  ["a long text", "text".repeat(1000)],
  ["plain data", { list: [1, "two", null], inner: { yes: true } }],
  ["a Map", new Map([[1, new Date(0)]])],
  ["bytes", new Uint8Array([1, 2, 3])],
];

describe.each(results)("the result of a job that gave %s", (_, value) => {
  it.each([1, 2])("is told while the next job of the thread runs (size %i)", async (size) => {
    const pool = makePool({ size });
    await Promise.all(Array.from({ length: 300 }, () => pool.submit(jobs.echo, value)));
    const gate = new Gate();
    const told = [1, 2, 3].map(() => pool.submit(jobs.echo, value).toPromise());
    const blocked = pool.submit(jobs.blockUntilOpen, gate.buffer);
    expect(await Promise.all(told)).toEqual([value, value, value]);
    expect(blocked.done()).toBe(false);
    gate.open();
    await blocked;
  });

  it("is told while the same function runs with other arguments", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const give = (at: SharedArrayBuffer | null, what: unknown) => {
      if (at !== null) Atomics.wait(new Int32Array(at), 0, 0);
      return what;
    };
    await Promise.all(Array.from({ length: 300 }, () => pool.submit(give, null, value)));
    const [first, second] = [pool.submit(give, null, value), pool.submit(give, null, value)];
    const blocked = pool.submit(give, gate.buffer, value);
    expect(await Promise.all([first, second])).toEqual([value, value]);
    gate.open();
    expect(await blocked).toEqual(value);
  });

  it("is told while the step of another coroutine blocks", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const told = [1, 2, 3].map(() => pool.submit(jobs.attendMeeting, value).toPromise());
    const blocked = pool.submit(jobs.endMeetingAndBlock, 3, gate.buffer);
    expect(await Promise.all(told)).toEqual([value, value, value]);
    expect(blocked.done()).toBe(false);
    gate.open();
    await blocked;
  });

  it("is not lost when the thread is ended behind it", async () => {
    const pool = makePool({ size: 1, cancelGrace: 0 });
    await Promise.all(Array.from({ length: 300 }, () => pool.submit(jobs.echo, value)));
    const gate = new Gate();
    const told = [1, 2, 3].map(() => pool.submit(jobs.echo, value).toPromise());
    const endless = pool.submit(jobs.spinForEver, gate.buffer);
    await gate.at(1);
    endless.cancel();
    await errorOf(endless);
    expect(await Promise.all(told)).toEqual([value, value, value]);
  });

  it("is not lost at the deadline of close()", async () => {
    const pool = makePool({ size: 1 });
    await Promise.all(Array.from({ length: 300 }, () => pool.submit(jobs.echo, value)));
    const gate = new Gate();
    const told = pool.submit(jobs.echo, value);
    const endless = pool.submit(jobs.spinForEver, gate.buffer).toPromise();
    await gate.at(1);
    const [report] = await Promise.all([pool.close({ deadline: 0 }), errorOf(endless)]);
    expect(report.dropped).toEqual(["spinForEver"]);
    expect(await told).toEqual(value);
  });
});

describe("the end of a stream", () => {
  /** Ends a pool whose thread blocks, as this one did since a stream was begun there: gives its items, or how it failed. */
  async function endBehindStream(): Promise<unknown> {
    const pool = makePool({ size: 1 });
    await Promise.all(Array.from({ length: 300 }, () => pool.submit(jobs.echo, 1)));
    const gate = new Gate();
    await setImmediate(); // the timers come next, then the ports
    const items = readAll(pool.stream(jobs.attendAndCount, 3)).catch((error: unknown) => error);
    const blocked = errorOf(pool.submit(jobs.haveCountedAndBlock, gate.buffer));
    // They are sent in a microtask; then this thread reads nothing until the stream has ended and the other one blocks.
    for (let turn = 0; turn < 20; turn++) await null;
    gate.blockUntil(1);
    // The deadline has passed when the timers have their turn: what has ended is fetched from the memory.
    const closed = pool.close({ deadline: 0 });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    expect((await closed).dropped).toContain("haveCountedAndBlock");
    expect(await blocked).toBeInstanceOf(PoolClosedError);
    return items;
  }

  it("is told behind its items, also where it lies in the shared memory while they are in the port", async () => {
    // On a busy machine the other one may block before the stream has ended: then that is dropped, and it is tried again.
    let items: unknown;
    for (let attempt = 0; attempt < 20 && !Array.isArray(items); attempt++) items = await endBehindStream();
    expect(items).toEqual([0, 1, 2]);
  });
});

async function readAll<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe("results that are small objects", () => {
  it("arrive as they are, each an object of its own, in batches of thousands", async () => {
    const pool = makePool({ size: 2 });
    const shared = (at: number) => {
      const kept = globalThis as { kept?: object };
      kept.kept ??= { is: "shared" };
      return at % 3 === 0 ? kept.kept : { at, list: [at, { name: `job ${at}` }], text: "x".repeat(at % 30) };
    };
    const told = await Promise.all(Array.from({ length: 5000 }, (_, at) => pool.submit(shared, at)));
    told.forEach((value, at) => {
      if (at % 3 !== 0)
        expect(value).toEqual({ at, list: [at, { name: `job ${at}` }], text: "x".repeat(at % 30) });
      else expect(value).toEqual({ is: "shared" });
    });
    expect(new Set(told).size).toBe(told.length);
  });
});

describe("the replies that a thread holds", () => {
  const make = () => {
    const slots = slotsIn(new SharedArrayBuffer(HELD_END));
    return { held: new Held(slots), reader: new HeldReader(slots) };
  };

  it("are read as structured clone would copy them, or not held at all", () => {
    const below = random(7);
    const { held, reader } = make();
    let [accepted, refused] = [0, 0];
    for (let round = 0; round < 5000; round++) {
      const values = Array.from({ length: 1 + below(4) }, () => anything(below, 0));
      const kept = values.filter((value, at) => held.add(at + 4, at, value));
      const read = reader.read();
      expect(read.length).toBe(kept.length);
      kept.forEach((value, at) => {
        if (!isDeepStrictEqual(read[at]?.value, structuredClone(value)))
          expect(read[at]?.value).toEqual(value);
      });
      accepted += kept.length;
      refused += values.length - kept.length;
      const copied: unknown[] = [];
      readReplies(...held.copy(), held.count, (slot, kind, value) => copied.push({ slot, kind, value }));
      expect(copied).toEqual(read);
      held.clear();
      expect(reader.read()).toEqual([]);
    }
    expect(accepted).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
  });

  it("name a record's properties once, in whatever order and depth records come", () => {
    const below = random(11);
    const record = (depth: number): unknown => {
      const names = ["a", "b", "c", "d", "e"].filter(() => below(2) === 0);
      if (below(4) === 0) names.reverse();
      return Object.fromEntries(
        names.map((name) => [name, depth < 3 && below(2) ? record(depth + 1) : name]),
      );
    };
    const { held, reader } = make();
    for (let round = 0; round < 300; round++) {
      const values = Array.from({ length: 20 }, () => record(0));
      const kept = values.filter((value) => held.add(4, 0, value));
      expect(reader.read().map(({ value }) => value)).toEqual(kept);
      expect(kept.length).toBeGreaterThan(10);
      held.clear();
    }
  });

  it("are no object that only looks like a record", () => {
    const { held } = make();
    const posing = (object: object) => Object.setPrototypeOf(object, Object.prototype);
    const args = (function (..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: it is about such an object
      return arguments;
    })(1, 2);
    for (const value of [args, posing(new Date()), posing(new Map()), posing(/x/), posing(new Number(1))])
      expect(held.add(4, 0, value)).toBe(false);
    for (const value of [{}, { 0: "a", 1: "b" }]) expect(held.add(4, 0, value)).toBe(true);
  });

  it("are whole when a getter of one has those before it sent", () => {
    const { held, reader } = make();
    expect(held.add(4, 0, { before: 1 })).toBe(true);
    const value = {
      first: "text",
      get second() {
        held.clear();
        return 2;
      },
    };
    expect(held.add(5, 0, value)).toBe(false);
    expect(reader.read()).toEqual([]);
    expect(held.add(6, 0, { first: "other", second: 3 })).toBe(true);
    expect(reader.read()).toEqual([{ slot: 6, kind: 0, value: { first: "other", second: 3 } }]);
  });

  it("run no code of the value", () => {
    const { held, reader } = make();
    const fail = () => {
      throw new Error("looked at");
    };
    const traps = Object.fromEntries(Reflect.ownKeys(Reflect).map((name) => [name, fail]));
    for (const value of [
      new Proxy({}, traps),
      {
        get a() {
          return fail();
        },
      },
      [new Proxy([], traps)],
      { toJSON: fail },
    ])
      expect(held.add(4, 0, value)).toBe(false);
    expect(reader.read()).toEqual([]);
  });

  it("are refused when there is no room, and taken again when all were sent", () => {
    const { held, reader } = make();
    let count = 0;
    while (held.add(4, 0, "0123456789")) count++;
    expect(reader.read().length).toBe(count);
    held.clear();
    expect(held.add(5, 0, 1)).toBe(true);
    expect(reader.read()).toEqual([{ slot: 5, kind: 0, value: 1 }]);
  });
});

/** A value of any kind, often odd. */
function anything(below: (n: number) => number, depth: number): unknown {
  const inner = () => anything(below, depth + 1);
  const plain = [1, -0, Number.NaN, 1e300, "", "ü€😀", "x".repeat(below(400)), true, false, null, undefined];
  if (depth > 5 || below(3) === 0) return plain[below(plain.length)];
  const sibling = inner();
  const odd: (() => unknown)[] = [
    () => [inner(), inner()],
    () => ({ a: inner(), ["key".repeat(below(200))]: inner(), [below(9)]: inner() }),
    () => Array.from({ length: below(40) }, (_, i) => i),
    () => new Array(3),
    () => Object.assign([1, 2], { extra: 3 }),
    () => Object.assign(Object.create(null), { a: 1 }),
    () => JSON.parse('{"__proto__": 1}'),
    () => ({ first: sibling, second: sibling }),
    () => ({ [Symbol("hidden")]: 1, seen: inner() }),
    () => Object.defineProperty({ a: 1 }, "hidden", { value: 2 }),
    () => 10n,
    () => new Date(below(1000)),
    () => /x/g,
    () => "abc".match(/b/),
    () => new Map([[inner(), inner()]]),
    () =>
      new (class Point {
        x = 1;
      })(),
  ];
  return (odd[below(odd.length)] as () => unknown)();
}
