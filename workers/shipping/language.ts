// This tells whether code is in strict mode, where V8 does not tell it: arrow functions, methods, async functions and
// generators that are in no ES module. It reads the source around them: a directive makes it so, or a class.
import { isCommonjs } from "./callsites.ts";
import { fileText } from "./filetext.ts";
import type { CodeInspection } from "./inspector.ts";
import { LruMap } from "./lrumap.ts";
import { sourceOfScript } from "./stopped.ts";
import { parsed, partsOf, type SyntaxNode } from "./syntax.ts";

interface Language {
  readonly source: string;
  /** Where strict code is; undefined: not known. */
  readonly strict: readonly (readonly [number, number])[] | undefined;
}

/** Where a source that has none of these does the same in both modes. */
const MATTERS =
  /\bthis\b|[^=!<>]=(?![=>])|\+\+|--|\b(?:delete|arguments|function|eval|with|caller|callee)\b|\b0\d/;
const languages = new LruMap<string, Language>(100);

/** Whether the code of a function at this place is sloppy; undefined where it does not matter, or cannot be told. */
export function isSloppyAt(
  { scriptId, line, column, scopes }: CodeInspection,
  url: string,
  text: string,
): boolean | undefined {
  if (scopes.some(({ kind }) => kind === "Module") || !MATTERS.test(text)) return undefined;
  const here = (source: string): number | undefined => offsetIn(source, line, column, text);
  const language = languages.get(scriptId) ?? readLanguage(scriptId, url, here);
  if (!language?.strict) return undefined;
  const offset = here(language.source);
  if (offset === undefined) return undefined;
  return !language.strict.some(([start, end]) => start <= offset && offset < end);
}

function readLanguage(
  scriptId: string,
  url: string,
  here: (source: string) => number | undefined,
): Language | undefined {
  // The file that `require` loaded, if nobody translated it on the way.
  const file = isCommonjs(url) ? fileText(url) : null;
  const source = file !== null && here(file) !== undefined ? file : sourceOfScript(scriptId);
  if (source === undefined) return undefined;
  const language = { source, strict: strictParts(source, url) };
  languages.set(scriptId, language);
  return language;
}

function strictParts(source: string, url: string): [number, number][] | undefined {
  if (isCommonjs(url) && !/use strict|\bclass\b/.test(source)) return [];
  const root = parsed(source);
  if (root && isModule(root, url)) return [[0, source.length]];
  const parts: [number, number][] = [];
  if (root) collect(root, parts);
  return root && parts;
}

/** A file that `require` did not load is a module, unless all of it is a function for the loader to call. */
function isModule({ body }: SyntaxNode, url: string): boolean {
  const statements = body as SyntaxNode[];
  if (statements.some(({ type }) => /^(Import|Export)/.test(type))) return true;
  if (!url.startsWith("file:") || isCommonjs(url)) return false;
  const wrappers = statements.filter(({ directive }) => directive === undefined);
  return !(wrappers.length === 1 && wrappers[0]!.type === "ExpressionStatement");
}

function collect(node: SyntaxNode, parts: [number, number][]): void {
  if (/^Class/.test(node.type) || hasDirective(node)) parts.push([node.start, node.end]);
  else for (const part of partsOf(node)) collect(part, parts);
}

function hasDirective(node: SyntaxNode): boolean {
  const body = (node.body as SyntaxNode | undefined)?.body ?? node.body;
  if (!/Function|Program/.test(node.type) || !Array.isArray(body)) return false;
  return (body as SyntaxNode[]).some(({ directive }) => directive === "use strict");
}

/** Where a place is in a source; undefined when that text is not there. */
function offsetIn(source: string, line: number, column: number, text: string): number | undefined {
  let start = 0;
  for (let i = 0; i < line; i++) {
    start = source.indexOf("\n", start) + 1;
    if (start === 0) return undefined;
  }
  const offset = start + column;
  // V8's place of a method is that of its parameters.
  const isHere = source.startsWith(text, offset) || source.startsWith(text.slice(text.indexOf("(")), offset);
  return isHere ? offset : undefined;
}
