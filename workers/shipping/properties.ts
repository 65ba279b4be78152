// These are the properties of an object among the captured values: which of them travel, and their nodes.
import { EventEmitter } from "node:events";
import { type Copying, cannotSend, within } from "./copying.ts";
import { clauseOf } from "./reason.ts";
import {
  ACCESSOR,
  CONFIGURABLE,
  ENUMERABLE,
  type Integrity,
  ORDINARY,
  type Property,
  type Slot,
  WRITABLE,
} from "./recipe.ts";

/**
 * The keys that travel. Symbols do when another thread can have the same one; others are left out where they are Node's
 * own, or not enumerable, and refused where somebody would miss them.
 */
export function keysOf(copying: Copying, object: object): (string | symbol)[] {
  return Reflect.ownKeys(object).filter((key) => {
    if (typeof key === "string" || isKnownEverywhere(key)) return true;
    if (Object.getOwnPropertyDescriptor(object, key)?.enumerable && !nodeKeys().has(key)) {
      throw cannotSend(
        copying,
        `an object with a property whose key is ${String(key)}, a symbol of this thread`,
        "Use Symbol.for(), which is the same in all threads, or a property that is not enumerable: those are left out",
      );
    }
    return false;
  });
}

/** The enumerable ones. */
export function enumerableKeysOf(copying: Copying, object: object): (string | symbol)[] {
  return keysOf(copying, object).filter((key) => Object.getOwnPropertyDescriptor(object, key)?.enumerable);
}

let keysOfNode: ReadonlySet<symbol> | undefined;

/** What Node puts on every object of a class that extends EventEmitter: an emitter works without. */
function nodeKeys(): ReadonlySet<symbol> {
  keysOfNode ??= new Set(Object.getOwnPropertySymbols(new EventEmitter()));
  return keysOfNode;
}

/** Whether all threads have this symbol. */
export const isKnownEverywhere = (key: symbol): boolean =>
  Symbol.keyFor(key) !== undefined || isWellKnown(key);

/** `Symbol.iterator` and its like. */
export function isWellKnown(symbol: symbol): boolean {
  const name = symbol.description?.replace(/^Symbol\./, "") ?? "";
  return (Symbol as unknown as Record<string, unknown>)[name] === symbol;
}

/** The properties of an object as they are: getters stay getters. */
export function propertiesOf(
  copying: Copying,
  object: object,
  keys: readonly (string | symbol)[],
): Property[] {
  return keys.map((key) => {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    const part = (value: unknown): Slot => partOf(copying, key, () => value);
    if (!descriptor || "value" in descriptor) {
      const attributes = descriptor ? attributesOf(descriptor) : ORDINARY;
      const value = descriptor
        ? part(descriptor.value)
        : partOf(copying, key, () => Reflect.get(object, key));
      return attributes === ORDINARY ? [copying.slot(key), value] : [copying.slot(key), value, attributes];
    }
    copying.stable = false;
    return [
      copying.slot(key),
      part(descriptor.get),
      attributesOf(descriptor) | ACCESSOR,
      part(descriptor.set),
    ];
  });
}

/** What the properties of an object hold at this moment: those of a namespace. */
export function valuesOf(copying: Copying, object: object, keys: readonly (string | symbol)[]): Property[] {
  return keys.map((key) => [copying.slot(key), partOf(copying, key, () => valueAt(copying, object, key))]);
}

/** What may not be done to an object any more. */
export function integrityOf(object: object): Integrity | undefined {
  if (Object.isExtensible(object)) return undefined;
  if (Object.isFrozen(object)) return "frozen";
  return Object.isSealed(object) ? "sealed" : "closed";
}

function attributesOf({ enumerable, configurable, writable }: PropertyDescriptor): number {
  return (enumerable ? ENUMERABLE : 0) | (configurable ? CONFIGURABLE : 0) | (writable ? WRITABLE : 0);
}

function partOf(copying: Copying, key: string | symbol, value: () => unknown): Slot {
  const text =
    typeof key === "string" && /^[\w$]+$/.test(key)
      ? `.${key}`
      : `[${typeof key === "string" ? JSON.stringify(key) : String(key)}]`;
  return within(copying, { kind: "property", text }, () => copying.slot(value()));
}

function valueAt(copying: Copying, object: object, key: string | symbol): unknown {
  try {
    return (object as Record<string | symbol, unknown>)[key];
  } catch (error) {
    throw cannotSend(
      copying,
      `a getter that throws (${clauseOf(error)})`,
      "Put what the function needs of the object into a variable",
      error,
    );
  }
}
