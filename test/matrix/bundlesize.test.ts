// How much of the package a bundle takes along: what the program imports, and what that needs.
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePackedProject, removeProject } from "./project.ts";

let folder: string;
beforeAll(() => {
  folder = makePackedProject("bundled");
});
afterAll(() => removeProject(folder));

/** The bytes of a minified bundle of a program. */
async function sizeOf(program: string): Promise<number> {
  const { outputFiles, warnings } = await build({
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    write: false,
  });
  expect(warnings).toEqual([]);
  return outputFiles[0]!.contents.byteLength;
}

describe("a minified bundle", () => {
  it("has less than 16 kB of a program that imports sleep only", async () => {
    expect(await sizeOf('import { sleep } from "threadloop"; await sleep(1);')).toBeLessThan(16_000);
  });

  it("has tasks and the loop with run, and neither threads nor connections", async () => {
    const program = 'import { run, sleep } from "threadloop"; await run(() => sleep(1));';
    expect(await sizeOf(program)).toBeLessThan(60_000);
  });

  it("has the loop's connections with whatever gives the loop", async () => {
    const program =
      'import { getRunningLoop, run } from "threadloop"; await run(async () => getRunningLoop());';
    const alone = 'import { run } from "threadloop"; await run(async () => {});';
    expect(await sizeOf(program)).toBeGreaterThan((await sizeOf(alone)) + 10_000);
  });
});
