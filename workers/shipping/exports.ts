// This finds which functions can be reached by name from a module's exports, and by which names. They are found by
// identity, so that renamed, re-exported, nested and default exports need no rules of their own.
import type { Path } from "./recipe.ts";

/** How far below the exports a function may lie: `api.users.render` is 3 deep. */
const DEPTH = 3;
/** A module whose exports hold a big table of objects is not searched for ever. */
const MOST_OBJECTS = 5_000;

/** The functions right among the exports. Runs no getter: in many packages they load more modules. */
export function directExports(exports: object): Map<object, Path> {
  const found = new Map<object, Path>();
  if (typeof exports === "function") found.set(exports, []);
  for (const [name, value] of members(exports, false)) {
    if (typeof value === "function" && !found.has(value)) found.set(value, [name]);
  }
  return found;
}

/**
 * All functions within reach: static methods, functions in exported objects. Runs the getters among the exports
 * themselves, through which transpiled CommonJS exports; so it is only for the module that a function is known to be from.
 */
export function deepExports(exports: object, { getters = true } = {}): Map<object, Path> {
  const found = new Map<object, Path>();
  if (typeof exports === "function") found.set(exports, []);
  const seen = new Set<object>([exports]);
  let level: Place[] = [{ value: exports, path: [] }];
  for (let depth = 0; depth < DEPTH; depth++) {
    level = level.flatMap((place) => below(place, seen, getters && depth === 0));
    for (const { value, path } of level) if (typeof value === "function") found.set(value, path);
  }
  return found;
}

interface Place {
  readonly value: object;
  readonly path: Path;
}

/** What a value holds that was not seen before. */
function below({ value: owner, path }: Place, seen: Set<object>, readGetters: boolean): Place[] {
  const places: Place[] = [];
  for (const [name, value] of members(owner, readGetters)) {
    if (!isSearched(value) || seen.has(value) || seen.size > MOST_OBJECTS) continue;
    seen.add(value);
    places.push({ value, path: [...path, name] });
  }
  return places;
}

function isSearched(value: unknown): value is object {
  return (
    typeof value === "function" ||
    (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value))
  );
}

function* members(owner: object, readGetters: boolean): Generator<[string, unknown]> {
  for (const name of Object.getOwnPropertyNames(owner)) {
    if (name === "caller" || name === "arguments") continue;
    const value = member(owner, name, readGetters);
    if (value !== undefined) yield [name, value];
  }
}

/** Undefined also where reading fails: a binding that is not initialised yet, a getter that throws. */
function member(owner: object, name: string, readGetters: boolean): unknown {
  try {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property && "value" in property) return property.value;
    return readGetters ? (owner as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}
