// This is `threadloop compare`: whether it pays to run a function of the user's in threads.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type CompareProgress,
  type Comparison,
  ComparisonError,
  compare as compareFunction,
  drawComparison,
  formatComparison,
} from "../compare/index.ts";
import { printable } from "../src/errors/printable.ts";
import { Problem } from "./problem.ts";
import { checkWritable } from "./writable.ts";

/** What the command is told. */
export interface CompareSettings {
  readonly inputs?: string | undefined;
  readonly args?: string | undefined;
  readonly threads?: number | undefined;
  readonly rounds?: number | undefined;
  readonly timeout?: number | undefined;
  readonly json?: boolean | undefined;
  readonly output?: string | undefined;
}

/** Exit codes beside 1, which is a problem. */
const CODES = { pays: 0, doesNotPay: 3, cannotBeTold: 4 };

type AnyFunction = (...args: unknown[]) => unknown;

/** Measures `FILE#export` and says so; gives what to print and the exit code. */
export async function compare(
  target: string,
  settings: CompareSettings,
): Promise<{ text: string; code: number }> {
  if (settings.output !== undefined) await checkWritable(settings.output);
  const { file, name } = partsOf(target);
  const unmute = mute();
  try {
    const inputs = await inputsOf(settings);
    const { fn, label } = functionOf(file, await load(file), name);
    const comparison = { ...(await measured(fn, inputs, settings)), function: label, file };
    if (settings.output !== undefined) await writeFile(settings.output, drawComparison(comparison));
    const text = settings.json ? JSON.stringify(comparison, null, 2) : formatComparison(comparison);
    return { text, code: codeOf(comparison) };
  } finally {
    unmute();
  }
}

function codeOf({ pays }: Comparison): number {
  if (pays === null) return CODES.cannotBeTold;
  return pays ? CODES.pays : CODES.doesNotPay;
}

async function measured(
  fn: AnyFunction,
  inputs: readonly unknown[][],
  { threads, rounds, timeout }: CompareSettings,
): Promise<Comparison> {
  const progress = progressLine();
  try {
    return await compareFunction(fn, inputs, {
      ...(threads === undefined ? {} : { threads }),
      ...(rounds === undefined ? {} : { rounds }),
      ...(timeout === undefined ? {} : { timeout }),
      onProgress: progress.show,
    });
  } catch (error) {
    throw error instanceof ComparisonError ? new Problem(error.message) : error;
  } finally {
    progress.clear();
  }
}

/** One line on a terminal that is rewritten; nothing elsewhere. */
function progressLine(): { show: (progress: CompareProgress) => void; clear: () => void } {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => {}, clear: () => {} };
  const write = stderr.write.bind(stderr);
  return {
    show: ({ input, inputs, stage }) => {
      write(`\r\x1b[Kinput ${input} of ${inputs}: ${stage}`);
    },
    clear: () => {
      write("\r\x1b[K");
    },
  };
}

/** What the function prints would be printed thousands of times, and in the midst of the JSON. */
function mute(): () => void {
  const { stdout } = process;
  const { write } = stdout;
  stdout.write = (_chunk: unknown, ...rest: unknown[]) => {
    const written = rest.findLast((one) => typeof one === "function") as (() => void) | undefined;
    if (written !== undefined) process.nextTick(written);
    return true;
  };
  return () => {
    stdout.write = write;
  };
}

/** A path may hold a "#" itself. */
function partsOf(target: string): { file: string; name: string | null } {
  const at = target.lastIndexOf("#");
  if (at === -1 || existsSync(target)) return { file: target, name: null };
  return { file: target.slice(0, at), name: target.slice(at + 1) };
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file);
  if (!existsSync(path)) throw new Problem(`There is no file ${file}`);
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new Problem(`${file} cannot be imported: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string };
  if (code !== "ERR_UNKNOWN_FILE_EXTENSION") return message;
  return `Node ${process.versions.node} does not run files of this kind. TypeScript runs on Node 22.18 and newer, or compiled`;
}

/** Without a name the default export, or the only function there is. */
function functionOf(
  file: string,
  module: Readonly<Record<string, unknown>>,
  name: string | null,
): { fn: AnyFunction; label: string } {
  const functions = Object.keys(module).filter((key) => typeof module[key] === "function");
  const only = functions.length === 1 ? functions[0] : undefined;
  const wanted = name ?? (functions.includes("default") ? "default" : only);
  const fn = wanted === undefined ? undefined : module[wanted];
  if (typeof fn === "function")
    return { fn: fn as AnyFunction, label: printable((wanted !== "default" && wanted) || fn.name || file) };
  const there = functions.length === 0 ? "no function" : functions.map((key) => `#${key}`).join(", ");
  throw new Problem(
    printable(
      `${file} exports no function ${name === null ? "by default" : `\`${name}\``}. It exports ${there}`,
    ),
  );
}

const AN_INPUT = "a list of arguments, such as [30]";

async function inputsOf({ inputs, args }: CompareSettings): Promise<unknown[][]> {
  if (inputs !== undefined && args !== undefined) throw new Problem("Expected --inputs or --args, got both");
  if (args !== undefined) return [checkInput("--args", parse("--args", args))];
  if (inputs === undefined) return [[]];
  const lists = await listsOf(inputs);
  if (!Array.isArray(lists) || lists.length === 0)
    throw new Problem(`Expected ${inputs} to hold a list of inputs, each ${AN_INPUT}`);
  return lists.map((one, i) => checkInput(`input ${i + 1} of ${inputs}`, one));
}

async function listsOf(file: string): Promise<unknown> {
  if (/\.[cm]?[jt]s$/.test(file)) return (await load(file)).default;
  if (!existsSync(file)) throw new Problem(`There is no file ${file}`);
  const text = await readFile(file, "utf8");
  switch (extname(file)) {
    case ".json":
      return parse(file, text);
    case ".jsonl": {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      return lines.map((line, i) => parse(`line ${i + 1} of ${file}`, line));
    }
    default:
      return [[text]];
  }
}

function checkInput(name: string, input: unknown): unknown[] {
  if (Array.isArray(input)) return input;
  throw new Problem(`Expected ${name} to be ${AN_INPUT}, got ${JSON.stringify(input)?.slice(0, 80)}`);
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(`Expected ${name} to be JSON: ${(error as Error).message}`);
  }
}
