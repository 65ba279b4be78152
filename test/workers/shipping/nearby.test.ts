// Functions that a program imports at its head are found without the rest of shipping.
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

describe.concurrent("a function that a caller imports", () => {
  it("goes by reference without the rest of shipping, however it is imported, and leaves no trace", async () => {
    expect(await runForJson(["nearby/imported.mjs"])).toEqual({
      results: ["named", "arrow", "default", "inner", "renamed", "method", "closure"].map((how) => [1, how]),
      early: false,
      late: true,
      traces: [],
    });
  });

  it("is no other one with the same text: no module is evaluated that was not loaded, and captures are read at the call", async () => {
    expect(await runForJson(["nearby/local.mjs"])).toEqual([6, 1, 30, 15]);
  });

  it("is sent from a module that is evaluated first in a circle of imports", async () => {
    expect(await runForJson(["nearby/cyclemain.mjs"])).toEqual(42);
  });
});
