// An application with threadloop inside its bundle runs from a folder with nothing but what the bundler wrote, without a
// plugin and without configuration.
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runForJson, runNode } from "../support/programs.ts";
import { bundlers } from "./bundlers.ts";
import { makePackedProject, removeProject, root } from "./project.ts";

const EXPECTED = {
  closure: 42,
  task: 42,
  sleep: "slept",
  context: "ada",
  initializer: 40,
  error: [true, "page", "page"],
  late: true,
  inside: true,
  callback: 3,
  shared: "shared",
  actor: 6,
  map: [41, 42, 43],
  stream: ["a", "b", "c"],
  nested: 43,
  inner: 44,
  exit: true,
  after: "alive",
};

let project: string;
let folder: string;
let input: string;
beforeAll(() => {
  project = makePackedProject("bundled");
  input = join(project, "app.mjs");
});
afterAll(() => removeProject(project));
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-empty-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("an application with threadloop inside runs from an empty folder, bundled by", () => {
  it.each([
    ["esbuild", "out.mjs", false],
    ["esbuild", "out.mjs", true],
    ["esbuild", "out.cjs", false],
    ["esbuild", "out.cjs", true],
    ["rolldown", "out.mjs", false],
    ["rolldown", "out.mjs", true],
    ["rolldown", "out.cjs", true],
    ["rollup", "out.mjs", false],
    ["rollup", "out.cjs", false],
    ["vite", "out.mjs", false],
    ["vite", "out.mjs", true],
    ["webpack", "out.mjs", false],
    ["webpack", "out.cjs", true],
  ] as const)("%s to %s, minified: %s", async (bundler, file, minify) => {
    await bundlers[bundler]!({ input, folder, file, minify, inside: true });
    expect(await runForJson([file], { cwd: folder })).toEqual(EXPECTED);
  });

  it("esbuild with splitting", async () => {
    await split();
    expect(await runForJson(["app.mjs"], { cwd: folder })).toEqual(EXPECTED);
  });

  it("ncc", async () => {
    const cli = join(root, "node_modules/@vercel/ncc/dist/ncc/cli.js");
    await runNode([cli, "build", input, "--out", folder, "--quiet"], { cwd: project });
    expect(await runForJson(["index.mjs"], { cwd: folder })).toEqual(EXPECTED);
  });
});

describe("a bundle", () => {
  it("whose chunk of threads was left behind says so at the first call", async () => {
    await split();
    for (const file of readdirSync(folder).filter((name) => name.startsWith("inline")))
      rmSync(join(folder, file));
    const { stderr } = await runNode(["app.mjs"], { cwd: folder });
    expect(stderr).toContain("BrokenPoolError");
    expect(stderr).toContain("copy the whole folder that the bundler wrote");
  });
});

async function split(): Promise<void> {
  await build({
    entryPoints: [input],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
}
