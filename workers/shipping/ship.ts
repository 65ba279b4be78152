// Main side: what to send so that another thread gets the same function.
//
//   declared with task() ─ known ─ by reference (references.ts)
//
// Synchronous whenever the function is known; the first time a module has to be looked at, a promise.
import { declarationOf } from "./declared.ts";
import { type Moment, newMoment } from "./moment.ts";
import { type AnyFunction, describeReference, type Recipe, type Reference } from "./recipe.ts";
import { lookUp, loseReference, whyLost } from "./references.ts";
import { ShipError } from "./shiperror.ts";

/** Which ways a function may travel: `auto` by reference or else by value, or only one of the two. */
export type ShipMode = "auto" | "reference" | "value";

/** A function on its way to other threads. */
export interface Shipment {
  /** What `rebuild` makes the function from in another thread. */
  readonly recipe: Recipe;
  /** True: the same for every call (and the same object each time), so send it once and then by number. False: a snapshot for this call. */
  readonly stable: boolean;
}

const shipments = new WeakMap<object, { shipment: Shipment; reference: Reference }>();

/**
 * Finds how `fn` gets to another thread.
 *
 * @throws ShipError when it cannot, naming the function and the fix.
 */
export function ship(fn: AnyFunction, mode: ShipMode = "auto"): Shipment | Promise<Shipment> {
  const known = shipments.get(fn);
  if (known && mode !== "value" && whyLost(known.reference) === undefined) return known.shipment;
  return attempt(fn, mode, newMoment());
}

/** Notes that a worker could not follow a recipe. Returns whether shipping the function again may succeed. */
export function giveUp(recipe: Recipe, error: unknown): boolean {
  const { code, reference = recipe } = error as { code?: string; reference?: Reference };
  if (code !== "ERR_SHIP_UNREACHABLE" && code !== "ERR_SHIP_NO_EXPORT") return false;
  if (whyLost(reference) !== undefined) return false;
  loseReference(reference, error);
  return true;
}

function attempt(fn: AnyFunction, mode: ShipMode, moment: Moment): Shipment | Promise<Shipment> {
  const declared = declarationOf(fn);
  if (declared && mode !== "value" && whyLost(declared) === undefined) return byReference(fn, declared);
  const found = lookUp(fn, moment);
  if (found instanceof Promise) return found.then(() => attempt(fn, mode, moment));
  if (found) return byReference(fn, found);
  const why = declared && whyLost(declared);
  throw new ShipError(
    "ERR_SHIP_NOT_EXPORTED",
    `Function ${fn.name || "(anonymous)"} is not an export of a module that a worker thread can import. Export it, or declare it with ` +
      `task(import.meta.url, "${fn.name || "name"}", fn)${declared && why instanceof Error ? ` (${describeReference(declared)}: ${why.message})` : ""}`,
    { cause: why },
  );
}

function byReference(fn: AnyFunction, reference: Reference): Shipment {
  const known = shipments.get(fn);
  if (known?.reference === reference) return known.shipment;
  const shipment: Shipment = { recipe: reference, stable: true };
  shipments.set(fn, { shipment, reference });
  return shipment;
}
