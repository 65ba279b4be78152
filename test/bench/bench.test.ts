import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { median, pairedRatio, quantile, spread } from "../../dist/compare/statistics.js";

const main = fileURLToPath(new URL("../../dist/bench/harness/main.js", import.meta.url));
const QUESTIONS = ["handoff", "starvation", "workerloop"];

describe("npm run bench", () => {
  let folder = "";
  let first: ReturnType<typeof bench>;

  function bench(...options: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...options, "--results", folder], {
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bench-"));
    first = bench("--quick", "--json", join(folder, "run.json"), ...QUESTIONS);
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("asks each question named, and says on what machine", () => {
    expect(first).toMatchObject({ status: 0 });
    expect(first.stdout).toContain(`Node ${process.version}`);
    for (const question of QUESTIONS) expect(first.stdout).toContain(`\n${question}: `);
  });

  it("shows progress", () => {
    expect(first.stderr).toContain("[2/3] starvation  round 1/1");
  });

  it("writes figures, a table and a plot for each", () => {
    const files = QUESTIONS.flatMap((name) => [`${name}.json`, `${name}.svg`, `${name}.txt`]);
    expect(readdirSync(folder).sort()).toEqual([...files, "run.json"].sort());
    expect(readFileSync(join(folder, "handoff.svg"), "utf8")).toMatch(
      /^<svg [\s\S]*threadloop[\s\S]*<\/svg>$/,
    );
  });

  it("writes the figures of the run as JSON", () => {
    const run = JSON.parse(readFileSync(join(folder, "run.json"), "utf8"));
    expect(run).toMatchObject({ quick: true, machine: { node: process.version } });
    expect(run.answers.map((answer: { question: string }) => answer.question)).toEqual(QUESTIONS);
    for (const { samples } of run.answers[0].figures) expect(samples).toHaveLength(1);
  });

  it("compares with an earlier run", () => {
    const { status, stdout } = bench("--quick", "--baseline", join(folder, "run.json"), "starvation");
    expect(status).toBe(0);
    expect(stdout).toMatch(/Before and now[\s\S]*readFile +[\d.]+ +[\d.]+ +[\d.]+x/);
  });

  it("names the questions when one is unknown", () => {
    const { status, stderr } = bench("roundtirp");
    expect(status).toBe(1);
    expect(stderr).toMatch(/No question is called roundtirp. There are: .*handoff, .*roundtrip/);
  });
});

describe("statistics of the benches", () => {
  it("interpolate quantiles", () => {
    expect([quantile([4, 1, 3, 2], 0.25), median([4, 1, 3, 2]), median([7])]).toEqual([1.75, 2.5, 7]);
  });

  it("give the spread as half the distance of the quartiles over the median", () => {
    expect(spread([8, 9, 10, 11, 12])).toBeCloseTo(0.1);
  });

  it("pair the rounds of two contenders, so that what slows both does not show", () => {
    expect(pairedRatio([10, 200, 30], [5, 100, 15, 1])).toBe(2);
  });
});
