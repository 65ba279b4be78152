// What crosses to another thread in place of a function: plain data that structured clone carries.
// A recipe is code in the end: it must only ever come from a thread of the same process.

/** Any callable value. */
export type AnyFunction = (...args: never[]) => unknown;

/** The names that lead from a module's exports (or from `globalThis`) to a value; empty: the exports themselves. */
export type Path = readonly string[];

/** A module as another thread can load it. */
export type ModuleAddress =
  /** An ES module by its URL. */
  | { readonly kind: "module"; readonly url: string }
  /** A CommonJS module, through `require`. */
  | { readonly kind: "commonjs"; readonly url: string }
  /** What the file `from` gets when it imports `specifier`. */
  | { readonly kind: "imported"; readonly from: string; readonly specifier: string };

/** Where another thread finds the same value by itself. */
export type Reference =
  /** `guessed`: the name was read off a binding of the module; whether it is exported is not known. */
  | (ModuleAddress & { readonly path: Path; readonly guessed?: boolean })
  /** A value that every thread has: `Math.max`. */
  | { readonly kind: "global"; readonly path: Path }
  /** A function declared with `task(url, name, fn)`. */
  | { readonly kind: "declared"; readonly url: string; readonly name: string };

/** How to make a function in another thread. */
export type Recipe = Reference;

/** The way a module is written in messages, and its key in tables. */
export function describeModule(module: ModuleAddress): string {
  return module.kind === "imported" ? `"${module.specifier}" (imported by ${module.from})` : module.url;
}

/** The way a reference is written in messages: `file:///app/maths.js#fib`. */
export function describeReference(reference: Reference): string {
  switch (reference.kind) {
    case "global":
      return reference.path.join(".");
    case "declared":
      return `${reference.url}#${reference.name}`;
    default:
      return [
        describeModule(reference),
        ...(reference.path.length > 0 ? [reference.path.join(".")] : []),
      ].join("#");
  }
}
