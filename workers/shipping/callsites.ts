// This tells who is calling: the scripts on the stack, innermost first. It needs no inspector. Newer Nodes also tell
// each script's id, which saves a search for the address of functions defined there.
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { types } from "node:util";
import { isOwn, requireFrom, stackScripts } from "../../src/core.ts";
import { shippedCodeOf } from "./code.ts";
import { withoutMarks } from "./stacks.ts";

/** A script with a function on the stack. */
export interface CallSite {
  readonly url: string;
  readonly scriptId?: string;
}

const FRAMES = 24;
const { cache } = requireFrom();

/** Those of a call that is gone on with. */
let earlier: CallSite[] | null = null;

/** Goes on with a call that had to wait: its callers are not on the stack any more. */
export function calledFrom<T>(sites: CallSite[], goOn: () => T): T {
  const outer = earlier;
  earlier = sites;
  try {
    return goOn();
  } finally {
    earlier = outer;
  }
}

/** The scripts of the callers that Node loaded itself, without this package's own and Node's. */
export function callSites(): CallSite[] {
  if (earlier !== null) return earlier;
  const sites = stackScripts(FRAMES);
  const byUrl = new Map<string, CallSite>();
  for (const { scriptName, scriptId } of sites) {
    const url = loadedUrl(scriptName);
    if (url && !byUrl.has(url)) byUrl.set(url, scriptId === undefined ? { url } : { url, scriptId });
  }
  return [...byUrl.values()];
}

/** Bun and Deno name the ES modules that they load by path. */
const NAMES_BY_PATH = "bun" in process.versions || "deno" in process.versions;

/** In Node a bare path that `require` does not know comes from a foreign loader: importing it would evaluate the file again. */
function loadedUrl(scriptName: string | null | undefined): string | undefined {
  if (!scriptName || isOwn(scriptName)) return undefined;
  // Of a file whose functions were shipped to this thread nothing else is loaded here.
  if (shippedCodeOf(withoutMarks(scriptName))) return undefined;
  if (scriptName.startsWith("file:")) return scriptName;
  return isAbsolute(scriptName) && (NAMES_BY_PATH || cache[scriptName])
    ? pathToFileURL(scriptName).href
    : undefined;
}

/** The path of a CommonJS module's file, when `url` is one in `require.cache`. */
export function isCommonjs(url: string): boolean {
  const module = url.startsWith("file:") ? cache[fileURLToPath(url)] : undefined;
  // Bun has the ES modules there too, once they were evaluated.
  return module !== undefined && !(NAMES_BY_PATH && types.isModuleNamespaceObject(module.exports));
}
