import { ShipError, WorkerPool } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import { CodeBook } from "../../../dist/workers/core.js";
import { cases } from "../../fixtures/shipping/cases.mjs";
import { bound, plain } from "../../fixtures/shipping/lib/half.mjs";
import { query } from "../../fixtures/shipping/lib/onlymain.mjs";
import { usesAnother, usesMissing } from "../../fixtures/shipping/lib/useshalf.mjs";
import { refused } from "../../fixtures/shipping/refused.mjs";
import { add } from "../../fixtures/workers/jobs.mjs";

const pool = new WorkerPool({ size: 2 });

afterAll(async () => {
  await pool.close();
});

describe("a pool", () => {
  it("goes on by value when its workers do not find an export", async () => {
    expect(await pool.submit(plain!, 1)).toBe(2);
    expect(await Promise.all(Array.from({ length: 20 }, (_, i) => pool.submit(plain!, i)))).toHaveLength(20);
  });

  it("goes on by value when many closures are under way that capture what its workers do not find", async () => {
    const jobs = Array.from({ length: 10 }, (_, i) => pool.submit(usesMissing(i), 1));
    expect(await Promise.all(jobs)).toEqual(Array.from({ length: 10 }, (_, i) => i + 2));
  });

  it("ships a function once for all the jobs that are submitted while it is on its way", async () => {
    const book = new CodeBook(() => {});
    const onTheWay = [1, 2, 3].map(() => book.of(add, "auto"));
    expect(onTheWay.every((code) => code instanceof Promise)).toBe(true);
    const codes = await Promise.all(onTheWay);
    expect(new Set(codes).size).toBe(1);
  });

  it("fails the jobs of a function whose captured data turns out not to be cloneable, and no other", async () => {
    const list = Object.assign(
      Array.from({ length: 300 }, (_, i) => i),
      { compare: () => 0 },
    );
    const job = pool.submit((n: number) => list.length + n, 1);
    const mapped = pool.map((n: number) => list.length + n, [1, 2, 3]).next();
    await expect(job).rejects.toThrow(/Cannot copy .* \(\) => 0 could not be cloned/);
    await expect(mapped).rejects.toThrow(/Cannot copy .* captures: \(\) => 0 could not be cloned/);
    expect(await pool.submit(add, 1, 2)).toBe(3);
  });

  it("ships the function of a map once, as it was", async () => {
    let offset = 10;
    const seen: number[] = [];
    for await (const sum of pool.map((n: number) => n + offset, [1, 2, 3, 4, 5, 6, 7, 8])) {
      seen.push(sum);
      offset = 0;
    }
    expect(seen).toEqual([11, 12, 13, 14, 15, 16, 17, 18]);
  });

  it("maps with a function whose module its workers cannot load", async () => {
    const seen: number[] = [];
    for await (const sum of pool.map(usesAnother(1), [1, 2, 3])) seen.push(sum);
    expect(seen).toEqual([3, 4, 5]);
  });

  it("gives both reasons when a function can go neither by reference nor by value", async () => {
    const error = await pool.submit(bound!).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ShipError);
    expect((error as Error).message).toMatch(
      /server is an instance of Server.*\(It cannot go by reference: .*half\.mjs has no export "bound"\)/,
    );
  });

  it("fails the job alone when a module throws in the worker", async () => {
    await expect(pool.submit(query)).rejects.toThrow(ShipError);
    expect(await pool.submit(Math.max, 1, 2)).toBe(2);
  });

  it("fails the future, and does not throw, when a function cannot travel", async () => {
    const [fn] = refused["an object of Node"];
    const job = pool.submit(fn as () => unknown);
    await expect(job).rejects.toThrow(/server is an instance of Server/);
  });

  it('keeps to ship: "reference" and ship: "value" when told so', async () => {
    await expect(pool.with({ ship: "reference" }).submit(() => 1)).rejects.toMatchObject({
      code: "ERR_SHIP_NOT_EXPORTED",
    });
    expect(await pool.with({ ship: "value" }).submit(plain!, 1)).toBe(2);
  });

  it("reads the variables of each of many closures at its call", async () => {
    const jobs: Promise<number>[] = [];
    for (let i = 0; i < 50; i++) jobs.push(pool.submit(() => i * 2).toPromise());
    expect(await Promise.all(jobs)).toEqual(Array.from({ length: 50 }, (_, i) => i * 2));
  });

  it("runs every kind of closure, many at once", async () => {
    type Case = (
      call: (fn: (...args: unknown[]) => unknown, ...args: unknown[]) => unknown,
    ) => Promise<readonly unknown[]>;
    const all = Object.values(cases as unknown as Record<string, Case>).filter(
      (run) => !String(run).includes("count ="),
    );
    const results = await Promise.all(all.map((run) => run((fn, ...args) => pool.submit(fn, ...args))));
    for (const [actual, expected] of results) expect(actual).toEqual(expected);
  });
});
