// This says how a function gets to a thread, loaded when the first one is given away: a thread starts meanwhile, and
// a program that only imports the package does not wait for it.
//
// It is loaded at once, by `require`, so that captured variables are read at the moment of the call. Where that would give
// another instance of the package it comes by `import`, and a call that is made before it is there waits for it: in a
// program that was bundled, in a vm context (as Jest has them), in a Node whose `require` takes no ES modules.
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT, requireFrom } from "../../src/core.ts";
import { calledFrom, callSites } from "./callsites.ts";
import { declarationOf } from "./declared.ts";
import { learnLoopClasses } from "./loopclasses.ts";
import { isForeignRealm, mayRequireModules } from "./native.ts";
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
let loaded: Shipping | null = null;
let loading: Promise<Shipping> | null = null;

/** What was found without it. */
const early = new WeakMap<AnyFunction, Shipment>();

/** Says what imports it where it cannot be had at once. */
export function setLaterLoader(loader: () => Promise<LaterParts>): void {
  importLater = loader;
}

/** `ship` of shipping, which is not needed for what a caller imports. */
export function ship(fn: AnyFunction, mode: ShipMode = "auto"): Shipment | Promise<Shipment> {
  const without = loaded === null ? shipEarly(fn, mode) : null;
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
  const shipping = load();
  return shipping instanceof Promise ? false : shipping.giveUp(recipe, error);
}

/** A function that ships as an export of the module at `url`, which this thread need not load. */
export function moduleExport(url: string, name: string): AnyFunction {
  const reference: Reference = { kind: "module", url, path: [name] };
  const shipment: Shipment = { recipe: reference, stable: true };
  return standIn(name, () => {
    loaded?.checkReference(reference);
    return shipment;
  });
}

function withShipping<T>(use: (shipping: Shipping) => T | Promise<T>): T | Promise<T> {
  const shipping = load();
  if (!(shipping instanceof Promise)) return use(shipping);
  const sites = callSites();
  return shipping.then((there) => calledFrom(sites, () => use(there)));
}

function load(): Shipping | Promise<Shipping> {
  loaded ??= loadAtOnce();
  return loaded ?? loadLater();
}

function loadAtOnce(): Shipping | null {
  if (!mayRequireModules()) return null;
  const found = requireFrom()(fileURLToPath(new URL("workers/shipping/ship.js", PACKAGE_ROOT))) as Shipping;
  return found.standIn === standIn ? found : null;
}

function loadLater(): Promise<Shipping> {
  loading ??= importShipping();
  return loading;
}

/** The promise of `import` itself may be one of another realm. */
async function importShipping(): Promise<Shipping> {
  const { shipping, exports } = await importLater();
  learnLoopClasses(exports);
  loaded = shipping;
  return shipping;
}

if (isForeignRealm)
  void Promise.resolve()
    .then(loadLater)
    .catch(() => {}); // it is told to whoever ships
