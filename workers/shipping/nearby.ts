// This finds references without inspector, lexer or waiting, for what programs do most: a module imports a function,
// at its head, and hands it over. The text of the function stands in a module that a caller imports so, or in one
// that this imports.
//
// What a module on the stack imports at its head is loaded, so nothing is evaluated that was not; identity decides, so this
// can miss but never confuse. What it does not find is looked for in other ways.
import { fileURLToPath } from "node:url";
import { requireFrom } from "../../src/core.ts";
import { callSites, isCommonjs } from "./callsites.ts";
import { comparable } from "./comparable.ts";
import { isEntry } from "./entry.ts";
import { directExports } from "./exports.ts";
import { fileText } from "./filetext.ts";
import { propertyOf } from "./members.ts";
import { mayRequireModules } from "./native.ts";
import type { Reference } from "./recipe.ts";

/** How many files are read for one function. */
const MOST_FILES = 16;
/** What the callers import, and what that imports. */
const DEPTH = 2;
/** TypeScript may drop imports that are written, and other addresses are for other loaders. */
const PLAIN_FILE = /^file:[^?#]*\.m?js$/;

const require = requireFrom();

/** The reference to a function that is found so. */
export function nearbyReference(fn: object): Reference | null {
  if (!mayRequireModules()) return null;
  const name: unknown = propertyOf(fn, "name")?.value;
  if (typeof name !== "string" || name === "") return null;
  const source = Function.prototype.toString.call(fn);
  for (const url of filesNear(callSites().map((site) => site.url))) {
    const path = fileText(url)?.includes(source) ? pathIn(url, fn) : undefined;
    if (path !== undefined) return comparable(fn, { kind: "module", url, path });
  }
  return null;
}

/** The modules that these import, then those that are imported there. */
function* filesNear(callers: readonly string[]): Generator<string> {
  const seen = new Set(callers);
  let level = callers.filter(isPlainModule);
  for (let depth = 0; depth < DEPTH; depth++) {
    const next: string[] = [];
    for (const url of level.flatMap(importedAtHead)) {
      if (seen.has(url) || !isPlainModule(url) || isEntry(url)) continue;
      if (seen.add(url).size > callers.length + MOST_FILES) return;
      next.push(url);
      yield url;
    }
    level = next;
  }
}

const isPlainModule = (url: string): boolean => PLAIN_FILE.test(url) && !isCommonjs(url);

const SPACE = /(?:\s|;|\/\*[\s\S]*?\*\/|\/\/[^\n]*)*/y;
const BINDINGS = String.raw`(?:\*\s*as\s+[\w$]+|\{[\w$\s,]*\})`;
const STATEMENT = new RegExp(
  String.raw`(?:import(?:\s*|\s+[\w$]+\s+from\s*|\s*(?:[\w$]+\s*,\s*)?${BINDINGS}\s*from\s*)|export\s*(?:\*|${BINDINGS})\s*from\s*)(["'])([^"'\\\n]*)\1`,
  "y",
);

/** The files that a module imports in its first statements, as far as nothing else stands between. */
function importedAtHead(url: string): string[] {
  const text = (fileText(url) ?? "").replace(/^\ufeff?#![^\n]*/, "");
  const found: string[] = [];
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    SPACE.test(text);
    STATEMENT.lastIndex = SPACE.lastIndex;
    const specifier = STATEMENT.exec(text)?.[2];
    if (specifier === undefined) return found;
    at = STATEMENT.lastIndex;
    if (/^\.{0,2}\//.test(specifier)) found.push(new URL(specifier, url).href);
  }
}

/** Of a loaded module `require` gives the exports at once. It must not stay in the cache, where CommonJS modules are told by. */
function pathIn(url: string, fn: object): readonly string[] | undefined {
  const file = fileURLToPath(url);
  try {
    return directExports(require(file) as object).get(fn);
  } catch {
    return undefined; // it is being evaluated
  } finally {
    delete require.cache[file];
  }
}
