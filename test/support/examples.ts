/**
 * This finds the examples of the documentation and of the docstrings, and runs them as a reader would: compiled, in
 * a process of its own, importing the package by its public name.
 *
 * A block that begins with a comment like `// tasks.ts` is a file that later blocks of its section import. What a
 * program prints stands in the ```text block behind it, or after `console.log(...)` as `// value`. A ```js block is run
 * as it stands, as CommonJS when it requires something.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const built = join(root, "dist/examples");

export interface Example {
  /** Where it stands, as `README.md:12`. */
  readonly place: string;
  readonly language: "ts" | "js";
  readonly code: string;
  /** What it prints exactly, where a text block says so. */
  readonly output: string | null;
  /** The files that it imports. */
  readonly files: ReadonlyMap<string, string>;
}

/** The examples of a Markdown file: the blocks that say no more than a language, or those that also name what they need. */
export function examplesOfMarkdown(file: string, needed = ""): Example[] {
  const text = readFileSync(join(root, file), "utf8");
  const examples: Example[] = [];
  let files = new Map<string, string>();
  for (const section of text.split(/^(?=## )/m)) {
    files = new Map();
    const offset = text.indexOf(section);
    for (const match of section.matchAll(
      /^```(ts|js)(?: (\w+))?\n([\s\S]*?)^```\n(?:\n?(?:[^\n`#]*\n)?\n?```text\n([\s\S]*?)^```)?/gm,
    )) {
      const [, language, needs = "", code, output] = match as unknown as [
        string,
        "ts" | "js",
        string | undefined,
        string,
        string | undefined,
      ];
      if (needs !== needed) continue;
      const name = /^\/\/ ([\w-]+\.c?[tj]s)\n/.exec(code)?.[1];
      const place = `${file}:${text.slice(0, offset + match.index).split("\n").length}`;
      if (name !== undefined) files.set(name, code);
      if (name === undefined || output !== undefined) {
        examples.push({ place, language, code, output: output ?? null, files: new Map(files) });
      }
    }
  }
  return examples;
}

/** The `@example` blocks of a source file. */
export function examplesOfSource(file: string): Example[] {
  const text = readFileSync(join(root, file), "utf8");
  const found = text.matchAll(/^( *)\* @example\n([\s\S]*?)\*\//gm);
  return [...found].flatMap((match) => {
    const block = (match[2] as string).replaceAll(new RegExp(`^${match[1]}\\* ?`, "gm"), "");
    const line = text.slice(0, match.index).split("\n").length;
    return [...block.matchAll(/```ts\n([\s\S]*?)```/g)].map((code) => ({
      place: `${file}:${line}`,
      language: "ts",
      code: code[1] as string,
      output: null,
      files: new Map<string, string>(),
    }));
  });
}

/** The files below some folders of the project with this ending. Links are not followed: one may lead back to the project. */
export function filesBelow(folder: string, ending: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
}

/** Compiles examples, type errors included, and returns the program of each. */
export async function compile(examples: readonly Example[]): Promise<string[]> {
  rmSync(built, { recursive: true, force: true });
  const programs = examples.map(writeExample);
  const options = { extends: "../../tsconfig.json", compilerOptions: compilerOptions(), include: ["source"] };
  writeFileSync(join(built, "tsconfig.json"), JSON.stringify(options));
  const { code, output } = await execute(join(root, "node_modules/typescript/bin/tsc"), ["-p", built]);
  if (code !== 0) throw new Error(`The examples do not compile:\n${namePlaces(output, examples)}`);
  return programs;
}

/** Runs a program and returns what it printed; rejects when it failed. */
export async function runProgram(program: string): Promise<string> {
  const { code, output, errors } = await execute(program, []);
  if (code !== 0) throw new Error(`exit code ${code}\n${output}${errors}`);
  return output;
}

/** The values that the example's comments promise of its `console.log` lines. */
export function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);\s*\/\/ (.*)$/gm)].map((match) => match[1] as string);
}

function compilerOptions(): object {
  return {
    rootDir: "source",
    outDir: "out",
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
}

/** Writes an example and its files to folders of their own, and returns where its program will be. */
function writeExample(example: Example, i: number): string {
  const [source, out] = [join(built, "source", String(i)), join(built, "out", String(i))];
  const files = new Map(example.files).set(nameOf(example), `${example.code}\n`);
  for (const [name, code] of files) {
    const folder = name.endsWith(".ts") ? source : out;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), name === "example.ts" ? `${code}export {};\n` : code);
  }
  return join(out, nameOf(example).replace(/ts$/, "js"));
}

function nameOf({ language, code }: Example): string {
  if (language === "ts") return "example.ts";
  return /\brequire\(/.test(code) ? "example.cjs" : "example.mjs";
}

function namePlaces(output: string, examples: readonly Example[]): string {
  return output.replaceAll(/source\/(\d+)\//g, (_, i) => `${examples[Number(i)]?.place}: `);
}

function execute(
  program: string,
  args: string[],
): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: root, timeout: 60_000 });
    const texts = { output: "", errors: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      texts.output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      texts.errors += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}
