// These are the texts of the program's files as they are on disk, for what V8 does not tell of a function. The last
// few are kept, as the functions that are handed over one after the other are most often of a few files.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LruMap } from "./lrumap.ts";

/** Null: no file, or not to be read. */
const texts = new LruMap<string, string | null>(32);

export function fileText(url: string): string | null {
  let text = texts.get(url);
  if (text === undefined) {
    text = read(url);
    texts.set(url, text);
  }
  return text;
}

function read(url: string): string | null {
  if (!url.startsWith("file:")) return null;
  try {
    return readFileSync(fileURLToPath(url), "utf8");
  } catch {
    return null;
  }
}
