// This tells which variables a function needs from outside. V8 itself says so, without a parser: the source is compiled
// inside a function that declares every name in scope; V8 then keeps exactly the names that the source uses, and the
// inspector lists them. No code of the user runs. It is done once per place in a file.
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { Script } from "node:vm";
import { bringFunction } from "./advice.ts";
import { type ClassText, classText, edited } from "./classes.ts";
import { freeName, shippedCodeOf } from "./code.ts";
import { globalReference } from "./globals.ts";
import { type CodeInspection, inspect, type Scope } from "./inspector.ts";
import { isSloppyAt } from "./language.ts";
import { LruMap } from "./lrumap.ts";
import { clauseOf } from "./reason.ts";
import type { Reference, SourceText } from "./recipe.ts";
import { scriptUrl } from "./scripts.ts";
import { ShipError } from "./shiperror.ts";
import { isTranslated, originalPosition } from "./stacks.ts";
import type { Start } from "./stopped.ts";
import { decoded, type Syntax, type SyntaxNode, syntaxOf } from "./syntax.ts";

/** What is known of the functions written at one place. */
export interface Plan {
  code: SourceText;
  /** The captured variables: the first of `code.names`. */
  readonly captured: readonly string[];
  /** Value of `import.meta`, when the source uses it: then the next of `code.names`. */
  readonly meta?: Record<string, string>;
  /** A class with an `extends` clause: its parent is the last of `code.names`. */
  readonly extendsParent: boolean;
  /** What there is to know of a class. */
  readonly classText?: ClassText;
  /** An arrow function uses the `this` of where it was written. */
  readonly usesThis: boolean;
  /** An arrow function uses the `arguments` of the function around it. */
  readonly usesArguments: boolean;
  /** Captured variables that are import bindings; undefined until they were looked for. */
  imports?: ReadonlyMap<string, Reference>;
  /** Captured variables that it assigns; undefined until it was asked. */
  assigned?: ReadonlySet<string>;
  /** Those of them that are constants; undefined until it was asked. */
  constants?: readonly string[];
  /** What people were told about this place already. */
  readonly warned: Set<string>;
}

