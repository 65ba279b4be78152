// This is the worker's side: the source of a shipped function is compiled once per place in its file, under the
// file's own name and position, so that stack traces and breakpoints show the user's lines. Its variables are set
// for each function made.
import { Script } from "node:vm";
import { bringFromModule } from "./advice.ts";
import { defaultLoader, quietly, silenceLoaderWarning } from "./importas.ts";
import { LruMap } from "./lrumap.ts";
import type { SourceText } from "./recipe.ts";
import { ShipError } from "./shiperror.ts";
import { TRANSLATED, UNCOUNTED } from "./stacks.ts";

/** The variables of one function: set all at once, in the order of `code.names`. */
export interface Variables {
  set(values: readonly unknown[]): void;
}

/** Makes the function, with `this` and `arguments` of the place where it was written. */
type Make = (this: unknown) => unknown;
/** With constants it is a generator, which is given their values. */
type Factory = (variables: Partial<Variables>) => Make | Generator<Make, void, readonly unknown[]>;

/** The files of which functions were compiled here, and whether they are translated. */
const compiled = new Map<string, boolean>();
const factories = new LruMap<string, Factory>(5_000);

/** A new function of this code. `fill` gets its variables before a class is made, whose `extends` needs them. */
export function instantiate(
  code: SourceText,
  around: { self: unknown; args: readonly unknown[]; scope?: Surroundings | undefined },
  fill: (variables: Variables) => void,
): { made: unknown; variables: Variables } {
  const { scope } = around;
  const factory = scope ? (evaluatedIn(scope, evaluatedText(code), code.title) as Factory) : factoryOf(code);
  const variables = {} as Variables;
  const begun = factory(variables);
  const make = typeof begun === "function" ? begun : (begun.next().value as Make);
  if (code.isClass) fill(variables);
  const value: unknown = Reflect.apply(make, around.self, around.args);
  if (typeof begun !== "function") {
    const { set } = variables;
    variables.set = (values) => {
      set(values);
      begun.next(values);
    };
  }
  return { made: code.method ? onlyMember(value as object) : value, variables };
}

function factoryOf(code: SourceText): Factory {
  const key = keyOf(code);
  let factory = factories.get(key);
  if (!factory) {
    factory = compile(code);
    factories.set(key, factory);
  }
  return factory;
}

const keyOf = ({ url, line, column, strict, names, constants, source }: SourceText): string =>
  `${url}:${line}:${column}:${strict}:${names}:${constants}:${source}`;

/** Evaluates a source in a scope, whose variables it may use and assign. */
export type Surroundings = (source: string) => unknown;

/** A process that makes no code from text cannot have functions share a variable that they assign. */
function evaluatedIn(scope: Surroundings, source: string, title: string): unknown {
  try {
    return scope(source);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    throw new ShipError(
      "ERR_SHIP_SOURCE",
      `Cannot make function ${title} in a worker thread: it shares a variable that is assigned with other functions, which takes eval, ` +
        "and this process forbids it (--disallow-code-generation-from-strings). Keep what they share in an object, or " +
        bringFromModule("the function"),
      { cause: error },
    );
  }
}

type MakeSurroundings = (variables: Partial<Variables>) => Surroundings;

/** What V8 compiles once for the same place in the same text, so it is the same string each time. */
const evaluated = new LruMap<string, string>(1_000);

/**
 * A scope with these variables, in which functions that share them are evaluated. In strict mode V8 then finds the
 * variables as fast as others; in sloppy mode each use is a search.
 */
export function surround(
  { names, strict, url }: { names: readonly string[]; strict: boolean; url: string },
  parent: Surroundings | undefined,
): { surroundings: Surroundings; variables: Variables } {
  const [variables, values, source] = ["threadloop$variables", "threadloop$values", "threadloop$source"].map(
    (name) => freeName(name, names.join()),
  );
  const setter = names.map((name, i) => `${name}=${values}[${i}]`).join(";");
  const text =
    `(function(${variables}){${strict ? '"use strict";' : ""}let ${names.join(",")};` +
    `${variables}.set=(${values})=>{${setter}};return(${source})=>eval(${source})})`;
  const make = (
    parent ? evaluatedIn(parent, text, `with the variable ${names[0]}`) : outermost(text, url)
  ) as MakeSurroundings;
  const own = {} as Variables;
  return { surroundings: make(own), variables: own };
}

const outermosts = new LruMap<string, MakeSurroundings>(300);

function outermost(text: string, url: string): MakeSurroundings {
  const key = `${url}:${text}`;
  let make = outermosts.get(key);
  if (!make) {
    // `import()` in what is evaluated is resolved from here.
    if (url.startsWith("file:")) silenceLoaderWarning();
    const options = url.startsWith("file:") ? { importModuleDynamically: defaultLoader } : {};
    const filename = url || "threadloop:evaluated";
    make = quietly(() => new Script(text, { filename, ...options })).runInThisContext() as MakeSurroundings;
    outermosts.set(key, make);
  }
  return make;
}

/** The text of a function for `eval`, which takes no position: blanks bring it there. */
function evaluatedText(code: SourceText): string {
  const key = keyOf(code);
  let text = evaluated.get(key);
  if (text === undefined) {
    compiled.set(code.url, code.translated);
    const { head, bracket } = headOf(code);
    const blanks = Math.max(0, code.column - head.length - bracket);
    const name = fileNameOf(code.url, code.translated, false);
    text = `${"\n".repeat(code.line)}${" ".repeat(blanks)}${head}${code.source}}})\n//# sourceURL=${name}`;
    evaluated.set(key, text);
  }
  return text;
}

/**
 * Whether shipped code of this file was compiled in this thread: such functions look as if another loader had loaded
 * it, and the file itself is not loaded here. Translated code stays so when it is sent on.
 */
export function shippedCodeOf(url: string): { readonly translated: boolean } | undefined {
  const translated = compiled.get(url);
  return translated === undefined ? undefined : { translated };
}

function compile(code: SourceText): Factory {
  const { source, url, line, column, translated } = code;
  compiled.set(url, translated);
  const { head, bracket } = headOf(code);
  const columnOffset = column - head.length - bracket;
  const imports = /\bimport\s*\(/.test(source) && url.startsWith("file:");
  if (imports) silenceLoaderWarning();
  const filename = fileNameOf(url, translated, imports);
  const importing = imports ? { importModuleDynamically: defaultLoader } : {};
  const text = `${head}${source}}})`;
  const script = quietly(() => new Script(text, { filename, lineOffset: line, columnOffset, ...importing }));
  return script.runInThisContext() as Factory;
}

/**
 * What is before the source; its first line starts behind that and one more bracket ("(" or "({"). A constant can only
 * be set where it is declared, when the function has been made: so a generator makes it, and waits there.
 */
function headOf({ source, strict, names, constants = [] }: SourceText): { head: string; bracket: number } {
  const assigned = names.filter((name) => !constants.includes(name));
  const declarations = assigned.length > 0 ? `let ${assigned.join(",")};` : "";
  const variables = freeName("variables$", source);
  const values = freeName("values$", source);
  const setter = assigned.map((name) => `${name}=${values}[${names.indexOf(name)}]`).join(";");
  const fixed = names.flatMap((name, i) => (constants.includes(name) ? `${i}:${name}` : []));
  const [star, maker] = fixed.length > 0 ? ["*", `const{${fixed}}=yield `] : ["", "return "];
  const head = `(function${star}(${variables}){${strict ? '"use strict";' : ""}${declarations}${variables}.set=(${values})=>{${setter}};${maker}function(){return `;
  return { head, bracket: source.startsWith("({") ? 2 : 1 };
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
