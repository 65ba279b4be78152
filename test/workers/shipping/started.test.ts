// A module may start the program, behind a bin file: a worker that loads it for a function must not start it again.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

describe.concurrent("a program behind a bin file", () => {
  it.each([
    ["run", "calls run()"],
    ["loop", "runs a loop"],
    ["pool", "uses a pool"],
    ["server", "listens"],
    ["exit", "ends the process"],
  ])(
    "is not started again by a worker, when it starts by `%s`; its functions go by value",
    async (how, does) => {
      const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
      const log = join(folder, "log");
      try {
        expect(await runForJson(["started/bin.mjs"], { env: { HOW: how, LOG: log } })).toEqual([2, 4, 6]);
        const refusals = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
        // One in each thread that had begun to load it; what `process.exit` was refused to, nobody catches.
        expect(refusals.length).toBeLessThanOrEqual(2);
        for (const refusal of refusals) {
          expect(refusal).toContain(`ERR_SHIP_REENTRANT`);
          expect(refusal).toContain(`program.mjs#work ${does} while a worker thread loads it for a job`);
          expect(refusal).toContain("`if (isMainThread) { ... }`");
        }
        if (how !== "exit") expect(refusals).not.toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
