// Worker side: a recipe becomes a function of this thread.
import { type AnyFunction, describeReference, type Recipe } from "./recipe.ts";
import { resolve } from "./resolve.ts";
import { ShipError } from "./shiperror.ts";

/** Makes the function of a recipe: at once when everything it needs is loaded in this thread, else when it is. */
export function rebuild(recipe: Recipe): AnyFunction | Promise<AnyFunction> {
  const found = resolve(recipe);
  return found instanceof Promise
    ? found.then(({ value }) => callable(value, recipe))
    : callable(found.value, recipe);
}

function callable(value: unknown, recipe: Recipe): AnyFunction {
  if (typeof value === "function") return value as AnyFunction;
  throw new ShipError(
    "ERR_SHIP_NO_EXPORT",
    `${describeReference(recipe)} is not a function in the worker thread`,
    {
      reference: recipe,
    },
  );
}