/** What stands for `import.meta`: as long, so that columns stay what they were. */
const METAS = ["importMeta$", "import$Meta", "$importMeta"];
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const usesSuper = /(?<![.\w$])super\s*[.([]/;
const extendsSomething = /^class(?:\s+[\p{ID_Continue}$]+)?\s+extends\b/u;
const isArrow = /^(async\s*)?(\(|[\p{ID_Continue}$]+\s*=>)/u;
const isExpression = new RegExp(`^(async\\s+)?function\\b|^class\\b|${isArrow.source}`, "u");
/** The beginning of a method whose key is computed. */
const computedKey = /^(?:async\b\s*)?(?:\*\s*|(?:get|set)\b\s*)?\[/;
const plans = new LruMap<string, Plan>(5_000);

/** The plan for a function that was inspected. */
export function planFor(fn: object, inspection: CodeInspection): Plan {
  const key = `${inspection.scriptId}:${inspection.line}:${inspection.column}:${textOf(fn).length}`;
  let plan = plans.get(key);
  if (!plan) {
    plan = makePlan(fn, sourceOf(fn), inspection);
    plans.set(key, plan);
  }
  return plan;
}

/** The captured variables that the source assigns. */
export function assignedBy(plan: Plan): ReadonlySet<string> {
  plan.assigned ??= new Set(plan.captured.filter(mayAssign(plan.code.source)));
  return plan.assigned;
}

const NONE: ReadonlySet<string> = new Set();
const BETWEEN = String.raw`(?:\s|/\*[\s\S]*?\*/|//[^\n]*\n)*`;
/** Patterns and loops assign as well, and eval may. */
const OTHER_ASSIGNMENT = new RegExp(String.raw`[\]}]${BETWEEN}=(?![=>])|\bfor\b|\beval\b`);
const OPERATOR = String.raw`(?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^])?=(?![=>])|\+\+|--`;

/** Tells of each name whether the source assigns it: by pattern where that says no, else by its syntax. */
function mayAssign(written: string): (name: string) => boolean {
  const source = decoded(written);
  const others = OTHER_ASSIGNMENT.test(source);
  const names = /=(?![=>])|\+\+|--/.test(source) || others;
  if (!names) return () => false;
  let assigned: ReadonlySet<string> | undefined;
  let evaluates = false;
  return (name) => {
    const text = name.replaceAll("$", "\\$");
    const assignment = new RegExp(`${text}${BETWEEN}(?:${OPERATOR})|(?:\\+\\+|--)${BETWEEN}${text}`);
    if (!others && !assignment.test(source)) return false;
    if (!assigned) {
      const syntax = syntaxOf(written);
      assigned = syntax?.assigned ?? NONE;
      evaluates = syntax?.evaluates ?? true;
    }
    return evaluates || assigned.has(name);
  };
}

/** How a function can be called so that it can be stopped before anything of the user runs. */
export function waysIn({ code }: Plan): Start {
  if (code.isClass) return undefined;
  if (!/^\(?\{?\s*(async\b\s*)?(function\b\s*)?\*/.test(code.source)) {
    // Where several functions stand in one line, V8 stops a call only when its parameters were evaluated.
    return paramsOf(syntaxOf(code.source)?.root)?.every(isInert) ? "call" : undefined;
  }
  // The parameters of a generator are evaluated before it can be stopped.
  const params = paramsOf(syntaxOf(code.source)?.root);
  return params?.every(({ type }) => type === "Identifier") ? "next" : undefined;
}

const ACTS = /^(Assignment|Update|Call|New|TaggedTemplate|Member|Await|Yield|Import)Expression$/;

/** Whether evaluating it runs no code and changes nothing. */
function isInert(node: SyntaxNode): boolean {
  if (ACTS.test(node.type)) return false;
  return Object.values(node).every((child) =>
    (Array.isArray(child) ? child : [child]).every((each: unknown) => !isSyntaxNode(each) || isInert(each)),
  );
}

const isSyntaxNode = (value: unknown): value is SyntaxNode =>
  typeof (value as { type?: unknown } | null)?.type === "string";

function paramsOf(root: SyntaxNode | undefined): readonly SyntaxNode[] | undefined {
  const [statement] = (root?.body as SyntaxNode[] | undefined) ?? [];
  const expression = statement?.expression as SyntaxNode | undefined;
  const [property] = (expression?.properties as SyntaxNode[] | undefined) ?? [];
  return ((property?.value as SyntaxNode | undefined) ?? expression)?.params as SyntaxNode[] | undefined;
}

/** A function for people: `render (file:///app/pages.js:3:8)`. */
export function titleOf(fn: object, inspection: CodeInspection): string {
  const { line, column } = startOf(sourceOf(fn), inspection);
  return `${nameOf(fn)} (${originalPosition(scriptUrl(inspection.scriptId) || "evaluated code", line + 1, column + 1)})`;
}

export function nameOf(fn: object): string {
  const { name } = fn as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : "(anonymous)";
}

const textOf = (fn: object): string => Function.prototype.toString.call(fn);

/** The source; the key of a method is a plain one, as a computed key may use what the method does not capture. */
function sourceOf(fn: object): string {
  const text = textOf(fn);
  const [head] = computedKey.exec(text) ?? [];
  if (head === undefined) return text;
  const start = head.length - 1;
  for (let end = text.indexOf("]", start); end !== -1; end = text.indexOf("]", end + 1)) {
    // As long as the key was, so that lines and columns stay what they were.
    const key = text.slice(start, end + 1).replace(/[^\n]/g, " ");
    const candidate = `${head.slice(0, -1)}m${key.slice(1)}${text.slice(end + 1)}`;
    if (compiles(`({${candidate}})`)) return candidate;
  }
  return text;
}

interface Form {
  readonly text: string;
  readonly method: boolean;
  readonly strict: boolean;
  /** The name that stands for `import.meta`, when the source uses it. */
  readonly meta?: string;
}

function makePlan(fn: object, source: string, inspection: CodeInspection): Plan {
  const url = scriptUrl(inspection.scriptId);
  const title = titleOf(fn, inspection);
  const isClass = /^class\b/.test(source);
  const parent = freeName("classParent$", source);
  const parented =
    isClass && extendsSomething.test(source) && Object.getPrototypeOf(fn) !== Function.prototype
      ? withParentVariable(source, parent)
      : undefined;
  const written = isClass ? classText(parented ?? source) : undefined;
  const candidates = namesInScope(inspection.scopes, source, url);
  const extra = [...(parented === undefined ? [] : [parent]), ...variablesOf(written)];
  const text = written?.text ?? parented ?? source;
  const { form, used } = firstThatCompiles(
    text,
    isSloppy(fn, source, inspection, url),
    [...candidates, ...extra],
    title,
  );
  const captured = candidates.filter((name) => used.has(name));
  const { privates = [], holder = "" } = written ?? {};
  return {
    code: {
      source: form.text,
      method: form.method,
      strict: form.strict,
      isClass,
      url,
      ...startOf(source, inspection),
      translated: isTranslated(url) || shippedCodeOf(url)?.translated === true,
      names: [...captured, ...(form.meta ? [form.meta] : []), ...extra],
      ...(extra.length > 0 && { needed: extra.length }),
      ...(privates.length > 0 && { privates: { name: holder, fields: privates } }),
      title,
    },
    captured,
    ...(form.meta && { meta: importMeta(url) }),
    extendsParent: parented !== undefined,
    ...(written && { classText: written }),
    usesThis: usesThis(source),
    usesArguments: used.has("arguments") && decoded(source).includes("arguments"),
    warned: new Set(),
  };
}

/** The variables that stand in the text of a class for what is computed as it is made. */
function variablesOf(written: ClassText | undefined): string[] {
  if (!written) return [];
  const keys = written.members.flatMap(({ variable }) => variable ?? []);
  return written.privates.length > 0 ? [...keys, written.holder] : keys;
}

/**
 * Candidates, most likely first: an expression or a method; in strict mode unless the function shows that it is not.
 * The first one nearly always compiles, so a debugger that pauses on caught exceptions sees none.
 */
function* formsOf(source: string, sloppy: boolean): Generator<Form> {
  const texts: { text: string; meta?: string }[] = [{ text: source }];
  const meta = METAS.find((name) => !source.includes(name));
  if (meta && /\bimport\b/.test(source) && /\bmeta\b/.test(source))
    texts.push({ text: withoutMeta(source, meta), meta });
  const asExpression = isExpression.test(source);
  const onlyExpression = usesOuterSuper(source);
  for (const { text, ...rest } of texts) {
    for (const strict of sloppy ? [false] : [true, false]) {
      const expression = { text: `(${text})`, method: false, strict, ...rest };
      const method = { text: `({${text}})`, method: true, strict, ...rest };
      const forms = asExpression ? [expression, method] : [method, expression];
      yield* onlyExpression ? [expression] : forms;
    }
  }
}

/** What a source says, whether it is an expression or a method. */
const syntaxOfSource = (source: string): { syntax: Syntax; before: number } | undefined => {
  for (const [before, behind] of isExpression.test(source)
    ? [["(", ")"]]
    : [
        ["({", "})"],
        ["(", ")"],
      ]) {
    const syntax = syntaxOf(`${before}${source}${behind}`);
    if (syntax) return { syntax, before: before!.length };
  }
  return undefined;
};

/** A source with a variable for each `import.meta`. */
function withoutMeta(source: string, meta: string): string {
  const read = syntaxOfSource(source);
  if (!read) return source.replace(/\bimport\.meta\b/g, () => meta);
  const { syntax, before } = read;
  return edited(
    source,
    syntax.metas.map(([start, end]) => ({
      start: start - before,
      end: end - before,
      text: meta.padEnd(end - start),
    })),
  );
}

/** Whether the `super` in a source is that of the object or class around it. */
function usesOuterSuper(source: string): boolean {
  if (!usesSuper.test(source)) return false;
  const read = syntaxOfSource(source);
  return read ? read.syntax.usesSuper : !source.startsWith("class");
}

function usesThis(source: string): boolean {
  if (!isArrow.test(source) || !/\bthis\b/.test(source)) return false;
  const read = syntaxOfSource(source);
  return read ? read.syntax.thises.length > 0 : true;
}

/** What V8 compiles, but would mean something else over there. */
function unsendablePart(source: string): string | undefined {
  if (usesOuterSuper(source)) return "it uses super";
  if (!isArrow.test(source) || !/\bnew\s*\.\s*target\b/.test(source)) return undefined;
  // acorn refuses one that is not that of a function in the source.
  return syntaxOfSource(source) ? undefined : "it uses new.target";
}

/** Whether a function is in sloppy mode; it shows that itself, or what is around it does. */
function isSloppy(fn: object, source: string, inspection: CodeInspection, url: string): boolean {
  if (Object.hasOwn(fn, "caller")) return !types.isAsyncFunction(fn);
  if (/^(?:class\b|function\b(?!\s*\*))/.test(source)) return false;
  return isSloppyAt(inspection, url, textOf(fn)) === true;
}

function firstThatCompiles(
  source: string,
  sloppy: boolean,
  names: readonly string[],
  title: string,
): { form: Form; used: Set<string> } {
  const unsendable = unsendablePart(source);
  if (unsendable) throw unsendableSource(title, new SyntaxError(unsendable));
  let failure: Error | undefined;
  for (const form of formsOf(source, sloppy)) {
    try {
      return { form, used: namesUsedBy(form, form.meta ? [...names, form.meta] : names) };
    } catch (error) {
      if (!isSyntaxError(error)) throw error;
      if (!failure || /private|new\.target/i.test(error.message)) failure = error;
    }
  }
  throw unsendableSource(title, failure);
}

/** By name: in a vm context (vitest's vmThreads) the class is another one. */
const isSyntaxError = (error: unknown): error is SyntaxError =>
  (error as Error | null)?.name === "SyntaxError";

function unsendableSource(title: string, failure: Error | undefined): ShipError {
  return new ShipError(
    "ERR_SHIP_SOURCE",
    `Cannot send function ${title} to a worker thread: its source does not stand by itself (${clauseOf(failure)}). ` +
      "Methods that use super or #private members cannot travel alone: call them in a function that creates their object, or " +
      bringFunction("name"),
    { cause: failure },
  );
}

function namesUsedBy({ text, strict }: Form, names: readonly string[]): Set<string> {
  const declarations = names.length > 0 ? `let ${names.join(",")};` : "";
  const script = new Script(
    `(function(){${strict ? '"use strict";' : ""}${declarations}return()=>${text}})`,
    { filename: "threadloop:probe" },
  );
  const probe = (script.runInThisContext() as () => object)();
  const inspection = inspect(probe);
  const used =
    inspection.kind === "code"
      ? inspection.scopes.filter(({ kind }) => kind === "Closure" || kind === "Block")
      : [];
  return new Set(used.flatMap(({ variables }) => Object.keys(variables)));
}

/** Names around the function that occur in its text at all. */
function namesInScope(scopes: readonly Scope[], source: string, url: string): string[] {
  const names = new Set<string>();
  for (const { kind, variables } of scopes) {
    if (kind !== "Global") for (const name of Object.keys(variables)) names.add(name);
  }
  // What the REPL, `node -e` and eval define at their top level is a property of globalThis.
  if (!/^(file|https?|data|node):/.test(url)) for (const name of ownGlobals()) names.add(name);
  const text = decoded(source);
  return [...names].filter((name) => isVariable(name) && text.includes(name));
}

const isVariable = (name: string): boolean =>
  IDENTIFIER.test(name) && !/^(arguments|this|undefined|eval)$/.test(name);

function ownGlobals(): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(globalThis))
    .filter(([, property]) => property.enumerable && "value" in property && !isGlobal(property.value))
    .map(([name]) => name);
}

function isGlobal(value: unknown): boolean {
  return (
    (typeof value === "function" || (typeof value === "object" && value !== null)) &&
    globalReference(value) !== null
  );
}

/**
 * The parent of a class is its prototype, whatever expression it was; the expression itself captures nothing once the
 * class exists. Its end is the first brace behind which the rest still is a class body.
 */
function withParentVariable(source: string, parent: string): string {
  const head = extendsSomething.exec(source)?.[0] ?? "";
  for (let brace = source.indexOf("{", head.length); brace !== -1; brace = source.indexOf("{", brace + 1)) {
    const candidate = `${head} ${parent} ${source.slice(brace)}`;
    if (compiles(`(function(${parent}){return()=>(${candidate})})`)) return candidate;
  }
  return source;
}

function compiles(text: string): boolean {
  try {
    new Script(text);
    return true;
  } catch {
    return false;
  }
}

/** V8's location of a function that is no arrow function and no class is that of its parameters. */
function startOf(source: string, { line, column }: CodeInspection): { line: number; column: number } {
  if (isArrow.test(source) || source.startsWith("class")) return { line, column };
  const before = source.slice(0, Math.max(0, source.indexOf("(")));
  const breaks = before.split("\n").length - 1;
  return breaks === 0
    ? { line, column: Math.max(0, column - before.length) }
    : { line: line - breaks, column: 0 };
}

function importMeta(url: string): Record<string, string> {
  if (!url.startsWith("file:")) return { url };
  const dirname = fileURLToPath(new URL(".", url)).replace(/(?<=.)[/\\]$/, "");
  return { url, filename: fileURLToPath(url), dirname };
}
