// Packages that are bundled with the program are code of the program: their functions go by value, with the state of
// the package. Each gives what it gives here, or is refused with advice that helps in a bundle.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { rolldown } from "rolldown";
import { type Plugin, rollup } from "rollup";
import { build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import webpack from "webpack";
import { runForJson } from "../support/programs.ts";
import { makeProject, root } from "./project.ts";

type Outcomes = Record<string, { here: string; there: string }>;

const PACKAGES = ["ajv", "csv-parse", "lodash", "marked", "nanoid", "zod"];
const external = ["threadloop", "threadloop/workers"];
let folder = "";
const input = (): string => join(folder, "app.mjs");
const modules = join(root, "node_modules");

beforeAll(() => {
  folder = makeProject("packages", PACKAGES);
});

afterAll(() => rmSync(folder, { recursive: true }));

async function byEsbuild(outfile: string, format: "esm" | "cjs", minify = false): Promise<void> {
  const options = { bundle: true, platform: "node", logLevel: "error" } as const;
  const script = await import("node:fs/promises");
  const inFunction = join(folder, "app-function.mjs");
  const source = await script.readFile(input(), "utf8");
  // CommonJS has no `await` at its top.
  const head = source.indexOf("const pool");
  await script.writeFile(
    inFunction,
    `${source.slice(0, head)}(async () => {\n${source.slice(head)}\n})();\n`,
  );
  await esbuild({
    ...options,
    entryPoints: [format === "cjs" ? inFunction : input()],
    outfile,
    format,
    minify,
    external,
    nodePaths: [modules],
  });
}

async function byRolldown(file: string, minify: boolean): Promise<void> {
  const bundle = await rolldown({ input: input(), external, platform: "node" });
  await bundle.write({ file, minify, codeSplitting: false });
  await bundle.close();
}

async function byRollup(file: string): Promise<void> {
  const plugins = await Promise.all(
    ["node-resolve", "commonjs", "json"].map((name) => import(`@rollup/plugin-${name}`)),
  );
  const bundle = await rollup({
    input: input(),
    external: [...external, /^node:/],
    plugins: plugins.map((plugin: { default: () => Plugin }) => plugin.default()),
    onwarn: () => {},
  });
  await bundle.write({ file, format: "esm", inlineDynamicImports: true });
}

async function byVite(file: string): Promise<void> {
  await viteBuild({
    root: folder,
    configFile: false,
    logLevel: "error",
    ssr: { external, noExternal: true },
    build: {
      ssr: input(),
      minify: true,
      emptyOutDir: false,
      outDir: folder,
      rolldownOptions: { output: { entryFileNames: file.slice(folder.length + 1) } },
    },
  });
}

function byWebpack(file: string): Promise<void> {
  const compiler = webpack({
    mode: "production",
    context: folder,
    entry: input(),
    target: "node",
    resolve: { modules: [join(folder, "node_modules"), modules] },
    experiments: { outputModule: true },
    externalsType: "module",
    externals: external,
    output: { module: true, path: folder, filename: file.slice(folder.length + 1) },
  });
  return new Promise((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString()));
      else resolve();
    });
  });
}

const bundles: Record<string, (file: string) => Promise<void>> = {
  "esbuild.cjs": (file) => byEsbuild(file, "cjs"),
  "esbuild-minified.cjs": (file) => byEsbuild(file, "cjs", true),
  "rolldown.mjs": (file) => byRolldown(file, false),
  "rolldown-minified.mjs": (file) => byRolldown(file, true),
  "rollup.mjs": byRollup,
  "vite.mjs": byVite,
  "webpack.mjs": byWebpack,
};

describe("packages in a bundle work in threads, or are refused with advice", { timeout: 300_000 }, () => {
  it("not bundled", async () => {
    const outcomes = (await runForJson([input()], { cwd: folder })) as Outcomes;
    for (const [name, { here, there }] of Object.entries(outcomes)) expect(there, name).toBe(here);
  });

  it.each(Object.entries(bundles))("%s", async (name, bundle) => {
    const file = join(folder, name);
    await bundle(file);
    const outcomes = (await runForJson(["--no-warnings", file], { cwd: folder })) as Outcomes;
    const refused = Object.entries(outcomes).filter(([, { there }]) => there.startsWith("ShipError"));
    for (const [job, { here, there }] of Object.entries(outcomes)) {
      if (there.startsWith("ShipError")) expect(there, job).toMatch(/in a bundle.*external|external/i);
      else expect(there, job).toBe(here);
    }
    // zod's metadata are under symbols of its own.
    expect(refused.map(([job]) => job)).toEqual(["zod"]);
  });
});
