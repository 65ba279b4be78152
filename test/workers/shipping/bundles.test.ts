// A bundle has no modules left: everything is the program, and goes by value under the names that a minifier chose.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { rolldown } from "rolldown";
import { build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programs, runForJson } from "../../support/programs.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const input = join(programs, "entry.mjs");
const external = ["threadloop", "threadloop/workers"];
let folder = "";

/** Bundles live outside of the package, which they import as any user's do. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "threadloop-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/threadloop"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rmSync(folder, { recursive: true }));

async function byEsbuild(outfile: string, minify: boolean): Promise<void> {
  await esbuild({
    entryPoints: [input],
    outfile,
    minify,
    bundle: true,
    platform: "node",
    format: "esm",
    external,
  });
}

async function byRolldown(file: string, minify: boolean): Promise<void> {
  const bundle = await rolldown({ input, external, platform: "node" });
  await bundle.write({ file, minify, codeSplitting: false });
  await bundle.close();
}

async function byVite(file: string, minify: boolean): Promise<void> {
  await viteBuild({
    root: folder,
    configFile: false,
    logLevel: "error",
    ssr: { external, noExternal: true },
    build: {
      ssr: input,
      minify,
      emptyOutDir: false,
      outDir: folder,
      rolldownOptions: { output: { entryFileNames: file.slice(folder.length + 1) } },
    },
  });
}

const bundlers = { esbuild: byEsbuild, rolldown: byRolldown, vite: byVite };

describe("functions travel in a bundle", { timeout: 120_000 }, () => {
  const all = Object.entries(bundlers).flatMap(([name, bundle]) => [
    { name, bundle, minify: false },
    { name, bundle, minify: true },
  ]);

  it.each(all)("by $name (minified: $minify)", async ({ name, bundle, minify }) => {
    const file = join(folder, `${name}-${minify}.mjs`);
    await bundle(file, minify);
    expect(await runForJson([file], { cwd: folder })).toEqual({ ran: expect.any(Number), wrong: {} });
  });
});
