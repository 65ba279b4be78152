import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../chaos/chaos.mjs", import.meta.url));

describe("a pool under chaos", () => {
  it.each([1, 2])(
    "settles every job once and leaves nothing behind (seed %i)",
    { timeout: 120_000 },
    async (seed) => {
      const run = promisify(execFile)(process.execPath, [program, "--jobs", "6000", "--seed", String(seed)]);
      // A run with faults ends with code 1: what it reports is what matters.
      const { stdout } = await run.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
      const report = JSON.parse(stdout.trim().split("\n").at(-1) as string);
      expect(report.faults).toEqual([]);
      expect(report.settled).toBe(6000);
    },
  );
});
