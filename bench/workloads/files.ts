// This is real input for the real jobs: the README files and the modules of the installed packages. Sorted, so that
// every run on the same installation sees the same input.
import { readdirSync, readFileSync } from "node:fs";
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
