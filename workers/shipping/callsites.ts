// Who is calling: the scripts on the stack, innermost first. Needs no inspector. Newer Nodes also tell each script's
// id, which saves a search for the address of functions defined there.
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import util from "node:util";

import { isOwn, requireFrom } from "../../src/core.ts";
import { shippedCodeOf } from "./code.ts";
import { withoutMarks } from "./stacks.ts";

/** A script with a function on the stack. */
export interface CallSite {
  readonly url: string;
  readonly scriptId?: string;
}

interface RawCallSite {
  readonly scriptName: string;
  readonly scriptId?: string;
}

/** Not in the types of the oldest Node we support. */
const { getCallSites } = util as {
  getCallSites?: (frames: number, options: { sourceMap: boolean }) => RawCallSite[];
};

const FRAMES = 24;
const { cache } = requireFrom();

/** The scripts of the callers that Node loaded itself, without this package's own and Node's. */
export function callSites(): CallSite[] {
  const sites = getCallSites ? getCallSites(FRAMES, { sourceMap: false }) : stackOfErrors();
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

function stackOfErrors(): RawCallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  if (Object.isFrozen(Error)) return []; // a hardened program: nothing can be set
  const holder: { stack?: NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = FRAMES;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder);
    return (holder.stack ?? []).map((site) => ({ scriptName: site.getScriptNameOrSourceURL() ?? "" }));
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The path of a CommonJS module's file, when `url` is one in `require.cache`. */
export function isCommonjs(url: string): boolean {
  return url.startsWith("file:") && cache[fileURLToPath(url)] !== undefined;
}
