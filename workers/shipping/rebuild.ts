// This makes, on the worker's side, a function of this thread out of a recipe.
import { assemble } from "./assemble.ts";
import {
  type AnyFunction,
  type Copy,
  type CopyNode,
  describeReference,
  type Recipe,
  type Reference,
} from "./recipe.ts";
import { type Found, resolve } from "./resolve.ts";
import { ShipError } from "./shiperror.ts";

/** Makes the function of a recipe: at once when everything it needs is loaded in this thread, else when it is. */
export function rebuild(recipe: Recipe): AnyFunction | Promise<AnyFunction> {
  if (recipe.kind === "copy") return rebuildCopy(recipe);
  const found = resolve(recipe);
  return found instanceof Promise
    ? found.then(({ value }) => callable(value, recipe))
    : callable(found.value, recipe);
}

function callable(value: unknown, reference: Reference): AnyFunction {
  if (typeof value === "function") return value as AnyFunction;
  throw new ShipError(
    "ERR_SHIP_NO_EXPORT",
    `${describeReference(reference)} is not a function in the worker thread`,
    { reference },
  );
}

function rebuildCopy({ nodes }: Copy): AnyFunction | Promise<AnyFunction> {
  const found = new Map<CopyNode, unknown>();
  const pending: Promise<unknown>[] = [];
  for (const node of nodes) {
    if (node.kind !== "reference") continue;
    const note = ({ value }: Found): unknown => found.set(node, value);
    const value = resolveLater(node.reference);
    if (value instanceof Promise) pending.push(value.then(note));
    else note(value);
  }
  const finish = (): AnyFunction => assemble(nodes, found) as AnyFunction;
  return pending.length === 0 ? finish() : Promise.all(pending).then(finish);
}

/** What cannot be followed at once rejects as well, as what is under way beside it has to be waited for. */
function resolveLater(reference: Reference): Found | Promise<Found> {
  try {
    return resolve(reference);
  } catch (error) {
    return Promise.reject(error);
  }
}
