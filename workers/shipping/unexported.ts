// This is what a module keeps to itself: a class by which it knows its own objects, a table, a mark. Such a value
// goes by value. If functions of its module went by reference beside it, the thread would have two of it, the copy
// and the one that the module makes there, and `instanceof` or `===` would say no where here they say yes. So the
// functions of that module, and of those that import it, go by value as well, and there is one.
import { fileURLToPath, pathToFileURL } from "node:url";
import { types } from "node:util";
import { isOwn, requireFrom } from "../../src/core.ts";
import { shippedCodeOf } from "./code.ts";
import type { Copying, Referred, Shipped } from "./copying.ts";
import { isEntry } from "./entry.ts";
import { knownText, moduleText } from "./imports.ts";
import { inspect, mayInspect, valueIn } from "./inspector.ts";
import { functionsOf, propertyOf, prototypeOf } from "./members.ts";
import type { CopyNode, Reference, Slot } from "./recipe.ts";
import { scriptUrl } from "./scripts.ts";

/** What the variables around the functions of a file held when each function was met first. */
interface Home {
  readonly url: string;
  readonly values: WeakSet<object>;
  /** Those that hold others: a module may know its own objects by what it noted. */
  readonly holders: Set<WeakRef<object>>;
}

/** What travels by value of modules that are referred to. */
export interface Entangled {
  /** The files whose functions have to go by value as well. */
  readonly urls: readonly string[];
  /** A class among it: the module may tell its objects from others. */
  readonly type?: Shipped;
}

const { cache } = requireFrom();
const homes = new Map<string, Home>();
const homeOfFunction = new WeakMap<object, Home | null>();
/** So many functions of one object tell where it is from. */
const MOST_ASKED = 8;
/** An array with more items is not looked through. */
const MOST_ITEMS = 1_000;
/** So many files are followed from one that is referred to. */
const MOST_FILES = 1_000;
const reached = new Map<string, boolean>();

/** Finds it in a finished copy; adds to `pending` what has to be read first. */
export function entangledIn(copying: Copying): Entangled {
  const referred = copying.referred.filter(({ reference }) => isOfTheProgram(reference));
  if (referred.length === 0) return { urls: [] };
  const types = copying.shipped.filter((shipped) => isType(copying, shipped));
  const urls = new Set<string>();
  let type: Shipped | undefined;
  for (const shipped of types) {
    const { url } = shipped.plan.code;
    const users = usersOf(copying, referred, url);
    if (users.length === 0) continue;
    type ??= shipped;
    for (const user of [url, ...users]) urls.add(user);
  }
  for (const home of homesOf(copying, referred)) if (holdsOneOf(home, copying)) urls.add(home.url);
  return { urls: [...urls].filter((url) => !copying.apart.has(url)), ...(type && { type }) };
}

/** Whether a value that could go by reference is of one of the files whose functions go by value. */
export function isApart({ apart }: Copying, referred: Referred): boolean {
  return apart.size > 0 && urlsOf(referred).some((url) => apart.has(url));
}

/** Node's modules and the globals have nothing of the program, and this package nothing that travels. */
const isOfTheProgram = (reference: Reference): boolean =>
  reference.kind !== "global" && !("url" in reference && /^(node|threadloop):/.test(reference.url));

/** A class, or a function that objects of the shipment are made by. */
function isType({ nodes }: Copying, { number, plan }: Shipped): boolean {
  const { url, isClass } = plan.code;
  if (isEntry(url) || shippedCodeOf(url)) return false;
  if (isClass) return true;
  const isThis = (slot: Slot): boolean => Array.isArray(slot) && slot[0] === number;
  const node = nodes[number] as Extract<CopyNode, { kind: "code" }>;
  return (
    node.properties.some(([key]) => key === "prototype") ||
    nodes.some((other) => (other.kind === "instance" || other.kind === "prototype") && isThis(other.of))
  );
}

/** The files of what is referred to that are this one, or lead to it by their imports. */
function usersOf(copying: Copying, referred: readonly Referred[], url: string): string[] {
  const files = new Set(referred.flatMap(urlsOf));
  return [...files].filter((file) => file === url || leadsTo(copying, file, url));
}

function leadsTo(copying: Copying, from: string, to: string): boolean {
  const key = `${from} ${to}`;
  const known = reached.get(key);
  if (known !== undefined) return known;
  const before = copying.pending.length;
  const found = follow(copying, from, to);
  if (found || copying.pending.length === before) reached.set(key, found);
  return found;
}

function follow(copying: Copying, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const url of seen) {
    if (url === to) return true;
    if (seen.size > MOST_FILES) return false;
    for (const next of importsOf(copying, url)) seen.add(next);
  }
  return false;
}

