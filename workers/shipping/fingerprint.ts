// Both sides have this: whether the function or object that a worker found under a name is the one that was handed
// over. An exported variable may have been assigned since, a function of an exported object replaced, or the file
// changed on disk. The source texts tell, as numbers; of functions that another function made, what they close over
// tells as well. A module's own variables are not compared: they are each thread's own.
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { enclosedBy } from "./enclosed.ts";
import { hashOf } from "./hash.ts";
import { mayInspect } from "./inspector.ts";
import { functionsOf, type Member, propertyOf, prototypeOf } from "./members.ts";

const fingerprints = new WeakMap<object, number>();

/** A number for the source text of a function, with the length in the upper bits. */
export function fingerprint(fn: object): number {
  let print = fingerprints.get(fn);
  if (print === undefined) {
    const text = Function.prototype.toString.call(fn);
    print = (text.length % 2 ** 20) * 2 ** 32 + hashOf(text);
    fingerprints.set(fn, print);
  }
  return print;
}

/** What tells a function, or an object or class with functions, from another one. */
export interface Prints {
  /** The source text, if it is a function. */
  readonly print?: number;
  /** Of the functions that it has itself, by their names; of very many one number. Another thread may have more. */
  readonly members?: readonly (readonly [string, number, Member["part"]?])[] | number;
  /** Of all functions of its `prototype`. */
  readonly methods?: number;
  /** What all of these close over, but for what is at the top of their module. */
  readonly enclosed?: number;
}

/** More functions than these are told by one number for all of them. */
const MOST_LISTED = 64;

/**
 * The prints of a value. `used`: those of its properties that are used; `isTop`: it is known to have been written at the
 * top of its module.
 */
export function printsOf(
  value: object,
  used: readonly string[] | undefined,
  { isTop }: { isTop: boolean },
): Prints {
  // Most functions have nothing of their own.
  if (isTop && isBare(value)) return { print: fingerprint(value) };
  const own = functionsOf(value, used);
  const isListed = own.length <= MOST_LISTED;
  const members = isListed ? own.filter(({ key }) => typeof key === "string") : own;
  const methods = methodsOf(value);
  const enclosed = enclosedIn(value, [...members, ...(methods ?? [])], isTop);
  return {
    ...(typeof value === "function" && { print: fingerprint(value) }),
    ...(members.length > 0 && { members: isListed ? members.map(listed) : sumOf(members, fingerprint) }),
    ...(methods && { methods: sumOf(methods, fingerprint) }),
    ...(enclosed !== 0 && { enclosed }),
  };
}

/** An arrow function, a method or an async function with no more than each of them has. */
function isBare(value: object): boolean {
  if (typeof value !== "function") return false;
  const [first, second, ...others] = Reflect.ownKeys(value);
  return first === "length" && second === "name" && others.length === 0 && typeof value.name === "string";
}

const listed = ({ key, part, fn }: Member): readonly [string, number, Member["part"]?] =>
  part === "value" ? [key as string, fingerprint(fn)] : [key as string, fingerprint(fn), part];

/** Whether a value has these prints. What its functions close over is not compared where nothing tells that. */
export function hasPrints(value: unknown, prints: Prints): boolean {
  const { print, members, enclosed } = prints;
  if (print !== undefined && !(typeof value === "function" && fingerprint(value) === print)) return false;
  if (print === undefined && members === undefined) return true;
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const functions = sameFunctions(value, prints);
  if (!functions) return false;
  return enclosed === undefined || !mayInspect() || enclosedIn(value, functions) === enclosed;
}

/** The functions that a value has itself and on its `prototype`; undefined when they are others. */
function sameFunctions(value: object, { members = [], methods }: Prints): Member[] | undefined {
  const own = typeof members === "number" ? functionsOf(value) : membersNamed(value, members);
  if (!own || (typeof members === "number" && sumOf(own, fingerprint) !== members)) return undefined;
  if (methods === undefined) return own;
  const ofPrototype = methodsOf(value) ?? [];
  return sumOf(ofPrototype, fingerprint) === methods ? [...own, ...ofPrototype] : undefined;
}

/** The listed functions of a value; undefined when one is another function, or none. */
function membersNamed(
  value: object,
  members: Exclude<Prints["members"], number | undefined>,
): Member[] | undefined {
  const found: Member[] = [];
  for (const [key, print, part = "value"] of members) {
    const fn: unknown =
      part === "value" ? (value as Record<string, unknown>)[key] : propertyOf(value, key)?.[part];
    if (typeof fn !== "function" || fingerprint(fn) !== print) return undefined;
    found.push({ key, part, fn });
  }
  return found;
}

function methodsOf(value: object): Member[] | undefined {
  const prototype = typeof value === "function" ? prototypeOf(value) : undefined;
  return prototype && functionsOf(prototype);
}

function enclosedIn(value: object, members: readonly Member[], isTop = false): number {
  const own: Member[] = typeof value === "function" && !isTop ? [{ key: "", part: "value", fn: value }] : [];
  return sumOf([...own, ...members], enclosedBy);
}

/** One number for those of several functions that have one, in whatever order. */
function sumOf(members: readonly Member[], numberOf: (fn: object) => number): number {
  let sum = 0;
  for (const { key, part, fn } of members) {
    const number = numberOf(fn);
    if (number !== 0) sum = (sum + hashOf(`${part} ${String(key)} ${number}`)) % 2 ** 48;
  }
  return sum;
}

/** When the file at `url` was modified last, in milliseconds; undefined when it is none, or cannot be looked at. */
export function modificationTime(url: string): number | undefined {
  if (!url.startsWith("file:")) return undefined;
  try {
    return statSync(fileURLToPath(url), { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined; // `node --permission`
  }
}
