// Both sides: whether the function that a worker found under a name is the one that was handed over. Its source text
// tells, as a number: an exported variable may have been assigned since, a function of an exported object replaced, or
// the file changed on disk. What a function closes over is not compared: a module's state is each thread's own.
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const fingerprints = new WeakMap<object, number>();

/** A number for the source text of a function: FNV-1a, with the length in the upper bits. */
export function fingerprint(fn: object): number {
  let print = fingerprints.get(fn);
  if (print === undefined) {
    print = printOf(Function.prototype.toString.call(fn));
    fingerprints.set(fn, print);
  }
  return print;
}

function printOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (text.length % 2 ** 20) * 2 ** 32 + (hash >>> 0);
}

/** When the file at `url` was modified last, in milliseconds; undefined when it is none, or cannot be looked at. */
export function modificationTime(url: string): number | undefined {
  if (!url.startsWith("file:")) return undefined;
  try {
    return statSync(fileURLToPath(url), { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined; // `node --permission`
  }
}
