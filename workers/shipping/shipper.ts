// This says how a function gets to a thread, loaded when the first one is given away: a thread starts meanwhile, and
// a program that only imports the package does not wait for it.
import { calledFrom, callSites } from "./callsites.ts";
import { declarationOf } from "./declared.ts";
import { LateModule } from "./latemodule.ts";
import { learnLoopClasses } from "./loopclasses.ts";
import { nearbyReference } from "./nearby.ts";
import type { AnyFunction, Recipe, Reference } from "./recipe.ts";
import type * as Ship from "./ship.ts";
import type { ShipMode, Shipment } from "./shipment.ts";
import { shipsAs, standIn } from "./standin.ts";

type Shipping = typeof Ship;

/** What comes by `import`, and the exports of this package. */
export interface LaterParts {
  readonly shipping: Shipping;
  readonly exports: object;
}

let importLater: () => Promise<LaterParts>;

const later = new LateModule<Shipping>(
  "workers/shipping/ship.js",
  (found) => found.standIn === standIn,
  async () => {
    const { shipping, exports } = await importLater();
    learnLoopClasses(exports);
    return shipping;
  },
);

/** What was found without it. */
const early = new WeakMap<AnyFunction, Shipment>();

/** Says what imports it where it cannot be had at once. */
export function setLaterLoader(loader: () => Promise<LaterParts>): void {
  importLater = loader;
}

/** `ship` of shipping, which is not needed for what a caller imports. */
export function ship(fn: AnyFunction, mode: ShipMode = "auto"): Shipment | Promise<Shipment> {
  const without = later.isLoaded ? null : shipEarly(fn, mode);
  if (without !== null) return without;
  return withShipping((shipping) => shipping.ship(fn, mode));
}

function shipEarly(fn: AnyFunction, mode: ShipMode): Shipment | Promise<Shipment> | null {
  const standing = shipsAs(fn);
  if (standing !== undefined) return standing();
  if (mode === "value" || declarationOf(fn) !== undefined) return null;
  const known = early.get(fn);
  if (known !== undefined) return known;
  const reference = nearbyReference(fn);
  if (reference === null) return null;
  const shipment: Shipment = { recipe: reference, stable: true };
  early.set(fn, shipment);
  return shipment;
}

/** `shipOnce` of shipping. */
export function shipOnce(fn: AnyFunction, mode: ShipMode = "auto"): AnyFunction | Promise<AnyFunction> {
  return withShipping((shipping) => shipping.shipOnce(fn, mode));
}

/** `giveUp` of shipping. */
export function giveUp(recipe: Recipe, error: unknown): boolean {
  return later.exports?.giveUp(recipe, error) ?? false;
}

/** A function that ships as an export of the module at `url`, which this thread need not load. */
export function moduleExport(url: string, name: string): AnyFunction {
  const reference: Reference = { kind: "module", url, path: [name] };
  const shipment: Shipment = { recipe: reference, stable: true };
  return standIn(name, () => {
    if (later.isLoaded) later.exports?.checkReference(reference);
    return shipment;
  });
}

function withShipping<T>(use: (shipping: Shipping) => T | Promise<T>): T | Promise<T> {
  const shipping = later.exports;
  if (shipping !== null) return use(shipping);
  const sites = callSites();
  return later.import().then((there) => calledFrom(sites, () => use(there)));
}

later.expect();
