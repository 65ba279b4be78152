// Worker side: the source of a shipped function is compiled once per place in its file, under the file's own name and
// position, so that stack traces and breakpoints show the user's lines. Its variables are set for each function made.
import { Script } from "node:vm";
import { defaultLoader, quietly, silenceLoaderWarning } from "./importas.ts";
import { LruMap } from "./lrumap.ts";
import type { Code } from "./recipe.ts";
import { TRANSLATED, UNCOUNTED } from "./stacks.ts";

/** The variables of one function: set all at once, in the order of `code.names`. */
export interface Variables {
  set(values: readonly unknown[]): void;
}

/** Makes the function, with `this` and `arguments` of the place where it was written. */
type Make = (this: unknown) => unknown;
type Factory = (variables: Partial<Variables>) => Make;

/** The files of which functions were compiled here, and whether they are translated. */
const compiled = new Map<string, boolean>();
const factories = new LruMap<string, Factory>(1_000);

/** A new function of this code. `fill` gets its variables before a class is made, whose `extends` needs them. */
export function instantiate(
  code: Code,
  around: { self: unknown; args: readonly unknown[] },
  fill: (variables: Variables) => void,
): { made: unknown; variables: Variables } {
  const key = `${code.url}:${code.line}:${code.column}:${code.strict}:${code.names}:${code.source}`;
  let factory = factories.get(key);
  if (!factory) {
    factory = compile(code);
    factories.set(key, factory);
  }
  const variables = {} as Variables;
  const make = factory(variables);
  if (code.isClass) fill(variables);
  const value: unknown = Reflect.apply(make, around.self, around.args);
  return { made: code.method ? onlyMember(value as object) : value, variables };
}

/**
 * Whether shipped code of this file was compiled in this thread: such functions look as if another loader had loaded
 * it, and the file itself is not loaded here. Translated code stays so when it is sent on.
 */
export function shippedCodeOf(url: string): { readonly translated: boolean } | undefined {
  const translated = compiled.get(url);
  return translated === undefined ? undefined : { translated };
}

function compile({ source, strict, names, url, line, column, translated }: Code): Factory {
  compiled.set(url, translated);
  const declarations = names.length > 0 ? `let ${names.join(",")};` : "";
  const variables = freeName("variables$", source);
  const values = freeName("values$", source);
  const setter = names.map((name, i) => `${name}=${values}[${i}]`).join(";");
  const head = `(function(${variables}){${strict ? '"use strict";' : ""}${declarations}${variables}.set=(${values})=>{${setter}};return function(){return `;
  // The first line of the source starts behind the head and one more bracket ("(" or "({").
  const columnOffset = column - head.length - (source.startsWith("({") ? 2 : 1);
  const imports = /\bimport\s*\(/.test(source) && url.startsWith("file:");
  if (imports) silenceLoaderWarning();
  const filename = fileNameOf(url, translated, imports);
  const importing = imports ? { importModuleDynamically: defaultLoader } : {};
  const text = `${head}${source}}})`;
  const script = quietly(() => new Script(text, { filename, lineOffset: line, columnOffset, ...importing }));
  return script.runInThisContext() as Factory;
}

/** A name like this one that the source does not have: a captured variable may be called anything. */
export function freeName(name: string, source: string): string {
  return source.includes(name) ? freeName(`${name}$`, source) : name;
}

/** `import()` is resolved from the file's name, so that stays what it is. */
function fileNameOf(url: string, translated: boolean, imports: boolean): string {
  if (!url) return "threadloop:evaluated";
  const uncounted = process.env.NODE_V8_COVERAGE && !imports ? UNCOUNTED : "";
  return `${uncounted}${url}${translated ? TRANSLATED : ""}`;
}

function onlyMember(object: object): unknown {
  const [member] = Object.values(Object.getOwnPropertyDescriptors(object));
  return member?.value ?? member?.get ?? member?.set;
}
