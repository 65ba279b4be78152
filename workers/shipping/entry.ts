// The program itself: the module that Node was started with, or the test file that vitest runs. It is never imported
// in a worker, where it would start the program again; what it defines goes by value (as cloudpickle does with `__main__`).
import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
let entries: Set<string> | undefined;

/** Whether `url` is the program's entry module. */
export function isEntry(url: string): boolean {
  entries ??= entryUrls();
  return entries.has(url) || url === testFile();
}

/** `node app` starts app.js, and a symbolic link is followed: every spelling counts. */
function entryUrls(): Set<string> {
  const urls = new Set<string>();
  if (require.main?.filename) urls.add(pathToFileURL(require.main.filename).href);
  const script = process.argv[1];
  if (!script) return urls;
  for (const extension of ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", "/index.js"]) {
    urls.add(pathToFileURL(script + extension).href);
    urls.add(pathToFileURL(realPath(script + extension)).href);
  }
  return urls;
}

/** Asks first: an error for each spelling would stop a debugger that pauses on caught exceptions. */
function realPath(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : path;
  } catch {
    return path;
  }
}

function testFile(): string | undefined {
  const { __vitest_worker__: vitest } = globalThis as { __vitest_worker__?: { filepath?: string } };
  return vitest?.filepath ? pathToFileURL(vitest.filepath).href : undefined;
}
