// These are the functions that an object, a class or the `prototype` of one holds itself: methods, getters, setters,
// statics.
import { types } from "node:util";

export interface Member {
  readonly key: string | symbol;
  readonly part: "value" | "get" | "set";
  readonly fn: object;
}

const PARTS = ["value", "get", "set"] as const;

/** Its own functions; `used`: those of a namespace that are used. Runs no getter. */
export function functionsOf(object: object, used?: readonly string[]): Member[] {
  if (types.isProxy(object)) return [];
  const keys = used ?? (types.isModuleNamespaceObject(object) ? [] : Reflect.ownKeys(object));
  const members: Member[] = [];
  for (const key of keys) {
    // Of a `prototype`: the class itself.
    const property = key === "constructor" ? undefined : propertyOf(object, key);
    if (!property) continue;
    for (const part of PARTS) {
      const fn: unknown = property[part];
      if (typeof fn === "function") members.push({ key, part, fn });
    }
  }
  return members;
}

/** The `prototype` of a class or function, if it is an ordinary object. */
export function prototypeOf(fn: object): object | undefined {
  const prototype: unknown = types.isProxy(fn) ? undefined : propertyOf(fn, "prototype")?.value;
  return typeof prototype === "object" && prototype !== null && !types.isProxy(prototype)
    ? prototype
    : undefined;
}

/** A namespace's binding may not be initialised yet. */
export function propertyOf(object: object, key: string | symbol): PropertyDescriptor | undefined {
  try {
    return Object.getOwnPropertyDescriptor(object, key);
  } catch {
    return undefined;
  }
}
