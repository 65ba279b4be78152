import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../../dist/bench/harness/main.js", import.meta.url));

describe("npm run bench -- cluster", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "threadloop-bench-cluster-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function bench(env: Readonly<Record<string, string>>) {
    return spawnSync(process.execPath, [main, "cluster", "--quick", "--results", folder], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
  }

  it("measures calls and what they cost Redis, beside BullMQ's own", () => {
    const { status, stderr } = bench({});
    expect(status, stderr).toBe(0);
    const { answers } = JSON.parse(readFileSync(join(folder, "cluster.json"), "utf8"));
    const figures = answers[0].figures as { measure: string; contender: string; samples: number[] }[];
    for (const contender of ["ClusterExecutor", "BullMQ, a job a call"])
      for (const measure of ["one call", "16 in flight", "Redis CPU (16)", "network (16)"]) {
        const figure = figures.find((each) => each.measure === measure && each.contender === contender);
        expect(figure?.samples[0], `${measure} of ${contender}`).toBeGreaterThan(0);
      }
  });

  it("says so in one line where there is no server", () => {
    const { status, stdout } = bench({ REDIS_SERVER: "/there/is/none" });
    expect(status).toBe(0);
    expect(stdout).toContain("skipped: everything: there is no redis-server or valkey-server");
  });
});
