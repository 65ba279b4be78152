import { readFileSync } from "node:fs";
import { parse } from "acorn";
import { WorkerPool } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import { ship } from "../../../dist/workers/core.js";
import { here, LIMIT, make, name, Point, plus } from "../../fixtures/inlined/words.ts";

const pool = new WorkerPool({ size: 1 });
const table = [1, 2, 3];

// biome-ignore lint/suspicious/noExportsInTest: an export of a test file is what is tested
export const exportedByTest = (x: number): number => x + table.length;

function helper(x: number): number {
  return x <= 0 ? 0 : 1 + helper(x - 1);
}

class Sum {
  total = 0;
  add(x: number): this {
    this.total += x;
    return this;
  }
}

afterAll(async () => {
  await pool.close();
});

describe("in a test of vitest", () => {
  it("a function of the test file travels", async () => {
    expect(await pool.submit(exportedByTest, 1)).toBe(4);
    expect(await pool.submit(helper, 5)).toBe(5);
    expect(await pool.submit((x: number) => helper(x) + table.length, 2)).toBe(5);
  });

  it("the test file itself is not imported by workers, a module under test is, by the name of its export", async () => {
    expect((await ship(exportedByTest)).recipe.kind).toBe("copy");
    expect((await ship(plus)).recipe).toMatchObject({ kind: "module", path: ["plus"], guessed: true });
  });

  it("a class of the test file and its objects travel", async () => {
    const sum = new Sum().add(1);
    expect(await pool.submit(() => new Sum().add(2).total + sum.add(1).total)).toBe(4);
  });

  it("a function of a module that vitest translated travels", async () => {
    expect(await pool.submit(plus, 1)).toBe(6);
    expect(await pool.submit(name, "/a/b")).toBe("b");
    expect(await pool.submit(Point.twice, 2)).toBe(4);
    expect(await pool.submit(make(1), 2)).toBe("8 Program");
  });

  it("a closure uses what the test file imports", async () => {
    const text = await pool.submit(
      () =>
        `${plus(LIMIT)} ${typeof readFileSync} ${parse("1", { ecmaVersion: 2020 }).type} ${new Point().plus(1)}`,
    );
    expect(text).toBe("8 function Program 2");
  });

  it("a closure may not use import(), which vitest replaced by a function of this thread", async () => {
    await expect(pool.submit(async () => import("node:path"))).rejects.toThrow(
      /\(file:.*vitest\.test\.ts:\d+:\d+\).*captured variable __vite_ssr_dynamic_import__/,
    );
  });

  it("import.meta.url is that of the function's file", async () => {
    expect(await pool.submit(here)).toMatch(/^file:.*fixtures\/inlined\/words\.ts$/);
  });

  it("an error shows the line of the test file", async () => {
    const error = (await pool.submit(() => expectNothing()).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toBe("nothing");
    expect(error.stack).toMatch(/vitest\.test\.ts:\d+:\d+/);
  });
});

function expectNothing(): never {
  throw new Error("nothing");
}
