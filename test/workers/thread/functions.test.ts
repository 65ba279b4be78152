import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Functions } from "../../../dist/workers/core.js";

describe("the functions that a worker knows", () => {
  it("are forgotten there when they are collected here", async () => {
    const program = fileURLToPath(new URL("../../fixtures/workers/forgets.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", program]);
    expect(stdout).toBe("forgotten\n");
  });

  it("are not kept from session to session when they are many", () => {
    const functions = new Functions();
    const definition = {
      recipe: { kind: "module", url: "node:path", path: ["join"] },
      name: "join",
    } as const;
    functions.define(1, definition);
    functions.trim();
    expect(functions.known.get(1)).toBeDefined();
    for (let number = 2; number <= 1000; number++) functions.define(number, definition);
    functions.trim();
    expect(functions.known.get(1)).toBeUndefined();
  });
});
