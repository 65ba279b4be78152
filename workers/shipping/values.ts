// This is what kind of thing a captured value is: data that structured clone carries as it is, or something to take
// apart.

import { types } from "node:util";
import { isCarrier } from "./carrier.ts";

export type CaptureKind =
  | "array"
  | "map"
  | "set"
  /** A WeakMap or WeakSet. */
  | "weak"
  /** The `arguments` of a call. */
  | "arguments"
  | "buffer"
  /** A module's exports. */
  | "namespace"
  /** A plain object. */
  | "plain"
  /** Dates, typed arrays, errors, ...: structured clone carries them, without their class. */
  | "builtin"
  /** An object of some class. */
  | "instance"
  /** Bound to its thread for good. */
  | "stuck";

const BUILTIN = [
  types.isDate,
  types.isRegExp,
  types.isAnyArrayBuffer,
  types.isBoxedPrimitive,
  types.isNativeError,
];
const STUCK = [types.isProxy, types.isPromise, types.isGeneratorObject, types.isSymbolObject];

export function kindOf(object: object): CaptureKind {
  if (STUCK.some((is) => is(object)) || object instanceof WeakRef) return "stuck";
  if (types.isWeakMap(object) || types.isWeakSet(object)) return "weak";
  if (types.isModuleNamespaceObject(object)) return "namespace";
  if (types.isArgumentsObject(object)) return "arguments";
  if (Array.isArray(object)) return "array";
  if (types.isMap(object)) return "map";
  if (types.isSet(object)) return "set";
  if (Buffer.isBuffer(object)) return "buffer";
  if (ArrayBuffer.isView(object) || BUILTIN.some((is) => is(object))) return "builtin";
  if (isPlainPrototype(Object.getPrototypeOf(object))) return "plain";
  return isIterator(object) ? "stuck" : "instance";
}

const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;

/** Iterators of the language: of arrays, Maps, matches, and what their helpers make. */
export function isIterator(object: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === null || !Object.prototype.isPrototypeOf.call(iterators, object)) return false;
  const next: unknown = Object.getOwnPropertyDescriptor(prototype, "next")?.value;
  return typeof next === "function" && /\[native code\]/.test(Function.prototype.toString.call(next));
}

/** The prototype of object literals, of this or of another vm context, or none. */
function isPlainPrototype(prototype: object | null): boolean {
  if (prototype === null || prototype === Object.prototype) return true;
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, "constructor") &&
    className(prototype) === "Object"
  );
}

/** The prototype that an object of this built-in kind has when no class extends it. */
export function isOwnPrototype(object: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === null) return false;
  const { constructor: type } = prototype;
  return (
    typeof type === "function" &&
    type.prototype === prototype &&
    /\[native code\]/.test(Function.prototype.toString.call(type))
  );
}

/** The name of an object's class, for messages. */
export function className(object: object): string {
  if (types.isProxy(object)) return "Proxy";
  try {
    return (object.constructor as { name?: string } | undefined)?.name || "Object";
  } catch {
    return "Object";
  }
}

/**
 * About how many bytes a value takes, when structured clone carries all of it; undefined when something in it needs
 * more than that (a function, an object of a class, a symbol).
 */
