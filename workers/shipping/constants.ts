// This tells whether what a function assigns is a constant of its file, which throws here and has to throw over
// there: its file says so, where it is what V8 has. Elsewhere the Debugger has to be asked (`stopped`).
import { isCommonjs } from "./callsites.ts";
import { fileText } from "./filetext.ts";
import { LruMap } from "./lrumap.ts";
import type { SourceText } from "./recipe.ts";
import { parsed, syntaxIn, type Use } from "./syntax.ts";

interface File {
  readonly text: string;
  /** Where each line begins. */
  readonly lines: readonly number[];
  readonly toConstants: readonly Use[];
}

/** By their texts: null of one that does not show it. */
const files = new LruMap<string, File | null>(8);

/** A larger file takes longer to be read than the Debugger to be switched on. */
const LONGEST = 300_000;

/** The constants that the function with this text and place assigns; undefined when its file does not tell. */
export function constantsIn(text: string, { url, line, column }: SourceText): Set<string> | undefined {
  const file = fileAt(url);
  if (!file || line >= file.lines.length) return undefined;
  const start = file.lines[line]! + column;
  if (!file.text.startsWith(text, start)) return undefined;
  const own = file.toConstants.filter((use) => use.start >= start && use.start < start + text.length);
  return own.some(({ isOwnName }) => isOwnName) ? undefined : new Set(own.map(({ name }) => name));
}

function fileAt(url: string): File | null {
  const text = fileText(url);
  if (text === null || text.length > LONGEST) return null;
  let file = files.get(text);
  if (file === undefined) {
    file = read(text, url);
    files.set(text, file);
  }
  return file;
}

/** With `eval` and `with` a name may be that of anything. */
function read(text: string, url: string): File | null {
  if (/\beval\b|\bwith\s*\(|\\u/.test(text)) return null;
  const root = parsed(text, isCommonjs(url) ? "script" : "module");
  if (root === undefined) return null;
  const lines = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.push(at + 1);
  return { text, lines, toConstants: syntaxIn(root).toConstants };
}
