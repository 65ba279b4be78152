/**
 * Finds the examples of the documentation and of the docstrings, and runs them as a reader would: compiled, in a
 * process of its own, importing the package by its public name.
 *
 * A block that begins with a comment like `// tasks.ts` is a file that later blocks of its section import. What a
 * program prints stands in the ```text block behind it, or after `console.log(...)` as `// value`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const built = join(root, "dist/examples");

export interface Example {
  /** Where it stands, as `README.md:12`. */
  readonly place: string;
  readonly code: string;
  /** What it prints exactly, where a text block says so. */
  readonly output: string | null;
  /** The files that it imports. */
  readonly files: ReadonlyMap<string, string>;
}

/** The examples of a Markdown file. */
export function examplesOfMarkdown(file: string): Example[] {
  const text = readFileSync(join(root, file), "utf8");
  const examples: Example[] = [];
  let files = new Map<string, string>();
  for (const section of text.split(/^(?=## )/m)) {
    files = new Map();
    const offset = text.indexOf(section);
    for (const match of section.matchAll(
      /^```ts\n([\s\S]*?)^```\n(?:\n?(?:[^\n`#]*\n)?\n?```text\n([\s\S]*?)^```)?/gm,
    )) {
      const code = match[1] as string;
      const name = /^\/\/ ([\w-]+\.ts)\n/.exec(code)?.[1];
      const line = text.slice(0, offset + match.index).split("\n").length;
      if (name !== undefined) files.set(name, code);
      if (name === undefined || match[2] !== undefined) {
        examples.push({ place: `${file}:${line}`, code, output: match[2] ?? null, files: new Map(files) });
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
      code: code[1] as string,
      output: null,
      files: new Map<string, string>(),
    }));
  });
}

/** The files below some folders of the project with this ending. */
export function filesBelow(folder: string, ending: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
}

/** Compiles examples, type errors included, and returns the program of each. */
export async function compile(examples: readonly Example[]): Promise<string[]> {
  rmSync(built, { recursive: true, force: true });
  const programs = examples.map((example, i) => writeExample(example, join(built, "source", String(i))));
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

function writeExample(example: Example, folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of example.files) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, "example.ts"), `${example.code}\nexport {};\n`);
  return join(dirname(folder).replace(/source$/, "out"), relative(dirname(folder), folder), "example.js");
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
