// This tells whether a file can be written: asked beforehand, as what was measured or recorded would be lost.

import { access, constants, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Problem } from "./problem.ts";

/** Throws Problem when it cannot. */
export async function checkWritable(file: string): Promise<void> {
  try {
    const there = await stat(file).catch(() => null);
    if (there?.isDirectory()) throw new Error("it is a folder");
    await access(there === null ? dirname(resolve(file)) : file, constants.W_OK);
  } catch (error) {
    throw new Problem(`Cannot write ${file}: ${(error as Error).message}`);
  }
}
