// Files and lines, as they are shown.

import { relative } from "node:path";
import type { CodePlace } from "./diagnosis.ts";

/** File and line, from here. */
export function where({ file, line }: CodePlace): string {
  if (file === "") return "";
  return `${pathOf(file)}:${line}`;
}

/** A path that is short from here, where it is one. */
export function pathOf(file: string): string {
  const short = relative(process.cwd(), file);
  return file.startsWith("/") && !short.startsWith("..") ? short : file;
}
