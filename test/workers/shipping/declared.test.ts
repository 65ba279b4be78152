import { task } from "threadloop/workers";
import { afterAll, describe, expect, it, vi } from "vitest";
import { tasks } from "../../fixtures/shipping/lib/declared.mjs";
import { call, recipeOf, stop } from "../../fixtures/shipping/thread.mjs";

const { increment, twice } = tasks();
const url = expect.stringMatching(/lib\/declared\.mjs$/);

afterAll(stop);

describe("task", () => {
  it("returns the function itself, which stays callable", () => {
    const fn = (n: number) => n + 1;
    expect(task(import.meta.url, "itself", fn)).toBe(fn);
  });

  it("names a function that no export leads to", async () => {
    expect(await recipeOf(increment)).toEqual({ kind: "declared", url, name: "increment" });
    expect(await call(increment, 1)).toBe(2);
    expect(await call(twice, 4)).toBe(8);
  });

  it("accepts a file path, for CommonJS", async () => {
    const fn = task("/app/work.cjs", "work", () => 1);
    expect(await recipeOf(fn)).toMatchObject({ url: "file:///app/work.cjs" });
  });

  it("says which argument is wrong", () => {
    expect(() => task("./maths.js", "fib", () => 1)).toThrow(
      /import\.meta\.url.*got `\.\/maths\.js` \(string\)/,
    );
    expect(() => task(import.meta.url, "", () => 1)).toThrow(/non-empty string/);
    expect(() => task(import.meta.url, "fib", 7 as never)).toThrow(
      /task "fib" to be a function, got `7` \(number\)/,
    );
  });

  it("warns when two functions of a module have one name, and not when the module is evaluated again", () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const declare = () => task("file:///app/again.js", "work", (n: number) => n);
    declare();
    declare();
    expect(warn).not.toHaveBeenCalled();
    task("file:///app/again.js", "work", (n: number) => n + 1);
    expect(warn.mock.lastCall?.[0]).toMatch(/two tasks named "work"/);
    warn.mockRestore();
  });
});
