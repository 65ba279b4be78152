// This decides, on the main side, what to send so that another thread gets the same function.
//
//   declared with task() ─ known ─ by reference (references.ts) ─ by value (copy.ts) ─ ShipError
//
// The answer is there at once when the function is known; where a module has to be looked at first, it is a promise.
import { types } from "node:util";
import { isBundled } from "../../src/core.ts";
import { bringFunction } from "./advice.ts";
import { type CopiedFunction, copyFunction } from "./copy.ts";
import { declarationOf } from "./declared.ts";
import { isEntry, isTestFile } from "./entry.ts";
import { inspect, inspectorRefusal, mayInspect } from "./inspector.ts";
import { type CallMoment, newMoment } from "./moment.ts";
import { loadParts } from "./parts.ts";
import { nameOf, titleOf } from "./plan.ts";
import { clauseOf, reasonOf } from "./reason.ts";
import { type AnyFunction, describeReference, type Recipe, type Reference } from "./recipe.ts";
import {
  isNative,
  type Lookup,
  lookUp,
  loseReference,
  lossCount,
  lostReferenceOf,
  whyLost,
} from "./references.ts";
import { ShipError } from "./shiperror.ts";
import { isCurrent, type ShipMode, type Shipment } from "./shipment.ts";
import { shipsAs, standIn } from "./standin.ts";

export { standIn } from "./standin.ts";

/** The stable shipments of functions: one by reference, one by value. */
const byReference = new WeakMap<object, Shipment & { readonly recipe: Reference }>();
const byValue = new WeakMap<object, Shipment>();
/** Shipments whose modules are being looked at. */
const underway: Record<ShipMode, WeakMap<object, Promise<Shipment>>> = {
  auto: new WeakMap(),
  reference: new WeakMap(),
  value: new WeakMap(),
};

/**
 * Finds how `fn` gets to another thread.
 *
 * @throws ShipError (or rejects with one) when it cannot, naming the function and the fix.
 */
export function ship(fn: AnyFunction, mode: ShipMode = "auto"): Shipment | Promise<Shipment> {
  const known = mode === "value" ? byValue.get(fn) : byReference.get(fn);
  if (known && isValid(known)) return known;
  const waiting = underway[mode].get(fn);
  if (waiting) return waiting;
  const loading = loadParts();
  if (loading !== null) return loading.then(() => ship(fn, mode));
  const moment = newMoment();
  const shipment = attempt(fn, mode, moment);
  if (shipment instanceof Promise && !moment.isFleeting(fn)) share(fn, mode, shipment);
  return shipment;
}

/** Whether a shipment is still that of its function, and nothing that it refers to was lost. */
function isValid(shipment: Shipment): boolean {
  const { recipe, losses } = shipment;
  return recipe.kind === "copy"
    ? losses === lossCount() && isCurrent(shipment)
    : whyLost(recipe) === undefined;
}

/** A function that is given away many times before its module was looked at is looked up once. */
function share(fn: AnyFunction, mode: ShipMode, shipment: Promise<Shipment>): void {
  const done = (): boolean => underway[mode].delete(fn);
  underway[mode].set(fn, shipment);
  shipment.then(done, done);
}

/**
 * A function that ships as `fn` does at this moment, for any number of calls: its variables are read once, and each
 * worker makes it once.
 */
export function shipOnce(fn: AnyFunction, mode: ShipMode = "auto"): AnyFunction | Promise<AnyFunction> {
  const shipment = ship(fn, mode);
  return shipment instanceof Promise
    ? shipment.then((done) => holding(fn, mode, done))
    : holding(fn, mode, shipment);
}

function holding(fn: AnyFunction, mode: ShipMode, first: Shipment): AnyFunction {
  if (first.stable) return fn;
  let losses = lossCount();
  let held: Shipment | Promise<Shipment> = { recipe: first.recipe, stable: true };
  const again = async (): Promise<Shipment> => ({ recipe: (await ship(fn, mode)).recipe, stable: true });
  return standIn(nameOf(fn), () => {
    // A worker could not load something since: what it was made of may be that.
    if (losses !== lossCount()) held = again();
    losses = lossCount();
    return held;
  });
}

/** Throws ShipError where a worker could not follow a reference. */
export function checkReference(reference: Reference): void {
  const why = whyLost(reference);
  if (why === undefined) return;
  const { code, cause } =
    why instanceof ShipError ? why : { code: "ERR_SHIP_UNREACHABLE" as const, cause: why };
  throw new ShipError(code, reasonOf(why), cause === undefined ? { reference } : { cause, reference });
}

/** What another way of shipping the function avoids. */
const AVOIDABLE: ReadonlySet<unknown> = new Set([
  "ERR_SHIP_UNREACHABLE",
  "ERR_SHIP_NO_EXPORT",
  "ERR_SHIP_OTHER_FUNCTION",
]);

