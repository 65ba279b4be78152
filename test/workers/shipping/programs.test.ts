// These are small programs, each run directly and in a thread: what comes out is the same, or a ShipError.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";
import { rows } from "./programs/documented.mjs";

const runner = fileURLToPath(new URL("./programs/run.mjs", import.meta.url));

describe("a program gives in a thread what it gives here", { timeout: 120_000 }, () => {
  it.each(["module", "function", "commonjs", "inner", "files"])("written in the form: %s", async (shape) => {
    expect(await runForJson(["--no-warnings", runner, shape])).toEqual({
      ran: expect.any(Number),
      wrong: {},
    });
  });
});

describe("docs/functions.md", () => {
  it.each([
    ["it captures, or is", rows.refusals],
    ["what it captures", rows.captures],
  ])("has a program for each row of its table: %s", (head, programs) => {
    const text = readFileSync(new URL("../../../docs/functions.md", import.meta.url), "utf8");
    const [, table = ""] = new RegExp(`\\n\\| ${head} .*\\n\\|[-| ]+\\n((?:\\|.*\\n)+)`).exec(text) ?? [];
    expect(table.match(/(?<=^\| ).*?(?= \|)/gm)).toEqual(programs);
  });
});
