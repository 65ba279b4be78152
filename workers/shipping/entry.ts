// This is the program itself: the module that Node was started with, or the test file that vitest or Jest runs. It
// is never imported in a worker, where it would start the program again; what it defines goes by value (as
// cloudpickle does with `__main__`).
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isBundled, requireFrom } from "../../src/core.ts";

const require = requireFrom();
let entries: Set<string> | undefined;

/**
 * Whether `url` is the program's entry module. Of a program that was bundled every file may be, or import it, or have a
 * part of this package.
 */
export function isEntry(url: string): boolean {
  entries ??= entryUrls();
  return entries.has(url) || isTestFile(url) || (isBundled() && !url.includes("/node_modules/"));
}

/** Whether `url` is the file of tests that vitest or Jest is running: another thread cannot evaluate it. */
export function isTestFile(url: string): boolean {
  const path = testFile();
  return path !== undefined && url === pathToFileURL(path).href;
}

/**
 * `node app` starts app.js, `node .` the main file of a package, `node --entry-url` takes a URL, and a symbolic link is
 * followed: every spelling counts.
 */
function entryUrls(): Set<string> {
  const urls = new Set<string>();
  if (require.main?.filename) urls.add(pathToFileURL(require.main.filename).href);
  const script = process.argv[1];
  if (!script) return urls;
  if (process.execArgv.includes("--entry-url")) {
    urls.add(new URL(script, pathToFileURL(`${process.cwd()}/`)).href);
    return urls;
  }
  if (existsSync(join(script, "package.json"))) urls.add(mainUrl(script));
  for (const extension of ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", "/index.js"]) {
    urls.add(pathToFileURL(script + extension).href);
    urls.add(pathToFileURL(realPath(script + extension)).href);
  }
  return urls;
}

/** The main file of the package in a folder, as Node finds it for `node folder`. */
function mainUrl(folder: string): string {
  try {
    return pathToFileURL(require.resolve(folder)).href;
  } catch {
    return pathToFileURL(folder).href; // it has none; then it did not start the program
  }
}

/** Asks first: an error for each spelling would stop a debugger that pauses on caught exceptions. */
function realPath(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : path;
  } catch {
    return path;
  }
}

/** Where vitest and Jest keep it for those who extend their `expect`. */
const MATCHERS = Symbol.for("$$jest-matchers-object");

function testFile(): string | undefined {
  const { __vitest_worker__: vitest, [MATCHERS]: jest } = globalThis as {
    __vitest_worker__?: { filepath?: string };
    [MATCHERS]?: { state?: { testPath?: string } };
  };
  return vitest?.filepath ?? jest?.state?.testPath;
}
