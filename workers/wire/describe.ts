// These are words for values that may be anything: a Proxy whose traps throw, a getter that throws, a name that is a
// symbol. Looking at such a value runs its code. Invariant: nothing here throws, whatever it is given.

import { types } from "node:util";
import { printable } from "../../src/core.ts";

const UNNAMED = "anonymous";

/** The name of a function, where it has one that is a text. */
export function functionName(fn: unknown, otherwise: string = UNNAMED): string {
  return attempt(() => {
    const { name } = fn as { name?: unknown };
    return typeof name === "string" && name !== "" ? printable(name) : otherwise;
  }, otherwise);
}

/** What kind of thing a value is that structured clone refuses. */
export function kindOf(value: unknown): string {
  if (types.isProxy(value)) return "a Proxy";
  if (typeof value === "function") return `a function (${functionName(value)})`;
  if (typeof value === "symbol") return `a symbol (${String(value)})`;
  if (typeof value !== "object" || value === null) return `\`${String(value)}\``;
  if (types.isGeneratorObject(value)) return "a running generator (pool.stream() brings what one yields)";
  if (types.isArrayBuffer(value) || ArrayBuffer.isView(value))
    return "a buffer that is detached, as it was moved to another thread before";
  const name = functionName(
    attempt(() => value.constructor, undefined),
    "",
  );
  return name === "Object" || name === "" ? "an object that cannot be cloned" : `an instance of ${name}`;
}

/** The key of a Map's entry. */
export function keyOf(key: unknown): string {
  return (typeof key === "object" && key !== null) || typeof key === "function" ? kindOf(key) : String(key);
}

function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
