// These are positions in the user's source. A loader (tsx) or a bundler may have translated the file; this thread
// has the source map, a worker that compiles one function of it has not. So the worker's frames carry a mark, and
// are translated here.
import type { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** Behind the URL in frames of shipped code whose positions are those of a translated file. */
export const TRANSLATED = "?translated";

/** Before the URL while coverage is counted: offsets of one function must not be taken for offsets of its file. */
export const UNCOUNTED = "shipped:";

const FRAMES = /([a-z]+:[^\s()]*?)\?translated:(\d+):(\d+)/g;

/** The URL of a script that may have one of these marks. */
export function withoutMarks(name: string): string {
  const url = name.startsWith(UNCOUNTED) ? name.slice(UNCOUNTED.length) : name;
  return url.endsWith(TRANSLATED) ? url.slice(0, -TRANSLATED.length) : url;
}

/** Whether positions in this file have to be translated. */
export function isTranslated(url: string): boolean {
  return mapOf(url) !== undefined;
}

/** The stack of an error that came from a worker, with the positions of the user's source. */
export function mapStack(stack: string): string {
  const plain = stack.includes(UNCOUNTED) ? stack.replaceAll(`${UNCOUNTED}file:`, "file:") : stack;
  if (!plain.includes(TRANSLATED)) return plain;
  return plain.replace(FRAMES, (frame, url: string, line: string, column: string) =>
    // Without a map this thread is a worker itself: the thread that sent the code will have it.
    isTranslated(url) ? originalPosition(url, Number(line), Number(column)) : frame,
  );
}

/** `file:///app/main.ts:7:9`: where a position (counted from 1) was in the user's source. */
export function originalPosition(url: string, line: number, column: number): string {
  const entry = mapOf(url)?.findEntry(line - 1, column - 1);
  if (!entry || !("originalSource" in entry)) return `${url}:${line}:${column}`;
  return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

/** Node keeps maps by URL, of what was loaded as a path by the URL of that: it may be written in another way. */
function mapOf(url: string): SourceMap | undefined {
  if (!url) return undefined;
  const { findSourceMap } = process.getBuiltinModule("node:module"); // which a thread need not load otherwise
  const found = findSourceMap(url);
  return found === undefined && /^file:.*[?#%]/.test(url) ? findSourceMap(fileURLToPath(url)) : found;
}
