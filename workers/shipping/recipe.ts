// This is what crosses to another thread in place of a function: plain data that structured clone carries. A recipe
// is code in the end: it must only ever come from a thread of the same process.

import type { Prints } from "./fingerprint.ts";

/** Stands for the address of what this package exports, in programs that were bundled. */
export const OWN_EXPORTS = "threadloop:exports";

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

/** A value in a module. */
export type ModuleReference = ModuleAddress & {
  readonly path: Path;
  /** The name was read off a binding of the module; whether it is exported is not known. */
  readonly guessed?: boolean;
  /** What was found there: what a worker finds must be the same. */
  readonly prints?: Prints;
  /** When the file had been modified last as this thread referred to it first, in milliseconds. */
  readonly modified?: number;
};

/** Where another thread finds the same value by itself. */
export type Reference =
  | ModuleReference
  /** A value that every thread has: `Math.max`. */
  | { readonly kind: "global"; readonly path: Path }
  /** A function declared with `task(url, name, fn)`. */
  | { readonly kind: "declared"; readonly url: string; readonly name: string };

/** A function by value: its source, and what it closes over. Nodes name each other by number; the first is the function. */
export interface Copy {
  readonly kind: "copy";
  readonly nodes: readonly CopyNode[];
}

/** How to make a function in another thread. */
export type Recipe = Reference | Copy;

/** A primitive, or the number of a node in brackets. */
export type Slot = string | number | bigint | boolean | null | undefined | readonly [number];

/** The source of a function as another thread compiles it: once per place in a file. */
export interface SourceText {
  /** An expression whose value is the function, or `{ method() {} }` when `method` is set. */
  readonly source: string;
  readonly method: boolean;
  readonly isClass: boolean;
  readonly strict: boolean;
  /** Where the source starts in its file (from 0), so that stack traces show the user's lines. */
  readonly url: string;
  readonly line: number;
  readonly column: number;
  /** The file is a translation: its positions mean nothing to the user before `mapStack`. */
  readonly translated: boolean;
  /** The static #private fields of a class, which are set through `name`, one of `names`. */
  readonly privates?: { readonly name: string; readonly fields: readonly string[] };
  /** How many of the last `names` a class needs as it is made. */
  readonly needed?: number;
  /** The variables that it needs from outside. */
  readonly names: readonly string[];
  /** Those of them that are constants here, where `eval` may try to assign them. */
  readonly constants?: readonly string[];
  /** The function for people: `render (file:///app/pages.js:3:8)`. */
  readonly title: string;
}

/** A value that structured clone alone cannot carry; `data` is one that it can. */
export type CopyNode =
  | { readonly kind: "data"; readonly value: unknown }
  | { readonly kind: "buffer"; readonly value: Uint8Array }
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "symbol"; readonly key: string }
  | { readonly kind: "require"; readonly url: string }
  /** A context variable: its default is a value of this copy. */
  | { readonly kind: "contextvar"; readonly name: string; readonly key: string; readonly default?: Slot }
  | {
      readonly kind: "array";
      readonly items: readonly Slot[];
      /** The indices at which there is nothing. */
      readonly holes?: readonly number[];
      /** Of one that has more holes than items: these are among the properties. */
      readonly length?: number;
      readonly properties?: readonly Property[];
      readonly integrity?: Integrity;
    }
  /** The `arguments` of a call. */
  | { readonly kind: "arguments"; readonly items: readonly Slot[] }
  | { readonly kind: "regexp"; readonly source: string; readonly flags: string; readonly lastIndex: number }
  /** A WeakMap or WeakSet: those entries whose keys are among the nodes, as nobody can ask for others. */
  | { readonly kind: "weak"; readonly isMap: boolean; readonly entries: (readonly [Slot, Slot])[] }
  /** The `prototype` of a function. */
  | { readonly kind: "prototype"; readonly of: Slot }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Slot, Slot])[] }
  | { readonly kind: "set"; readonly items: readonly Slot[] }
  | {
      readonly kind: "object";
      readonly prototype?: Slot;
      readonly properties: readonly Property[];
      readonly integrity?: Integrity;
    }
  /** An object of a class: `base` is what structured clone makes of it, or absent for an ordinary object. */
  | {
      readonly kind: "instance";
      readonly of: Slot;
      readonly base?: Slot;
      readonly properties: readonly Property[];
      readonly integrity?: Integrity;
    }
  /** `new Constructor(...args)`. */
  | { readonly kind: "constructed"; readonly constructor: Slot; readonly args: readonly Slot[] }
  | { readonly kind: "bound"; readonly target: Slot; readonly self: Slot; readonly args: readonly Slot[] }
  /** Variables that several functions share, and that one of them assigns. */
  | {
      readonly kind: "scope";
      readonly parent?: Slot;
      readonly strict: boolean;
      readonly url: string;
      readonly names: readonly string[];
      readonly values: readonly Slot[];
    }
  | {
      readonly kind: "code";
      readonly code: SourceText;
      readonly name: string;
      /** The values of `code.names`. */
      readonly values: readonly Slot[];
      /** Where it was written, if it shares variables of that: the `shared` ones of `code.names`. */
      readonly scope?: Slot;
      readonly shared?: readonly number[];
      readonly properties: readonly Property[];
      /** What was put on its `prototype`. */
      readonly methods?: readonly Property[];
      readonly integrityOfPrototype?: Integrity;
      /** Members of its text that it has no more: static ones, and those of the prototype. */
      readonly removed?: { readonly own: readonly Slot[]; readonly ofPrototype: readonly Slot[] };
      /** What it inherits from, where its source does not tell; and what its `prototype` inherits from. */
      readonly parent?: Slot;
      readonly parentOfPrototype?: Slot;
      /** The values of `code.privates`. */
      readonly privates?: readonly Slot[];
      readonly integrity?: Integrity;
      /** The `this` of the place where an arrow function was written, where that is known. */
      readonly self?: Slot;
      /** The `arguments` of the function around an arrow function that uses them. */
      readonly args?: Slot;
    };

/**
 * [key, value] of an ordinary property; a symbol key is a node. With attributes that are not ordinary also those, as the
 * sum of `ENUMERABLE` and the like; then an accessor has [key, getter, attributes, setter].
 */
export type Property = readonly [Slot, Slot, number?, Slot?];

export const ENUMERABLE = 1;
export const CONFIGURABLE = 2;
export const WRITABLE = 4;
export const ACCESSOR = 8;
/** The attributes of what an assignment makes. */
export const ORDINARY: number = ENUMERABLE | CONFIGURABLE | WRITABLE;

/** What may not be done to an object any more. */
export type Integrity = "frozen" | "sealed" | "closed";

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
