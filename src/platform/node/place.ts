/** This file alone knows where the package's own code is: its frames are not the user's. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";

/** What the code of a thread is called in a program that was bundled, where it is no file. */
const THREAD_SCRIPT = "threadloop:worker";

/**
 * In a bundle in CommonJS some bundlers leave nothing of it. Others (webpack, Turbopack) write the address that this file
 * had where it was bundled.
 */
const written: string | undefined = import.meta.url;
const HERE: string = written?.startsWith("file:")
  ? written
  : pathToFileURL(written === undefined && typeof __filename === "string" ? __filename : process.execPath)
      .href;

/**
 * The folder of the built package, as a URL. This module is in a folder of its own in there. In a program that was bundled it is a folder without the package's files.
 */
export const PACKAGE_ROOT: string = HERE.replace(/[^/]+\/[^/]*$/, "");

let bundled: boolean | null = null;

/** Whether this code is in a bundle with the program that uses it: then the package's other files are not beside it. */
export function isBundled(): boolean {
  bundled ??= written === THREAD_SCRIPT || runsElsewhere() || !hasFile("workers/entry.cjs");
  return bundled;
}

/** Whether the script that this code is in is another one than `import.meta.url` says. */
function runsElsewhere(): boolean {
  const script = stackScripts(1)[0]?.scriptName;
  if (!script || written === undefined) return false;
  return withoutQuery(isAbsolute(script) ? pathToFileURL(script).href : script) !== withoutQuery(written);
}

const withoutQuery = (url: string): string => url.replace(/[?#].*/, "");

/** A script with a function on the stack; newer Nodes also tell its id. */
export interface StackScript {
  readonly scriptName: string;
  readonly scriptId?: string;
}

/** Not in the types of the oldest Node we support. */
type CallSites = { getCallSites?: (frames: number, options: { sourceMap: boolean }) => StackScript[] };
const getCallSites = (process.getBuiltinModule("node:util") as CallSites).getCallSites;

/** The scripts of the innermost functions on the stack, from the caller's on, as the engine names them. */
export function stackScripts(frames: number): StackScript[] {
  if (getCallSites) return getCallSites(frames + 1, { sourceMap: false }).slice(1);
  const { prepareStackTrace, stackTraceLimit } = Error;
  if (Object.isFrozen(Error)) return []; // a hardened program: nothing can be set
  const holder: { stack?: NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = frames;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, stackScripts);
    return (holder.stack ?? []).map((site) => ({ scriptName: site.getScriptNameOrSourceURL() ?? "" }));
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function hasFile(name: string): boolean {
  return process.getBuiltinModule("node:fs").existsSync(new URL(name, PACKAGE_ROOT));
}

/** Node's own `require` as a file has it, by default this one: no bundler looks for what it loads. */
export function requireFrom(place: string | URL = HERE): NodeJS.Require {
  return process.getBuiltinModule("node:module").createRequire(place);
}

let own: readonly string[] | null = null;

/** Tells whether a line of a stack, or the address of a script, lies in the package's own code. */
export function isOwn(text: string): boolean {
  own ??= isBundled()
    ? [THREAD_SCRIPT]
    : ["chunks/", "src/", "workers/"].map((folder) => PACKAGE_ROOT + folder);
  return own.some((name) => text.includes(name));
}
