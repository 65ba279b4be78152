// Both sides have this: what a function closes over that another function made, as a number. Two closures of one
// factory have the same source; the settings that they were made with tell them apart. Objects are not compared, nor
// what the function itself assigns: those are its state, and each thread has its own.
import { hashOf } from "./hash.ts";
import { type CodeInspection, inspect, mayInspect, type Scope, valueIn } from "./inspector.ts";

/** As they were when each was asked about first. */
const known = new WeakMap<object, number>();

/** How far functions are followed that are closed over: those that a wrapper wraps, and what these wrap. */
const DEPTH = 2;
/** So many functions are looked at for one, at most. */
const MOST_FUNCTIONS = 32;

/** 0: nothing, or nothing that can be told. */
export function enclosedBy(fn: object): number {
  let number = known.get(fn);
  if (number === undefined) {
    const text = mayInspect() ? textOf(fn, DEPTH, { left: MOST_FUNCTIONS }) : "";
    number = text === "" ? 0 : hashOf(text);
    known.set(fn, number);
  }
  return number;
}

/** As little compared as any other object. */
const NOTHING = {};

interface Budget {
  left: number;
}

function textOf(fn: object, depth: number, budget: Budget): string {
  if (budget.left-- <= 0) return "";
  const inspection = inspect(fn);
  if (inspection.kind === "native") return "";
  const describe = (value: unknown): string => (value === fn ? "" : valueText(value, depth, budget));
  if (inspection.kind === "bound") {
    const { target, self, args } = inspection;
    return [target, self, ...args].map(describe).join();
  }
  const source = Function.prototype.toString.call(fn);
  const texts: string[] = [];
  const seen = new Set<string>();
  for (const scope of scopesMade(inspection)) {
    for (const name of Object.keys(scope.variables)) {
      if (seen.has(name) || !isRead(name, source)) continue;
      seen.add(name);
      const text = describe(valueIn(scope, name, NOTHING));
      if (text !== "") texts.push(`${name}=${text}`);
    }
  }
  return texts.join();
}

function valueText(value: unknown, depth: number, budget: Budget): string {
  if (typeof value === "function") {
    const inner = depth > 0 ? textOf(value, depth - 1, budget) : "";
    return `${hashOf(Function.prototype.toString.call(value))}(${inner})`;
  }
  if (typeof value === "symbol" || (typeof value === "object" && value !== null)) return "";
  return `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`;
}

/** The scopes that were made by calls: not those of modules. A CommonJS module's own is the outermost of the others. */
function scopesMade({ scopes }: CodeInspection): Scope[] {
  const made = scopes.filter(({ kind }) => !/^(Module|Script|Global)$/.test(kind));
  return scopes.some(({ kind }) => kind === "Module") ? made : made.slice(0, -1);
}

/** Whether a source names a variable and does not seem to assign it. */
function isRead(name: string, source: string): boolean {
  if (!source.includes(name)) return false;
  const written = name.replaceAll("$", "\\$");
  const word = `(?<![\\w$.])${written}(?![\\w$])`;
  if (!new RegExp(word).test(source)) return false;
  return !new RegExp(`${word}\\s*(?:[-+*/%&|^?<>]{0,3}=(?![=>])|\\+\\+|--)|(?:\\+\\+|--)\\s*${written}`).test(
    source,
  );
}