export function dataSize(value: unknown, seen: Set<object> = new Set()): number | undefined {
  if (typeof value === "string") return value.length * 2;
  if (typeof value === "symbol" || typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return 8;
  if (seen.has(value)) return 8;
  seen.add(value);
  switch (kindOf(value)) {
    case "array":
      return arraySize(value as unknown[], seen);
    case "set":
      return isBare(value) ? sumOf(value as Set<unknown>, seen) : undefined;
    case "map":
      return isBare(value) ? sumOfPairs(value as Map<unknown, unknown>, seen) : undefined;
    case "plain":
      return propertiesSize(value, seen);
    case "builtin":
      return isBare(value) ? builtinSize(value) : undefined;
    default:
      return instanceSize(value);
  }
}

/** Whether an object of the language's own classes is of no other class, and has nothing that was put on it. */
const isBare = (object: object): boolean => isOwnPrototype(object) && addedKeys(object).length === 0;

/** The keys of what was put on a Map, Set, Date, RegExp, ...; typed arrays and errors are not asked. */
export function addedKeys(object: object): string[] {
  if (ArrayBuffer.isView(object) || types.isNativeError(object)) return [];
  const given = types.isStringObject(object) ? object.length : 0;
  return Object.keys(object).slice(given);
}

function arraySize(array: unknown[], seen: Set<object>): number | undefined {
  return isOwnPrototype(array) && !hasMoreThanItems(array) && Object.isExtensible(array)
    ? sumOf(isSparse(array) ? Object.values(array) : array, seen)
    : undefined;
}

/** So many holes are walked through at most, beyond half as many as there are items before them. */
const FEW_HOLES = 1000;

/** Whether an array has very many holes: there may be billions. */
export function isSparse(array: unknown[]): boolean {
  let holes = 0;
  for (let at = 0; at < array.length; at++) {
    if (array[at] === undefined && !(at in array) && ++holes > FEW_HOLES + at / 2) return true;
  }
  return false;
}

/** Whether an array has other properties, as the match of a RegExp has. Only short ones do: long ones are not asked. */
export function hasMoreThanItems(array: unknown[]): boolean {
  if (array.length > 100) return false;
  const last = Object.keys(array).at(-1);
  return last !== undefined && !/^\d+$/.test(last);
}

function instanceSize(value: object): number | undefined {
  return isCarrier(value) ? 64 : undefined;
}

function sumOf(items: Iterable<unknown>, seen: Set<object>): number | undefined {
  let sum = 16;
  for (const item of items) {
    // Most big arrays hold numbers.
    const size = typeof item === "number" ? 8 : dataSize(item, seen);
    if (size === undefined) return undefined;
    sum += size;
  }
  return sum;
}

function sumOfPairs(pairs: Map<unknown, unknown>, seen: Set<object>): number | undefined {
  const keys = sumOf(pairs.keys(), seen);
  const values = keys === undefined ? undefined : sumOf(pairs.values(), seen);
  return values === undefined ? undefined : keys! + values;
}

function propertiesSize(object: object, seen: Set<object>): number | undefined {
  if (Object.getPrototypeOf(object) === null || !Object.isExtensible(object)) return undefined;
  let sum = 16;
  for (const key of Reflect.ownKeys(object)) {
    const property = Object.getOwnPropertyDescriptor(object, key)!;
    if (typeof key === "symbol" || !(property.writable && property.enumerable && property.configurable))
      return undefined;
    const size = dataSize(property.value, seen);
    if (size === undefined) return undefined;
    sum += key.length * 2 + size;
  }
  return sum;
}

function builtinSize(value: object): number | undefined {
  if (types.isRegExp(value) && value.lastIndex !== 0) return undefined;
  if (types.isNativeError(value)) return isBareError(value) ? 64 : undefined;
  if (
    types.isSharedArrayBuffer(value) ||
    (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer))
  )
    return 0;
  if (types.isArrayBuffer(value) || ArrayBuffer.isView(value))
    return isDetached(value) ? undefined : value.byteLength;
  return 64;
}

/** Whether structured clone carries all of an error: it drops own properties, and may refuse the cause. */
function isBareError(error: object): boolean {
  return Object.keys(error).length === 0 && hiddenParts(error).length === 0;
}

/** The own properties of errors that are not enumerable. */
export function hiddenParts(error: object): string[] {
  return ["cause", "errors"].filter(
    (key) => Object.getOwnPropertyDescriptor(error, key)?.enumerable === false,
  );
}

/** Whether the bytes behind it were transferred to another thread. */
export function isDetached(value: object): boolean {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (!types.isArrayBuffer(buffer) || buffer.byteLength > 0) return false;
  try {
    structuredClone(buffer); // Node 20 has no `detached`
    return false;
  } catch {
    return true;
  }
}
