import { ShipError, WorkerPool } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import type * as maths from "../../fixtures/shipping/lib/maths.mjs";

const pool = new WorkerPool({ size: 1 });
const url = new URL("../../fixtures/shipping/lib/maths.mjs", import.meta.url);
const remote = pool.module<typeof maths>(url);

afterAll(async () => {
  await pool.close();
});

describe("pool.module", () => {
  it("calls the functions of a module that this thread has not loaded", async () => {
    expect(await remote.fib(10)).toBe(55);
    expect(await remote.where()).toBeGreaterThan(0);
    expect(await remote.default(4)).toBe(-4);
  });

  it("has the options of its view, and ships by reference whatever they say", async () => {
    const job = pool.with({ ship: "value", name: "sum" }).module<typeof maths>(url).fib(5);
    expect(job.name).toBe("sum");
    expect(await job).toBe(5);
  });

  it("can be awaited and inspected as an object", async () => {
    expect(await remote).toBe(remote);
    expect(String(Object.prototype.toString.call(remote))).toBe("[object Object]");
  });

  it("says that the module has no such function", async () => {
    const missing = (remote as unknown as { missing(): Promise<unknown> }).missing();
    await expect(missing).rejects.toThrow(ShipError);
    await expect(missing).rejects.toThrow(/In a worker thread .*maths\.mjs has no export "missing"/);
  });

  it("says that a worker cannot import the module", async () => {
    const nowhere = pool.module<typeof maths>(new URL("./nowhere.mjs", import.meta.url));
    await expect(nowhere.fib(1)).rejects.toMatchObject({
      code: "ERR_SHIP_UNREACHABLE",
      message: expect.stringMatching(/A worker thread cannot import .*nowhere\.mjs#fib: /),
    });
    await expect(nowhere.fib(1)).rejects.toMatchObject({ code: "ERR_SHIP_UNREACHABLE" });
  });

  it("refuses a relative path", () => {
    expect(() => pool.module("./maths.mjs")).toThrow(
      /new URL\("\.\/module\.js", import\.meta\.url\), got `\.\/maths\.mjs` \(string\)/,
    );
  });
});
