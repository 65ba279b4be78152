import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

/** Runs a program of the chaos folder and returns its report; a run with faults ends with code 1, and reports them. */
async function reportOf(program: string, jobs: number, seed: number) {
  const path = fileURLToPath(new URL(`../../chaos/${program}`, import.meta.url));
  const run = promisify(execFile)(process.execPath, [path, "--jobs", String(jobs), "--seed", String(seed)]);
  const { stdout } = await run.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
  return JSON.parse(stdout.trim().split("\n").at(-1) as string);
}

/** Each version of Node has a chaos of its own. */
const SEED = Number.parseInt(process.versions.node, 10);

describe(`a pool under chaos (seed ${SEED})`, () => {
  it("settles every job once and leaves nothing behind", { timeout: 120_000 }, async () => {
    const report = await reportOf("chaos.mjs", 8000, SEED);
    expect(report.faults).toEqual([]);
    expect(report.settled).toBe(8000);
  });

  it("gives each job what the same call gives here, beside jobs that are refused, cancelled and moved", {
    timeout: 120_000,
  }, async () => {
    const report = await reportOf("calls.mjs", 5000, SEED);
    expect(report.faults).toEqual([]);
    expect(report.outcomes["closure: CloneError"]).toBeGreaterThan(0);
    expect(report.moved).toBeGreaterThan(0);
  });

  it("settles each job once, whatever hostile value it takes, gives or throws", {
    timeout: 120_000,
  }, async () => {
    const report = await reportOf("values.mjs", 480, SEED);
    expect(report.faults).toEqual([]);
    expect(report.settled).toBe(480);
    expect(report.outcomes["argument: failed"]).toBeGreaterThan(0);
    expect(report.outcomes["result: ok"]).toBeGreaterThan(0);
  });
});
