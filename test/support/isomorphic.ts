// This tells whether two values are the same to a program: equal types, equal parts, and what is one object here is
// one there.

import { inspect, types } from "node:util";

type Pair = readonly [path: string, left: unknown, right: unknown];

/** The path to the first difference, or null when there is none. */
export function differenceOf(left: unknown, right: unknown): string | null {
  const matched = new Map<object, object>();
  const open: Pair[] = [["value", left, right]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [path, a, b] = pair;
    if (!isObject(a) || !isObject(b)) {
      if (!Object.is(a, b)) return `${path}: ${inspect(a)} and ${inspect(b)}`;
    } else if (!matched.has(a)) {
      matched.set(a, b);
      const difference = shallowDifference(a, b);
      if (difference !== null) return `${path} ${difference}`;
      open.push(...childrenOf(path, a, b));
    } else if (matched.get(a) !== b) return `${path} is not the same object as before`;
  }
  return null;
}

function shallowDifference(a: object, b: object): string | null {
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return "has another class";
  if (faceOf(a) !== faceOf(b)) return `is ${faceOf(a)} and ${faceOf(b)}`;
  if (partsOf(a).length !== partsOf(b).length) return "has other parts";
  const [here, there] = [shapeOf(a), shapeOf(b)];
  return here === there ? null : `has ${here} and ${there}`;
}

/** The keys, and which of them are enumerable. */
function shapeOf(object: object): string {
  return keysOf(object)
    .map((key) => `${String(key)}:${Object.getOwnPropertyDescriptor(object, key)?.enumerable}`)
    .join();
}

function childrenOf(path: string, a: object, b: object): Pair[] {
  const [here, there] = [partsOf(a), partsOf(b)];
  const value = (object: object, key: PropertyKey) =>
    Object.getOwnPropertyDescriptor(object, key)?.value as unknown;
  return [
    ...here.map((part, i): Pair => [`${path} part ${i}`, part, there[i]]),
    ...keysOf(a).map((key): Pair => [`${path}.${String(key)}`, value(a, key), value(b, key)]),
  ];
}

/** What shows of an object that is not in its properties. */
function faceOf(object: object): string {
  if (object instanceof DOMException) return ["name", "message"].map((key) => hidden(object, key)).join();
  if (object instanceof Date) return String(object.getTime());
  if (object instanceof Headers) return JSON.stringify([...object]);
  if (object instanceof URLSearchParams || object instanceof URL || object instanceof RegExp)
    return String(object);
  if (types.isBoxedPrimitive(object)) return String(object.valueOf());
  if (ArrayBuffer.isView(object))
    return Buffer.from(object.buffer, object.byteOffset, object.byteLength).toString("hex");
  if (types.isArrayBuffer(object)) return Buffer.from(object).toString("hex");
  return "";
}

/** What the class's getter says, whatever properties of its own the object has. */
function hidden(object: DOMException, key: string): string {
  return Reflect.get(DOMException.prototype, key, object) as string;
}

function partsOf(object: object): unknown[] {
  if (object instanceof Map) return [...object].flat();
  return object instanceof Set ? [...object] : [];
}

/** Without the stack, which the way adds to; symbols in the order of their names. */
function keysOf(object: object): PropertyKey[] {
  if (
    ArrayBuffer.isView(object) ||
    object instanceof URL ||
    object instanceof Headers ||
    object instanceof URLSearchParams
  )
    return [];
  return Reflect.ownKeys(object)
    .filter((key) => key !== "stack")
    .sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
