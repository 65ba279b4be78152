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
    if (!known.has(name) && Object.hasOwn(options, name)) refuse(owner, name, known);
}

/** The same where options that are not ours go on to Node: throws for what looks like one of ours misspelt. */
export function checkOwnOptions(owner: string, options: object, own: OptionNames): void {
  for (const name in options) {
    if (own.has(name) || !Object.hasOwn(options, name)) continue;
    if (nearest(name, own) !== null) refuse(owner, name, own);
  }
}

function refuse(owner: string, name: string, known: OptionNames): never {
  const meant = nearest(name, known);
  const hint = meant === null ? `its options are ${[...known].join(", ")}` : `did you mean \`${meant}\`?`;
  throw new TypeError(`Option \`${shortened(name)}\` is unknown to ${owner}: ${hint}`);
}

/** A name may be anything, of any length. */
function shortened(name: string): string {
  const text = printable(name);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The known name that was probably meant, or null. */
function nearest(name: string, known: OptionNames): string | null {
  if (name.length > 40) return null;
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const one of known) {
    const edits = distance(name.toLowerCase(), one.toLowerCase());
    if (edits < least && edits < one.length - 1) [best, least] = [one, edits];
  }
  return best;
}

/** How many letters have to be changed, added, left out or swapped with their neighbour. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + (isSame ? 0 : 1),
        isSwapped ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, row] = [row, next];
  }
  return row[b.length] as number;
}
