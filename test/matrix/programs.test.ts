// These tests run the small programs of test/workers/shipping/programs in every tool between source and program: what
// comes out of a thread is what comes out here, or a ShipError; never something else.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build as esbuild } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runForJson, runNode } from "../support/programs.ts";
import modules from "../workers/shipping/programs/modules.mjs";
import typed from "../workers/shipping/programs/typed.mjs";
import unexported from "../workers/shipping/programs/unexported.mjs";
import { bundlers } from "./bundlers.ts";
import { makeProject, removeProject, root } from "./project.ts";

interface Outcome {
  readonly ran: number;
  readonly refused: readonly string[];
  readonly wrong: Readonly<Record<string, unknown>>;
}

const TABLES = join(root, "test/workers/shipping/programs");
const OTHERS = ["run.mjs", "modules.mjs", "typed.mjs", "unexported.mjs"];
let folder: string;
let count = 0;
/** How many of the programs are TypeScript as well. */
let typedCount = 0;

/** A module for each program, as JavaScript and as TypeScript, and one that gives them all. */
beforeAll(async () => {
  folder = makeProject("programs");
  const imports: string[] = [];
  const entries: string[] = [];
  for (const file of readdirSync(TABLES).filter((name) => !OTHERS.includes(name))) {
    const { default: rows } = (await import(pathToFileURL(join(TABLES, file)).href)) as {
      default: Record<string, string | readonly [string, unknown]>;
    };
    for (const [name, row] of Object.entries(rows)) {
      const code = typeof row === "string" ? row : row[0];
      if (code.includes("SharedArrayBuffer")) continue; // the run in the thread would be seen here
      if (/assign(ment|s) to a constant/.test(name)) continue; // most bundlers refuse to build it
      const module = `import util from "node:util"; let job, args = []; ${code}\nexport { job, args };\n`;
      writeFileSync(join(folder, `row${count}.mjs`), module);
      writeFileSync(join(folder, `row${count}.mts`), module);
      imports.push(`import * as row${count} from "./row${count}.mjs";`);
      const title = `${file.replace(".mjs", "")}: ${name}`;
      entries.push(`  [${JSON.stringify(title)}, row${count}, ${typeof row !== "string"}],`);
      count++;
    }
  }
  typedCount = count;
  const { imports: others, entries: modulesToo } = writeModules();
  writeFileSync(
    join(folder, "all.mjs"),
    `${[...imports, ...others].join("\n")}\nexport default [\n${[...entries, ...modulesToo].join("\n")}\n];\n`,
  );
  writeFileSync(
    join(folder, "typed.mts"),
    `${imports.join("\n").replaceAll(".mjs", ".mts")}\nimport { compareAll } from "./driver.mjs";\n` +
      `compareAll([\n${entries.join("\n")}\n], "value").then((outcome: object) => console.log(JSON.stringify(outcome)));\n`,
  );
});
afterAll(() => removeProject(folder));

/** The programs of several files, each in a folder of its own. */
function writeModules(): { imports: string[]; entries: string[] } {
  const written: { imports: string[]; entries: string[] } = { imports: [], entries: [] };
  type Files = Record<string, string>;
  for (const [name, row] of Object.entries({ ...modules, ...unexported } as Record<
    string,
    Files | [Files]
  >)) {
    const files = Array.isArray(row) ? row[0] : row;
    // An `await` at the top is no CommonJS, to which some of the bundles are made.
    if (Object.values(files).some((text) => /= await /.test(text))) continue;
    mkdirSync(join(folder, `row${count}`));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, `row${count}`, file), text);
    written.imports.push(`import * as row${count} from "./row${count}/main.mjs";`);
    written.entries.push(`  [${JSON.stringify(`modules: ${name}`)}, row${count}, false],`);
    count++;
  }
  return written;
}

