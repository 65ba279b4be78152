// A shipment is what shipping a function results in.
import type { UsedExport } from "./copying.ts";
import { functionsOf, propertyOf } from "./members.ts";
import type { Recipe } from "./recipe.ts";

/** Which ways a function may travel: `auto` by reference or else by value, or only one of the two. */
export type ShipMode = "auto" | "reference" | "value";

/** A function on its way to other threads. */
export interface Shipment {
  /** What `rebuild` makes the function from in another thread. */
  readonly recipe: Recipe;
  /** True: the same for every call (and the same object each time), so send it once and then by number. False: a snapshot for this call. */
  readonly stable: boolean;
  /** The exports that a stable one refers to, as they were: with another one assigned it is no longer the function. */
  readonly uses?: readonly UsedExport[];
  /** How many references had been lost when a copy was made. */
  readonly losses?: number;
}

/** Whether the exports that a shipment refers to are what they were. */
export function isCurrent({ uses = [] }: Shipment): boolean {
  return uses.every((use) => {
    if ("exports" in use) return Object.is(Reflect.get(use.exports, use.name), use.value);
    if ("functions" in use) return hasAsMany(use);
    const { key, part, fn } = use.member;
    return (part === "value" ? Reflect.get(use.holder, key) : propertyOf(use.holder, key)?.[part]) === fn;
  });
}

/** Whether no function was added: an object may get data at each call. */
function hasAsMany(use: Extract<UsedExport, { functions: number }>): boolean {
  const properties = Reflect.ownKeys(use.holder).length;
  if (properties === use.properties) return true;
  if (functionsOf(use.holder).length !== use.functions) return false;
  use.properties = properties;
  return true;
}
