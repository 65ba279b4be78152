/**
 * These are options that nobody reads: a name that is misspelt would do nothing, and nobody would be told. As in
 * Python, where a keyword that a function does not have is a TypeError. Only own enumerable names count, and symbols
 * do not: what an options object inherits, or is marked with, was not written into it.
 */
import { got } from "./errors.ts";
import { printable } from "./printable.ts";

/** The names of the options of something; `optionNames` makes it. */
export type OptionNames = ReadonlySet<string>;

/** The names of all options of an interface, which the compiler checks to be all. */
export function optionNames<Options extends object>(
  names: {
    readonly [Name in keyof Required<Options>]: true;
  },
): OptionNames {
  return new Set(Object.keys(names));
}

/** Throws TypeError when `options` is no object, or has a name that `owner` does not know. */
export function checkOptionNames(owner: string, options: unknown, known: OptionNames): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected \`options\` to be an object, got ${got(options)}`);
  for (const name in options)
    if (!known.has(name) && Object.hasOwn(options, name)) refuseOption(owner, name, known);
}

/** What finds the known name that was probably meant; null until it is needed elsewhere too, see `misspelt`. */
let nearestName: ((name: string, known: OptionNames) => string | null) | null = null;

export function setNearestName(nearest: (name: string, known: OptionNames) => string | null): void {
  nearestName = nearest;
}

/** Says that an option is unknown, and what else was meant. */
export function refuseOption(owner: string, name: string, known: OptionNames): never {
  const meant = nearestName === null ? null : nearestName(name, known);
  const hint = meant === null ? `its options are ${[...known].join(", ")}` : `did you mean \`${meant}\`?`;
  throw new TypeError(`Option \`${shortened(name)}\` is unknown to ${owner}: ${hint}`);
}

/** A name may be anything, of any length. */
function shortened(name: string): string {
  const text = printable(name);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
