// What each thread pays for before its first job: Node's modules among it, a score of which take a millisecond.

import { describe, expect, it } from "vitest";
import { emittersWereGuarded, loadedModules } from "../../fixtures/workers/builtins.mjs";
import { makePool } from "../../support/pools.ts";

describe("a thread that runs a plain job", () => {
  it("has loaded nothing of Node that only other jobs need, and guards servers without it", async () => {
    const pool = makePool({ size: 1 });
    const modules = await pool.submit(loadedModules);
    expect(modules).toContain("NativeModule worker_threads");
    const needless = /^NativeModule (net|os|module|perf_hooks|inspector|v8|child_process)$/;
    expect(modules.filter((name) => needless.test(name))).toEqual([]);
    expect(await pool.submit(emittersWereGuarded)).toBe(true);
    await pool.close();
  });
});
