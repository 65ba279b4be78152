import fs, { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, describe, expect, it } from "vitest";
import negate, { api, fib, Point, renamed, where } from "../../fixtures/shipping/lib/maths.mjs";
import { fibonacci } from "../../fixtures/shipping/lib/reexports.mjs";
import { call, recipeOf, stop } from "../../fixtures/shipping/thread.mjs";

const require = createRequire(import.meta.url);
const { square, nested } = require("../../fixtures/shipping/lib/common.cjs");
const single = require("../../fixtures/shipping/lib/single.cjs");
const maths = expect.stringMatching(/lib\/maths\.mjs$/);

afterAll(stop);

describe("a function sent by reference", () => {
  it("is called in another thread", async () => {
    expect(await call(where)).toBeGreaterThan(0);
    expect(await call(fib, 15)).toBe(610);
  });

  it("is found as an export, a default export, under another name and re-exported", async () => {
    expect(await recipeOf(fib)).toMatchObject({ kind: "module", url: maths, path: ["fib"] });
    expect(await recipeOf(negate)).toMatchObject({ kind: "module", url: maths, path: ["default"] });
    expect(await recipeOf(renamed)).toMatchObject({ kind: "module", url: maths, path: ["renamed"] });
    expect(await call(fibonacci, 10)).toBe(55);
  });

  it("is found as a static method and in a nested object", async () => {
    expect(await recipeOf(Point.origin)).toMatchObject({
      kind: "module",
      url: maths,
      path: ["Point", "origin"],
    });
    expect(await recipeOf(api.deep.triple)).toMatchObject({
      kind: "module",
      url: maths,
      path: ["api", "deep", "triple"],
    });
    expect(await call(api.deep.triple, 4)).toBe(12);
  });

  it("is found in CommonJS modules", async () => {
    expect(await recipeOf(square)).toMatchObject({ kind: "commonjs", path: ["square"] });
    expect(await call(nested.cube, 3)).toBe(27);
    expect(await recipeOf(single)).toMatchObject({ kind: "commonjs", path: [] });
    expect(await call(single, 3)).toBe(4);
  });

  it("is found among the globals and Node's own modules", async () => {
    expect(await recipeOf(Math.max)).toEqual({ kind: "global", path: ["Math", "max"] });
    expect(await call(Math.max, 3, 9, 4)).toBe(9);
    expect(await recipeOf(readFileSync)).toEqual({
      kind: "module",
      url: "node:fs",
      path: ["default", "readFileSync"],
    });
    expect(await call(fs.existsSync, "/")).toBe(true);
  });
});
