// The properties of an object among the captured values: which of them travel, and their nodes.
import { type Copying, cannotSend, within } from "./copying.ts";
import type { Property } from "./recipe.ts";

/** Symbol keys travel when another thread can have the same symbol. */
export function keysOf(object: object): (string | symbol)[] {
  return Reflect.ownKeys(object).filter((key) => {
    if (!Object.getOwnPropertyDescriptor(object, key)?.enumerable) return false;
    return typeof key === "string" || Symbol.keyFor(key) !== undefined || isWellKnown(key);
  });
}

/** `Symbol.iterator` and its like. */
export function isWellKnown(symbol: symbol): boolean {
  const name = symbol.description?.replace(/^Symbol\./, "") ?? "";
  return (Symbol as unknown as Record<string, unknown>)[name] === symbol;
}

/** The properties of an object, with their names. */
export function propertiesOf(
  copying: Copying,
  object: object,
  keys: readonly (string | symbol)[],
): Property[] {
  return keys.map((key) => {
    const text =
      typeof key === "string" && /^[\w$]+$/.test(key)
        ? `.${key}`
        : `[${typeof key === "string" ? JSON.stringify(key) : String(key)}]`;
    return [
      copying.slot(key),
      within(copying, { kind: "property", text }, () => copying.slot(valueAt(copying, object, key))),
    ] as const;
  });
}

/** What a getter gives at this moment, too. */
function valueAt(copying: Copying, object: object, key: string | symbol): unknown {
  try {
    return (object as Record<string | symbol, unknown>)[key];
  } catch (error) {
    throw cannotSend(
      copying,
      `a getter that throws (${String((error as { message?: unknown } | null)?.message ?? error)})`,
      "Put what the function needs of the object into a variable",
      error,
    );
  }
}
