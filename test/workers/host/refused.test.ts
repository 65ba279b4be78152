// What cannot be sent fails its own job, in words that can always be found, and leaves nothing behind for the next one.

import { BrokenPoolError, CloneError, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, makePool } from "../../support/pools.ts";

const bad = (): never => ({ onDone() {} }) as never;

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("a job that is refused leaves the next one alone when it was", () => {
  const user = "alice";
  const ways: [what: string, refuse: (pool: WorkerPool) => PromiseLike<unknown>][] = [
    ["a closure", (pool) => pool.submit((_: unknown) => `hello ${user}`, bad())],
    ["an enqueued closure", async (pool) => (await pool.enqueue((_: unknown) => user, bad())).job],
    [
      "a closure with a transfer list",
      (pool) => pool.with({ transfer: [] }).submit((_: unknown) => user, bad()),
    ],
    ["a map", (pool) => collect(pool.map((item) => [user, item], [bad()]))],
    ["a stream", (pool) => collect(pool.stream(jobs.produceSync, bad()))],
    ["one that calls back", (pool) => pool.submit(jobs.reportProgress, bad(), () => {})],
    ["an actor to be made", (pool) => pool.spawn(jobs.Counter, bad())],
    ["an actor's method", async (pool) => (await pool.spawn(jobs.Counter)).add(bad())],
    ["a timed one", (pool) => pool.with({ timeout: 60_000 }).submit(jobs.echo, bad())],
  ];

  it.each(ways)("%s", async (_, refuse) => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.echo, 1);
    expect(await errorOf(refuse(pool))).toBeInstanceOf(CloneError);
    expect(await pool.submit(Math.max, 3, 4)).toBe(4);
    expect(await pool.submit(jobs.withDefault, 1)).toEqual([1, 5]);
  });
});

describe("a value that cannot be looked at", () => {
  const trap = (name: keyof ProxyHandler<object>): object =>
    new Proxy({}, { [name]: () => raise(new Error(name)) });
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const values: [what: string, value: unknown, message: RegExp][] = [
    ["a revoked Proxy", revoked(), /it is a Proxy/],
    ["one within others", { inner: [revoked()] }, /it\.inner\[0\] is a Proxy/],
    ["a Proxy without a prototype to tell", [trap("getPrototypeOf")], /it\[0\] is a Proxy/],
    ["a Proxy that hides its keys", trap("ownKeys"), /it is a Proxy/],
    [
      "a function whose name is a symbol",
      { f: Object.defineProperty(() => 1, "name", { value: Symbol("f") }) },
      /it\.f is a function \(anonymous\)/,
    ],
    ["a Map with a key that has no text", new Map([[Object.create(null), () => 1]]), /is a function/],
    ["a Map with such a key", new Map([[() => 1, 1]]), /it \(a key\) is a function/],
    [
      "a getter that throws what has no text",
      {
        get a() {
          throw Object.create(null);
        },
      },
      /it\.a is a getter that throws \(what was thrown cannot be shown\)/,
    ],
  ];

  it.each(values)("is named in the error of the job that has it: %s", async (_, value, message) => {
    const pool = makePool({ size: 1 });
    const [before, job, after] = [
      pool.submit(jobs.echo, 1),
      pool.submit(jobs.echo, value),
      pool.submit(jobs.echo, 2),
    ];
    const error = await errorOf(job);
    expect(error).toBeInstanceOf(CloneError);
    expect(error.message).toMatch(message);
    expect(await Promise.all([before, after])).toEqual([1, 2]);
  });
});

function raise(error: Error): never {
  throw error;
}

describe("a function whose name is no text", () => {
  const named = <F extends object>(fn: F): F =>
    Object.defineProperty(fn, "name", { value: Symbol.for("work") });

  it("runs, calls back and is an actor's class under some name", async () => {
    const pool = makePool();
    expect(await pool.submit(named(() => 5))).toBe(5);
    expect(
      await pool.submit(
        jobs.askTwice,
        named((n: number) => n * 2),
      ),
    ).toEqual([2, 4]);
    class Named {
      greet(): string {
        return "hello";
      }
    }
    Object.defineProperty(Named, "name", { value: () => {} });
    const actor = await pool.spawn(Named);
    expect(await actor.greet()).toBe("hello");
    await actor.close();
  });
});

describe("an initializer", () => {
  it.each([undefined, null, 0, "text"])("that throws %s breaks the pool, and no more", async (thrown) => {
    const initializer = () => {
      throw thrown;
    };
    const pool = new WorkerPool({ size: 1, initializer });
    expect(await errorOf(pool.submit(Math.abs, 1))).toBeInstanceOf(BrokenPoolError);
    expect(() => pool.submit(Math.abs, 1)).toThrow(BrokenPoolError);
    await pool.close();
  });
});
