// This is what goes with a reference so that a worker can tell whether it found the same function there.
import { fileText } from "./filetext.ts";
import { modificationTime, printsOf } from "./fingerprint.ts";
import { OWN_EXPORTS, type Reference } from "./recipe.ts";

/**
 * A reference with what a worker needs to tell whether it found the same function there, or an object with the same
 * functions (`used`: those of a namespace that are used). A guessed one was translated differently here.
 */
export function comparable(value: object, reference: Reference, used?: readonly string[]): Reference {
  if (reference.kind === "global" || reference.kind === "declared" || reference.guessed) return reference;
  if ("url" in reference && isEverywhere(reference.url)) return reference;
  const prints = printsOf(value, used, { isTop: isAtTop(value, reference) });
  if (prints.print === undefined && prints.members === undefined) return reference;
  const modified = reference.kind === "imported" ? undefined : modifiedAt(reference.url);
  return modified === undefined ? { ...reference, prints } : { ...reference, prints, modified };
}

/** Node's modules, and what this package exports, are the same in each thread. */
const isEverywhere = (url: string): boolean => url.startsWith("node:") || url === OWN_EXPORTS;

/** Whether the text of its module shows that a function was written at its top: then the inspector need not be asked. */
function isAtTop(value: object, reference: Reference): boolean {
  if (reference.kind !== "module" || typeof value !== "function") return false;
  const text = fileText(reference.url);
  if (text === null) return false;
  const source = Function.prototype.toString.call(value);
  let at = text.indexOf(source);
  if (at === -1) return false;
  // Others may have the same source: all of them have to be at the top.
  for (; at !== -1; at = text.indexOf(source, at + 1))
    if (!EXPORTED.test(text.slice(Math.max(0, at - 100), at))) return false;
  return true;
}

/** What stands before a function that is exported where it is written. */
const EXPORTED = /(?:^|\n)export\s+(?:default\s+|(?:const|let|var)\s+[\w$]+\s*=\s*)?$/;

const modifications = new Map<string, number | undefined>();

/** When a file had been modified last as this was asked first. */
function modifiedAt(url: string): number | undefined {
  if (!modifications.has(url)) modifications.set(url, modificationTime(url));
  return modifications.get(url);
}