/**
 * Notes that a worker could not follow a recipe. Returns whether shipping the function again may succeed: what was
 * lost is in no shipment that is made from now on.
 */
export function giveUp(recipe: Recipe, error: unknown): boolean {
  if (!(error instanceof ShipError)) return false;
  const { code, reference } = error as { code?: string; reference?: Reference };
  const lost = reference ?? (recipe.kind === "copy" ? undefined : recipe);
  if (!lost || !AVOIDABLE.has(code)) return false;
  if (whyLost(lost) === undefined) loseReference(lost, error);
  return true;
}

function attempt(fn: AnyFunction, mode: ShipMode, moment: CallMoment): Shipment | Promise<Shipment> {
  const standing = shipsAs(fn);
  if (standing) return standing();
  const reference = mode === "value" && !isNative(fn) ? null : referenceOf(fn, moment);
  if (reference instanceof Promise) return reference.then(() => attempt(fn, mode, moment));
  if (reference) return remember(byReference, fn, { recipe: reference, stable: true });
  if (mode === "reference") throw notExported(fn);
  const known = byValue.get(fn);
  if (known && isValid(known)) return known;
  if (!mayInspect()) throw notInspectable(fn);
  const copied = copyOf(fn, moment);
  if (copied instanceof Promise) return copied.then(() => attempt(fn, mode, moment));
  const { copy: recipe, stable, uses } = copied;
  const shipment: Shipment = { recipe, stable, losses: lossCount(), ...(uses.length > 0 && { uses }) };
  return stable ? remember(byValue, fn, shipment) : shipment;
}

/** A function that goes by value only because a worker could not load its module: the error then gives both reasons. */
function copyOf(fn: AnyFunction, moment: CallMoment): CopiedFunction | Promise<unknown> {
  try {
    return copyFunction(fn, moment);
  } catch (error) {
    const lost = lostReferenceOf(fn);
    if (!lost || !(error instanceof ShipError)) throw error;
    throw new ShipError(
      error.code,
      `${clauseOf(error)}. (It cannot go by reference: ${clauseOf(lost.why)})`,
      { cause: lost.why },
    );
  }
}

function referenceOf(fn: AnyFunction, moment: CallMoment): Lookup {
  const declared = declarationOf(fn);
  return declared && !isShipped(declared.url) && whyLost(declared) === undefined
    ? declared
    : lookUp(fn, moment);
}

/** Whether a thread cannot, or must not, load a file in which a function was declared. */
function isShipped(url: string): boolean {
  return isTestFile(url) || (isBundled() && isEntry(url));
}

function remember<S extends Shipment>(shipments: WeakMap<object, S>, fn: AnyFunction, shipment: S): S {
  shipments.set(fn, shipment);
  return shipment;
}

function notExported(fn: AnyFunction): ShipError {
  const name = placeOf(fn);
  const lost = lostReferenceOf(fn);
  return new ShipError(
    "ERR_SHIP_NOT_EXPORTED",
    lost
      ? `Function ${name} cannot be sent as ${describeReference(lost.reference)}, and \`ship: "reference"\` forbids to copy it: ${reasonOf(lost.why)}`
      : `Function ${name} is not an export of a module that a worker thread can import, and \`ship: "reference"\` forbids to copy it. ` +
          (isBundled()
            ? "This program was bundled, so its functions travel by value only: leave the option out"
            : `Export it, or declare it with task(import.meta.url, "${fn.name || "name"}", fn)`),
    lost && { cause: lost.why },
  );
}

/** The function for people, with its place where that can be told. */
function placeOf(fn: AnyFunction): string {
  const inspection = mayInspect() && !types.isProxy(fn) ? inspect(fn) : undefined;
  return inspection?.kind === "code" ? titleOf(fn, inspection) : nameOf(fn);
}

/** Nothing tells the place of a function without the inspector: the beginning of its source must do. */
function sourceHead(fn: AnyFunction): string {
  const [head] = /^.{0,60}/.exec(Function.prototype.toString.call(fn))!;
  return `\`${head}\``;
}

function notInspectable(fn: AnyFunction): ShipError {
  return new ShipError(
    "ERR_SHIP_NO_INSPECTOR",
    `Cannot send function ${nameOf(fn)}, ${sourceHead(fn)}, to a worker thread: it is no export that its callers import, and ` +
      `${whyBlind()}, so closures cannot travel. ${capitalised(bringFunction("name"))}${orPermit()}`,
    { cause: inspectorRefusal() },
  );
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function whyBlind(): string {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return "Bun tells no program what its functions close over";
  if (deno !== undefined) return "Deno tells no program what its functions close over";
  return "this process may not inspect its own functions";
}

/** Under `--permission`, Node 24 and later have a flag for the inspector. */
function orPermit(): string {
  const isPermitted = process.permission?.has("inspector") !== false;
  return isPermitted || !process.allowedNodeEnvironmentFlags.has("--allow-inspector")
    ? ""
    : ", or start the program with --allow-inspector";
}