describe.concurrent("the programs give in a thread what they give here, or a ShipError,", () => {
  it("as Node runs them, by value and by reference", async () => {
    expectRight(await run("main.mjs"));
    expectRight(await run("main.mjs", { SHIP: "auto" }));
  });

  it("as tsx translates them from TypeScript", async () => {
    const tsx = pathToFileURL(join(root, "node_modules/tsx/dist/loader.mjs")).href;
    expectRight((await runForJson(["--import", tsx, "typed.mts"], { cwd: folder })) as Outcome, typedCount);
  });

  it.each(["modern", "legacy"] as const)(
    "as tsx and esbuild translate what TypeScript has beside types, with %s decorators",
    async (decorators) => {
      const programs = { ...typed.both, ...typed[decorators] };
      const project = join(folder, decorators);
      mkdirSync(project);
      const lines = Object.entries(programs).map(([name, code], i) => {
        const module = `let job: any, args: any[] = []; ${code}\nexport { job, args };\n`;
        writeFileSync(join(project, `row${i}.mts`), module);
        return `[${JSON.stringify(name)}, await import("./row${i}.mts"), false]`;
      });
      writeFileSync(
        join(project, "main.mts"),
        `import { compareAll } from "../driver.mjs";\nconst outcome = await compareAll([${lines.join(",\n")}], "value");\nconsole.log(JSON.stringify(outcome));\n`,
      );
      const compilerOptions = { experimentalDecorators: decorators === "legacy", target: "es2022" };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
      const tsx = pathToFileURL(join(root, "node_modules/tsx/dist/loader.mjs")).href;
      const translated = await runForJson(["--import", tsx, "main.mts"], { cwd: project });
      expectRight(translated as Outcome, lines.length);
      await esbuild({
        entryPoints: [join(project, "main.mts")],
        outfile: join(project, "out.mjs"),
        external: ["threadloop/workers"],
        platform: "node",
        format: "esm",
        target: "node20",
        bundle: true,
        minify: true,
      });
      expectRight((await runForJson(["out.mjs"], { cwd: project })) as Outcome, lines.length);
    },
  );

  it("in tests of Jest", async () => {
    const config = JSON.stringify({ transform: {}, testMatch: ["**/*.spec.mjs"], testEnvironment: "node" });
    const jest = join(root, "node_modules/jest/bin/jest.js");
    const options = ["--testTimeout=100000", "--config", config];
    const outcome = await runTests("jest.json", ["--experimental-vm-modules", jest, ...options]);
    // In the vm contexts of Node an assignment makes the variable that nobody has declared, in strict mode too.
    const { "text: an undeclared assignment": _, ...wrong } = outcome.wrong;
    expectRight({ ...outcome, wrong });
  });

  it.each(["forks", "vmThreads"])("in tests of vitest, in its pool %s", async (pool) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const options = ["run", "--globals", "--testTimeout=100000", `--pool=${pool}`];
    expectRight(await runTests(`${pool}.json`, [vitest, ...options, "programs.spec.mjs"]));
  });

  it.each([
    ["esbuild", "out.mjs", false],
    ["esbuild", "out.cjs", true],
    ["rolldown", "out.mjs", false],
    ["rolldown", "out.mjs", true],
    ["rollup", "out.mjs", false],
    ["rollup", "out.cjs", false],
    ["vite", "out.mjs", false],
    ["vite", "out.mjs", true],
    ["webpack", "out.cjs", false],
    ["webpack", "out.mjs", true],
  ] as const)("bundled by %s to %s, minified: %s", async (bundler, name, minify) => {
    const file = `${bundler}-${minify}-${name}`;
    await bundlers[bundler]!({ input: join(folder, "main.mjs"), folder, file, minify });
    expectRight(await run(file));
  });
});

async function run(file: string, env: Record<string, string> = {}): Promise<Outcome> {
  return (await runForJson(["--no-warnings", file], { cwd: folder, env })) as Outcome;
}

/** Runs the programs in a test runner, whose test writes the outcome to a file. */
async function runTests(name: string, args: readonly string[]): Promise<Outcome> {
  const file = join(folder, name);
  const { stdout, stderr } = await runNode(args, { cwd: folder, env: { OUTCOME: name }, timeout: 220_000 });
  if (!existsSync(file)) throw new Error(`${stdout}\n${stderr}`);
  return JSON.parse(readFileSync(file, "utf8")) as Outcome;
}

function expectRight({ ran, refused, wrong }: Outcome, programs = count): void {
  expect(wrong).toEqual({});
  expect(ran).toBe(programs);
  expect(refused.length / ran).toBeLessThan(0.25);
}
