// A shipment is what shipping a function results in.
import type { UsedExport } from "./copying.ts";
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
