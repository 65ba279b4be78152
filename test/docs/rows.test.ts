// Each row of the tables of docs/functions.md and docs/bundlers.md that say where functions travel is a test. The rows
// of the other tables have a program each: see test/workers/shipping/programs.test.ts.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file of tests, with the titles in it that a row stands for. */
type Tests = readonly [file: string, ...titles: string[]];

const ENVIRONMENTS = "workers/shipping/environments.test.ts";
const INSIDE = "matrix/inside.test.ts";

const places: Record<string, readonly Tests[]> = {
  "ES modules, CommonJS, `node -e`, standard input, the REPL": [
    [ENVIRONMENTS, "an ES module program", "a CommonJS program", "node -e, as CommonJS and as a module"],
    [ENVIRONMENTS, "a program on the standard input", "the REPL"],
  ],
  "TypeScript: Node's type stripping, tsx": [
    [
      ENVIRONMENTS,
      "a TypeScript program that tsx runs",
      "a TypeScript program that Node runs, where it does",
    ],
    ["matrix/programs.test.ts", "as tsx translates them from TypeScript"],
  ],
  "vitest: functions of tests and of tested modules": [
    [
      "workers/shipping/vitest.test.ts",
      "a function of the test file travels",
      "a closure may not use import()",
    ],
    ["matrix/programs.test.ts", "in tests of vitest, in its pool %s"],
  ],
  "Jest with `--experimental-vm-modules`: functions, classes and tasks of tests and of tested modules": [
    ["matrix/jest.test.ts", "functions, classes, tasks and actors of a test file travel"],
    ["matrix/programs.test.ts", "in tests of Jest"],
  ],
  "bundles by esbuild, rolldown, rollup, vite, webpack, also minified; threadloop external": [
    ["workers/shipping/bundles.test.ts", "by $name (minified: $minify)"],
    ["matrix/programs.test.ts", '"esbuild"', '"rolldown"', '"rollup"', '"vite"', '"webpack"'],
    ["matrix/packages.test.ts", "packages in a bundle work in threads, or are refused with advice"],
  ],
  "Bun, Deno": [["matrix/runtimes.test.ts", "and closures are refused in words that are true"]],
  "`node --permission`": [
    ["workers/shipping/permission.test.ts", "has its loop, its jobs, and their deadlines"],
    ["workers/shipping/permission.test.ts", "is told which flag would allow closures, where there is one"],
  ],
  "`--disallow-code-generation-from-strings`": [
    [ENVIRONMENTS, "a program that makes no code from text, except functions that share a variable"],
  ],
  "`--inspect`, a debugger attached": [
    [ENVIRONMENTS, "a program with a debugger attached, which stops at its breakpoints only"],
    ["workers/shipping/debugger.test.ts", "functions travel while nobody is connected"],
  ],
  "coverage: `NODE_V8_COVERAGE`, vitest, `node --test`": [
    [ENVIRONMENTS, "a program whose coverage is counted", "tests of vitest whose coverage is counted"],
    [ENVIRONMENTS, "tests of node --test whose coverage is counted"],
  ],
};

const bundlers: Record<string, readonly Tests[]> = {
  esbuild: [
    [INSIDE, '["esbuild", "out.mjs", true]', '["esbuild", "out.cjs", false]', "esbuild with splitting"],
  ],
  rolldown: [
    [INSIDE, '["rolldown", "out.mjs", true]', '["rolldown", "out.mjs", false]', '["rolldown", "out.cjs"'],
  ],
  "rollup with node-resolve and commonjs": [[INSIDE, '["rollup", "out.mjs"', '["rollup", "out.cjs"']],
  "vite, `ssr` with `noExternal: true`": [
    [INSIDE, '["vite", "out.mjs", false]', '["vite", "out.mjs", true]'],
  ],
  webpack: [[INSIDE, '["webpack", "out.mjs"', '["webpack", "out.cjs"']],
  ncc: [[INSIDE, 'it("ncc"']],
  "Next, by Turbopack": [
    ["matrix/frameworks.test.ts", "with threadloop in its bundle, and nothing configured"],
  ],
};

describe("The guides", () => {
  it.each([
    ["functions", "Where it works", places],
    ["bundlers", "Inside of the bundle", bundlers],
  ])("have tests for each row of %s.md under %s", (page, title, tests) => {
    const text = readFileSync(`${root}/docs/${page}.md`, "utf8");
    const [, part = ""] = new RegExp(`\\n## ${title}\\n([^]*?)(?=\\n## )`).exec(text) ?? [];
    const rows = [...part.matchAll(/^\| (?!---|bundler \|)([^|]+?) \|/gm)].map(([, first]) => first);
    expect(rows.filter((row) => row !== "|")).toEqual(Object.keys(tests));
    for (const [file, ...titles] of Object.values(tests).flat()) {
      const source = readFileSync(`${root}/test/${file}`, "utf8");
      expect(titles.filter((one) => !source.includes(one))).toEqual([]);
    }
  });
});
