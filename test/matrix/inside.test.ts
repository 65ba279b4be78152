// An application with threadloop inside its bundle runs from a folder with nothing but what the bundler wrote, without a
// plugin and without configuration.
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
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

const EXTERNAL = /in a package that is external to the bundle/;
const BESIDE = /This program was bundled, .*put that file beside the bundle/;

/** What a bundle is told of what cannot work, or gets of what can, by what it tried. */
const ADVICE: Readonly<Record<string, RegExp>> = {
  value: EXTERNAL,
  symbol: /Use Symbol\.for\(\).*leave that package external/,
  deep: /Keep it flat, .*in a file that the worker reads, or in a package that is external to the bundle/,
  field: EXTERNAL,
  method:
    /call them in a function that creates their object, or keep the function in a package that is external/,
  created: /^1$/,
  reference: /This program was bundled, so its functions travel by value only: leave the option out/,
  module: BESIDE,
  loaded: /threw while a worker thread loaded it: too early.*isMainThread.*external to the bundle/,
  program: /listens while a worker thread loads it for a job.*isMainThread.*external to the bundle/,
  address: /Expected `url` to be the URL or absolute path of a file beside the bundle/,
  preload: BESIDE,
  preloaded: /Expected `preload\[0\]` to be the URL or absolute path of a file beside the bundle/,
  large: /^2097152$/,
  THREADLOOP_LARGE_CAPTURE: /Keep the data in a file that the worker reads, or in a package that is external/,
  tasks: /^first,second$/,
};
/** The advice for programs that were not bundled. */
const OUTSIDE =
  /task\(import\.meta\.url|[Ee]xport the (?:function|class)|module of its own|that the worker imports/;

describe("the advice that a bundle is given", () => {
  beforeEach(async () => {
    await bundlers.esbuild!({
      input: join(project, "advice.mjs"),
      folder,
      file: "out.mjs",
      minify: false,
      inside: true,
    });
    writeFileSync(join(folder, "throws.mjs"), 'throw new Error("too early");');
    writeFileSync(
      join(folder, "program.mjs"),
      'import { createServer } from "node:net"; createServer().listen(0);',
    );
  });

  it("holds in a bundle: of values, methods, modules, tasks, warnings", async () => {
    const names = Object.keys(ADVICE).filter((name) => !name.startsWith("THREADLOOP_"));
    const told = await tell([], names);
    expect(Object.keys(told).sort()).toEqual(Object.keys(ADVICE).sort());
    for (const [name, advice] of Object.entries(ADVICE)) {
      expect(told[name], name).toMatch(advice);
      expect(told[name], name).not.toMatch(OUTSIDE);
    }
  });

  it.each([
    ["out.mjs", false],
    ["out.cjs", true],
  ] as const)(
    "holds where webpack has made its own of an import(): %s, minified: %s",
    async (file, minify) => {
      const lazy = join(project, "lazy.mjs");
      writeFileSync(join(project, "later.mjs"), "export const twice = (n) => 2 * n;");
      writeFileSync(
        lazy,
        `import { WorkerPool } from "threadloop/workers";
       import { twice } from "./later.mjs";
       const pool = new WorkerPool({ size: 1 });
       const lazily = pool.submit(async (n) => (await import("./later.mjs")).twice(n), 21);
       const told = lazily.then(String, (error) => error.message);
       const ignored = pool.submit(async () => (await import(/* webpackIgnore: true */ "node:path")).basename("a/b"));
       told
         .then(async (message) => console.log(JSON.stringify([message, await pool.submit((n) => twice(n), 21), await ignored])))
         .then(() => pool.close());`,
      );
      await bundlers.webpack!({ input: lazy, folder, file, minify, inside: true });
      const [message, ...others] = (await runForJson([file], { cwd: folder })) as [string, number, string];
      expect(message).toMatch(
        /is what webpack made of an import\(\).*Import the module at the head of the file.*external to the bundle/,
      );
      expect(others).toEqual([42, "b"]);
    },
  );

  it("holds where no code is made from text", async () => {
    const told = await tell(["--disallow-code-generation-from-strings"], ["shared"]);
    expect(told.shared).toMatch(/this process forbids it.*Keep what they share in an object/);
    expect(told.shared).toMatch(EXTERNAL);
    expect(told.shared).not.toMatch(OUTSIDE);
  });

  it("holds where a program may not inspect its functions", async () => {
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
      ? "--permission"
      : "--experimental-permission";
    const told = await tell([permission, "--allow-fs-read=*", "--allow-worker"], ["tasks"]);
    expect(told.tasks).toMatch(/closures cannot travel\. Keep the function in a package that is external/);
    expect(told.tasks).not.toMatch(OUTSIDE);
  });

  const tell = async (flags: readonly string[], names: readonly string[]) => {
    const printed = await runForJson(["--no-warnings", ...flags, "out.mjs", ...names], { cwd: folder });
    const strings = Object.entries(printed as Record<string, unknown>).map(([name, text]) => [
      name,
      String(text),
    ]);
    return Object.fromEntries(strings) as Record<string, string>;
  };
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