/** The files that a file imports or requires. */
function importsOf(copying: Copying, url: string): string[] {
  if (!url.startsWith("file:")) return [];
  const required = cache[fileURLToPath(url)];
  // ES modules are there as well if they were required, or where Jest runs them, without what they import.
  if (required && required.children.length > 0)
    return required.children.map(({ filename }) => pathToFileURL(filename).href);
  const text = knownText(url);
  if (!text) {
    copying.pending.push(moduleText(url));
    return [];
  }
  return text.imports.flatMap(({ module }) => {
    if (module.kind !== "imported") return module.url;
    try {
      return pathToFileURL(requireFrom(module.from).resolve(module.specifier)).href;
    } catch {
      return []; // no file that can be required
    }
  });
}

/** Where what is referred to was written, and where it was found. */
function urlsOf({ value, used, reference }: Referred): string[] {
  const own = "url" in reference ? [reference.url] : [];
  return [...own, ...functionsFrom(value, used).flatMap((fn) => homeOf(fn)?.url ?? [])];
}

function homesOf(copying: Copying, referred: readonly Referred[]): Set<Home> {
  const travelling = copying.numbers.size > 1;
  if (!travelling) return new Set();
  return new Set(
    referred.flatMap(({ value, used }) => functionsFrom(value, used).flatMap((fn) => homeOf(fn) ?? [])),
  );
}

/** Functions that are, or are in, what is referred to. */
function functionsFrom(value: object, used: readonly string[] | undefined): object[] {
  if (types.isProxy(value)) return [];
  if (typeof value === "function") return [value];
  const names = used ?? (types.isModuleNamespaceObject(value) ? Object.keys(value) : undefined);
  const found = functionsOf(value, names);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const type: unknown = propertyOf(prototype as object, "constructor")?.value;
    if (typeof type === "function") found.push({ key: "constructor", part: "value", fn: type });
  }
  return found.slice(0, MOST_ASKED).map(({ fn }) => fn);
}

function homeOf(fn: object): Home | null {
  let home = homeOfFunction.get(fn);
  if (home === undefined) {
    home = types.isProxy(fn) || !mayInspect() ? null : lookedUp(fn);
    homeOfFunction.set(fn, home);
  }
  return home;
}

function lookedUp(fn: object): Home | null {
  const inspection = inspect(fn);
  if (inspection.kind !== "code") return null;
  const url = scriptUrl(inspection.scriptId);
  if (!url.startsWith("file:") || isOwn(url) || isEntry(url)) return null;
  const home = homes.get(url) ?? { url, values: new WeakSet(), holders: new Set() };
  homes.set(url, home);
  for (const scope of inspection.scopes) {
    if (scope.kind === "Global") continue;
    for (const name of Object.keys(scope.variables)) note(home, valueIn(scope, name));
  }
  return home;
}

function note({ values, holders }: Home, value: unknown): void {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return;
  if (isHolder(value) && !values.has(value)) holders.add(new WeakRef(value));
  values.add(value);
  const prototype = typeof value === "function" && prototypeOf(value);
  if (prototype) values.add(prototype);
}

/** Whether something that goes by value is, or is held by, the value of a variable of a file that is referred to. */
function holdsOneOf({ values, holders }: Home, { numbers, nodes }: Copying): boolean {
  const held = [...holders].flatMap((holder) => holder.deref() ?? []);
  for (const [object, number] of numbers) {
    if (number === 0 || !isCopied(nodes[number]!)) continue;
    if (values.has(object) || held.some((holder) => has(holder, object))) return true;
  }
  return false;
}

/** Whether the thread gets another one than its module has. */
function isCopied(node: CopyNode): boolean {
  if (node.kind === "regexp") return /[gy]/.test(node.flags);
  return !/^(reference|symbol|require|contextvar)$/.test(node.kind);
}

const isHolder = (value: object): boolean =>
  types.isWeakMap(value) ||
  types.isWeakSet(value) ||
  types.isMap(value) ||
  types.isSet(value) ||
  Array.isArray(value);

/** By the methods of the language: a class that extends one may have others. */
function has(holder: object, object: object): boolean {
  if (types.isProxy(holder)) return false;
  if (types.isWeakMap(holder)) return WeakMap.prototype.has.call(holder, object);
  if (types.isWeakSet(holder)) return WeakSet.prototype.has.call(holder, object);
  if (types.isMap(holder)) return Map.prototype.has.call(holder, object) || holdsValue(holder, object);
  if (types.isSet(holder)) return Set.prototype.has.call(holder, object);
  const items = holder as unknown[];
  return items.length <= MOST_ITEMS && holdsItem(items, object);
}

/** An item may be a getter that throws. */
function holdsItem(items: unknown[], object: object): boolean {
  try {
    return Array.prototype.includes.call(items, object);
  } catch {
    return false;
  }
}

function holdsValue(map: Map<unknown, unknown>, object: object): boolean {
  if (map.size > MOST_ITEMS) return false;
  for (const value of Map.prototype.values.call(map)) if (value === object) return true;
  return false;
}
