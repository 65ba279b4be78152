// The sources of a thread's functions: where they were written, by source maps, and the text that stands there.

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { fileURLToPath } from "node:url";
import type { RemoteThread } from "../remote.ts";
import type { Frame, Profile, ProfileNode } from "./profile.ts";

interface Parsed {
  readonly url: string;
  readonly sourceMapURL: string;
}

interface MapOfScript {
  readonly map: SourceMap;
  /** What its sources are relative to. */
  readonly base: string;
  /** The texts of sources that it brings along, by URL. */
  readonly texts: ReadonlyMap<string, string>;
}

const PATIENCE = 10_000;

/** The sources of the functions in a profile. */
export interface Sources {
  /** The profile with every function where it was written, and whose, wherever a source map or a bundle says so. */
  mapped(profile: Profile): Profile;
  /** The lines of a file; null where they are not known. */
  linesOf(url: string): readonly string[] | null;
}

/**
 * Asks for the scripts of a thread. The debugger is on for a moment, and stops nothing. Of a process that is about to end
 * they are what the files say.
 */
export async function sourcesOf(thread: RemoteThread, profile: Profile): Promise<Sources> {
  const scripts = await scriptsOf(thread, profile);
  const maps = new Map([...scripts].map(([id, script]) => [id, loadMap(script)]));
  const bundles = new Map(
    [...scripts].flatMap(([id, { url }]) =>
      maps.get(id) === null ? [[id, modulesOf(fileOf(url) ?? "")]] : [],
    ),
  );
  const texts = new Map([...maps.values()].flatMap((map) => (map === null ? [] : [...map.texts])));
  const lines = new Map<string, readonly string[] | null>();
  return {
    mapped: ({ nodes, ...rest }) => ({
      ...rest,
      nodes: nodes.map((node) => {
        const { scriptId } = node.callFrame;
        return withOwner(mappedNode(node, maps.get(scriptId) ?? null), bundles.get(scriptId) ?? []);
      }),
    }),
    linesOf(url) {
      if (!lines.has(url)) lines.set(url, (texts.get(url) ?? fileOf(url))?.split("\n") ?? null);
      return lines.get(url) ?? null;
    },
  };
}

