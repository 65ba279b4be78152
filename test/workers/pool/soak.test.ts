import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("leaves no memory, file, handle or thread behind, round for round", { timeout: 120_000 }, async () => {
  const path = fileURLToPath(new URL("../../soak/soak.mjs", import.meta.url));
  const run = promisify(execFile)(process.execPath, ["--expose-gc", path, "--rounds", "8", "--seed", "1"]);
  const { stdout } = await run.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
  const report = JSON.parse(stdout.trim().split("\n").at(-1) as string);
  expect(report.grown).toEqual([]);
  expect(report.rounds).toBe(5);
});
