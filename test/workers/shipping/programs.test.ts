// Small programs, each run directly and in a thread: what comes out is the same, or a ShipError.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

const runner = fileURLToPath(new URL("./programs/run.mjs", import.meta.url));

describe("a program gives in a thread what it gives here", { timeout: 120_000 }, () => {
  it.each(["module", "function", "commonjs", "inner", "files"])("written in the form: %s", async (shape) => {
    expect(await runForJson(["--no-warnings", runner, shape])).toEqual({
      ran: expect.any(Number),
      wrong: {},
    });
  });
});
