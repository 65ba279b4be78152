/**
 * This finds the option that was meant where one is misspelt. It comes with what takes many options, a loop's
 * connections and pools: a bundle of a program without them names all options there are instead.
 */
import {
  checkOptionNames as checkNames,
  type OptionNames,
  refuseOption,
  setNearestName,
} from "./optionnames.ts";

/** Has errors of unknown options say which one was probably meant. */
export function suggestOptionNames(): void {
  setNearestName(nearest);
}

/** `checkOptionNames` of options that may well be misspelt. */
export function checkOptionNames(owner: string, options: unknown, known: OptionNames): void {
  suggestOptionNames();
  checkNames(owner, options, known);
}

/** The same where options that are not ours go on to Node: throws for what looks like one of ours misspelt. */
export function checkOwnOptions(owner: string, options: object, own: OptionNames): void {
  suggestOptionNames();
  for (const name in options) {
    if (own.has(name) || !Object.hasOwn(options, name)) continue;
    if (nearest(name, own) !== null) refuseOption(owner, name, own);
  }
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
