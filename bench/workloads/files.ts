// This is real input for the real jobs: the README files and the modules of the installed packages, and the bytes of
// the Node binary. Sorted, so that every run on the same installation sees the same input.
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseModule } from "./real.ts";

const installed = fileURLToPath(new URL("../../../node_modules/", import.meta.url));

/** Returns up to `count` README texts between 2 and 200 kB. */
export function readMarkdown(count: number): string[] {
  return pick(count, /\/readme\.md$/i, () => true);
}

/** Returns up to `count` ES modules between 2 and 200 kB that the parser accepts. */
export function readModules(count: number): string[] {
  return pick(count, /\.m?js$/, parses);
}

/** Returns `count` slices of `size` bytes from the running Node binary. */
export function readBytes(count: number, size: number): Uint8Array[] {
  const file = openSync(process.execPath, "r");
  try {
    return Array.from({ length: count }, (_, index) => {
      const bytes = new Uint8Array(size);
      readSync(file, bytes, 0, size, index * size);
      return bytes;
    });
  } finally {
    closeSync(file);
  }
}

function pick(count: number, name: RegExp, accept: (text: string) => boolean): string[] {
  const texts: string[] = [];
  const entries = readdirSync(installed, { recursive: true, withFileTypes: true, encoding: "utf8" });
  const files = entries.filter((entry) => entry.isFile() && name.test(`/${entry.name}`));
  for (const path of files.map((file) => join(file.parentPath, file.name)).sort()) {
    const text = readFileSync(path, "utf8");
    if (text.length < 2_000 || text.length > 200_000 || !accept(text)) continue;
    if (texts.push(text) === count) break;
  }
  return texts;
}

function parses(source: string): boolean {
  try {
    parseModule(source);
    return true;
  } catch {
    return false;
  }
}
