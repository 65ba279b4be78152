// This runs random programs here and in a thread, and compares what comes out. The long form: npm run fuzz -- --count
// 10000 --seed 1
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nodeVersion, runForJson } from "../../support/programs.ts";

const COUNT = 200;
/** Each version of Node runs programs of its own. */
const seed = nodeVersion[0]! * 1000 + 1;
const runner = fileURLToPath(new URL("./fuzz/run.mjs", import.meta.url));

describe("a random program", { timeout: 120_000 }, () => {
  it("gives in a thread what it gives here, or is refused", async () => {
    const args = ["--count", `${COUNT}`, "--seed", `${seed}`, "--processes", "2"];
    const result = (await runForJson(["--no-warnings", runner, ...args])) as { refused: number };
    expect(result).toEqual({ ran: COUNT, refused: expect.any(Number), different: [] });
    expect(result.refused).toBeLessThan(COUNT / 10);
  });
});
