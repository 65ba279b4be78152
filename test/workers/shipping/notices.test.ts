import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { talkative } from "../../fixtures/shipping/talkative.mjs";
import { call, recipeOf, stop } from "../../fixtures/shipping/thread.mjs";
import { runNode } from "../../support/programs.ts";

const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
const { assigns, assignsInTemplate, hasItsOwn, increments, onlyNames, onlyReads, sharesMuch, takesMuch } =
  talkative();

/** The warnings of this package. */
const warnings = (): string[] =>
  warn.mock.calls
    .filter(([, options]) => /^THREADLOOP/.test((options as { code?: string })?.code ?? ""))
    .map(String);

beforeEach(() => warn.mockClear());
afterAll(stop);

describe("a function that goes by value", () => {
  it("is warned about once when it takes more than 1 MB along", async () => {
    expect(await call(takesMuch)).toBe(2 * 1024 * 1024);
    expect(warnings()).toEqual([
      expect.stringMatching(/takesMuch \(file:.*talkative\.mjs:10:14\) takes 2\.0 MB.*SharedArrayBuffer/),
    ]);
    await recipeOf(talkative().takesMuch);
    expect(warnings()).toHaveLength(1);
  });

  it("is not warned about when it shares them", async () => {
    expect(await call(sharesMuch)).toBe(2 * 1024 * 1024);
    expect(warnings()).toEqual([]);
  });

  it("is warned about when it assigns to a captured variable, which changes a copy", async () => {
    expect(await call(assigns)).toBe(1);
    expect(await call(assigns)).toBe(1);
    expect(warnings()).toEqual([
      expect.stringMatching(/assigns .* assigns to its captured variable count.*Return the value/),
    ]);
    await recipeOf(increments);
    expect(warnings()).toHaveLength(2);
    expect(await call(assignsInTemplate)).toBe("{it's ` 1,2,3}");
    expect(warnings()).toHaveLength(3);
  });

  it("is not warned about when it reads, or has a variable of its own", async () => {
    await recipeOf(onlyReads);
    expect(await call(onlyNames, 1)).toMatch(/^\?count=count=\d+, isn't "it"&small=1=\d+$/);
    expect(await call(hasItsOwn, 1)).toBe(2);
    expect(warnings()).toEqual([]);
  });

  it("is logged with what it takes along when NODE_DEBUG says so", async () => {
    const program = `
      import { talkative } from "../talkative.mjs";
      import { recipeOf, stop } from "../thread.mjs";
      await recipeOf(talkative().render);
      await recipeOf((x) => x);
    `;
    const { stderr } = await runNode(["--input-type=module", "-e", program], {
      env: { NODE_DEBUG: "threadloop" },
    });
    expect(stderr).toMatch(
      /render \(file:.*talkative\.mjs:\d+:\d+\) goes by value; it takes along \d+ bytes: count \(number\), helper \(by value, \d+ bytes\)/,
    );
    expect(stderr).toMatch(/goes by value, once; it takes along 0 bytes: nothing/);
  });
});