async function scriptsOf(thread: RemoteThread, { nodes }: Profile): Promise<Map<string, Parsed>> {
  const scripts = new Map<string, Parsed>();
  for (const { callFrame } of nodes) {
    const { scriptId, url } = callFrame;
    if (url === "" || url.startsWith("node:")) continue;
    const named = /^\/\/[#@] ?sourceMappingURL=(\S+)\s*$/m.exec(fileOf(url)?.slice(-100_000) ?? "");
    if (!scripts.has(scriptId)) scripts.set(scriptId, { url, sourceMapURL: named?.[1] ?? "" });
  }
  thread.on("Debugger.scriptParsed", ({ scriptId, url, sourceMapURL }) => {
    const known = scripts.get(String(scriptId));
    if (known !== undefined && typeof sourceMapURL === "string" && sourceMapURL !== "")
      scripts.set(String(scriptId), { url: String(url), sourceMapURL });
  });
  await thread.call("Debugger.enable", {}, PATIENCE).catch(() => null);
  await thread.call("Debugger.disable", {}, PATIENCE).catch(() => null);
  return scripts;
}

function fileOf(url: string): string | undefined {
  try {
    return readFileSync(url.startsWith("file:") ? fileURLToPath(url) : url, "utf8");
  } catch {
    return undefined;
  }
}

/** From which line of a bundle on, from 0, the code is that of a module. */
interface BundledModule {
  readonly line: number;
  readonly isPackage: boolean;
}

/** The modules of a bundle, in order, by the comments that esbuild, rolldown and webpack put above each. */
function modulesOf(text: string): BundledModule[] {
  const heads = text.matchAll(/^(?:\/\/(?:#region)? |\/\*{3}\/ ")(\S+\.[cm]?[jt]sx?)(?:":.*)?$/gm);
  let [line, at] = [0, 0];
  return [...heads].map(({ index, 1: path = "" }) => {
    for (; at < index; at++) if (text[at] === "\n") line++;
    return { line, isPackage: /(?:^|\/)node_modules\//.test(path) };
  });
}

function withOwner(node: ProfileNode, modules: readonly BundledModule[]): ProfileNode {
  const { lineNumber } = node.callFrame;
  const isPackage = modules.findLast(({ line }) => line <= lineNumber)?.isPackage ?? false;
  return isPackage ? { ...node, callFrame: { ...node.callFrame, isPackage } } : node;
}

function mappedNode(node: ProfileNode, source: MapOfScript | null): ProfileNode {
  if (source === null) return node;
  const { lineNumber, columnNumber } = node.callFrame;
  const place = placeOf(source, lineNumber, columnNumber);
  if (place === null) return node;
  const written = writtenName(
    source.texts
      .get(place.url)
      ?.split("\n", place.lineNumber + 1)
      .at(-1) ?? "",
  );
  const functionName = node.callFrame.functionName && (written ?? node.callFrame.functionName);
  const callFrame: Frame = { ...node.callFrame, ...place, functionName };
  const positionTicks = (node.positionTicks ?? []).map(({ line, ticks }) => ({
    line: (firstOf(source.map, line - 1) ?? line - 1) + 1,
    ticks,
  }));
  return { ...node, callFrame, positionTicks };
}

/** The name of the function that begins on a line, where that is plain: a minified one has another. */
function writtenName(line: string): string | null {
  if ((line.match(/\bfunction\b|=>/g) ?? []).length > 1) return null;
  return /\bfunction\b\s*\*?\s*([\w$]+)\s*[(<]/.exec(line)?.[1] ?? null;
}

function placeOf(
  { map, base }: MapOfScript,
  line: number,
  column: number,
): Pick<Frame, "url" | "lineNumber"> | null {
  const entry = map.findEntry(line, column);
  if (!("originalSource" in entry) || typeof entry.originalSource !== "string") return null;
  try {
    return { url: new URL(entry.originalSource, base).href, lineNumber: entry.originalLine };
  } catch {
    return null;
  }
}

/** The original line of what is written first on a line: the profiler tells no columns of samples. */
function firstOf(map: SourceMap, line: number): number | null {
  const entry = map.findEntry(line, Number.MAX_SAFE_INTEGER);
  return "originalLine" in entry && typeof entry.originalLine === "number" ? entry.originalLine : null;
}

/** null where there is none, or none that can be read. */
function loadMap(script: Parsed): MapOfScript | null {
  if (script.sourceMapURL === "") return null;
  try {
    const from = script.url.startsWith("file:") ? script.url : `file://${script.url}`;
    const url = new URL(script.sourceMapURL, from);
    const isData = url.protocol === "data:";
    const text = isData ? dataOf(url.href) : readFileSync(fileURLToPath(url), "utf8");
    const payload = JSON.parse(text) as SourceMapPayload;
    const base = isData ? from : url.href;
    return { map: new SourceMap(payload), base, texts: textsOf(payload, base) };
  } catch {
    return null;
  }
}

function dataOf(url: string): string {
  const at = url.indexOf(",");
  const isBase64 = url.slice(0, at).endsWith(";base64");
  return Buffer.from(decodeURIComponent(url.slice(at + 1)), isBase64 ? "base64" : "utf8").toString("utf8");
}

function textsOf(
  { sources, sourcesContent, sourceRoot }: SourceMapPayload,
  base: string,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [i, source] of (sources ?? []).entries()) {
    const text = (sourcesContent ?? [])[i];
    if (typeof text === "string") texts.set(new URL(`${sourceRoot ?? ""}${source}`, base).href, text);
  }
  return texts;
}
