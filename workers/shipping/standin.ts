// A function of this thread that stands for one which only workers have: `pool.module(url).render` is such a one. It
// ships as what it stands for, whatever the mode, and cannot be called here.
import type { AnyFunction, Reference } from "./recipe.ts";

const standIns = new WeakMap<AnyFunction, Reference>();

/** A function that ships as the export `name` of the module at `url`. */
export function standInFor(url: string, name: string): AnyFunction {
  const refuse = (): never => {
    throw new Error(`${name} of ${url} can only be called through its pool`);
  };
  const standIn = Object.defineProperty(refuse, "name", { value: name });
  standIns.set(standIn, { kind: "module", url, path: [name] });
  return standIn;
}

/** What a function stands for, if it is a stand-in. */
export function standsFor(fn: AnyFunction): Reference | undefined {
  return standIns.get(fn);
}
