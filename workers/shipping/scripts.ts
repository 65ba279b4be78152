// This tells which file a script id stands for. Whoever is on the stack is asked first, which is free; then the list of
// scripts that V8 keeps for best-effort coverage (a few ms, once per script not known yet). Node 20 leaves out scripts
// none of whose functions has run: for them alone the Debugger is switched on and off at once, and not while anybody
// counts coverage, which that would erase.
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { CallSite } from "./callsites.ts";
import { mayCountCoverage } from "./coverage.ts";
import { listen, post } from "./inspector.ts";
import { LruMap } from "./lrumap.ts";
import { withoutMarks } from "./stacks.ts";
import { tellScripts } from "./stopped.ts";

interface ScriptCoverage {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly { readonly isBlockCoverage: boolean }[];
}

/** Sources made by eval have an id each: the list is bounded. */
const urls = new LruMap<string, string>(5_000);

/** Learns the ids of the scripts on the stack, where Node tells them. */
export function noteScripts(sites: readonly CallSite[]): void {
  for (const { scriptId, url } of sites) if (scriptId !== undefined) urls.set(scriptId, url);
}

/** The URL of a script, if it takes no search. */
export function knownScriptUrl(scriptId: string): string | undefined {
  return urls.get(scriptId);
}

/** The URL of a script; empty for code made by `eval` or `new Function`. */
export function scriptUrl(scriptId: string): string {
  const known = urls.get(scriptId);
  if (known !== undefined) return known;
  const { found, counted } = sweepCoverage(scriptId);
  const url = found ?? (counted ? "" : (sweepDebugger(scriptId) ?? ""));
  urls.set(scriptId, url);
  return url;
}

/** What is asked for is given back: there may be more scripts than the list can hold, and it may have been among the first. */
function sweepCoverage(wanted: string): { found: string | undefined; counted: boolean } {
  let counted = mayCountCoverage();
  let found: string | undefined;
  const { result } = post<{ result: readonly ScriptCoverage[] }>("Profiler.getBestEffortCoverage");
  for (const { scriptId, url, functions } of result) {
    if (scriptId === wanted) found = asUrl(url);
    else note(scriptId, url);
    counted ||= functions.some((fn) => fn.isBlockCoverage);
  }
  return { found, counted };
}

function sweepDebugger(wanted: string): string | undefined {
  let found: string | undefined;
  const heard = (params: unknown) => {
    const { scriptId, url } = params as { scriptId: string; url: string };
    if (scriptId === wanted) found = asUrl(url);
    else note(scriptId, url);
  };
  listen("Debugger.scriptParsed", heard, tellScripts);
  return found;
}

/** Most scripts that have no URL of a file are never asked for. */
function note(scriptId: string, url: string): void {
  if (url !== "" && !url.startsWith("threadloop:")) urls.set(scriptId, asUrl(url));
}

const asUrl = (name: string): string => (isAbsolute(name) ? pathToFileURL(name).href : withoutMarks(name));
