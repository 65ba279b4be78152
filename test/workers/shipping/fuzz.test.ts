// This runs random programs here and in a thread, and compares what comes out. The long form: npm run fuzz -- --count
// 10000 --seed 1
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

const runner = fileURLToPath(new URL("./fuzz/run.mjs", import.meta.url));

describe("a random program", { timeout: 120_000 }, () => {
  it("gives in a thread what it gives here, or is refused", async () => {
    const result = (await runForJson(["--no-warnings", runner, "--count", "300", "--processes", "2"])) as {
      refused: number;
    };
    expect(result).toEqual({ ran: 300, refused: expect.any(Number), different: [] });
    expect(result.refused).toBeLessThan(30);
  });
});
