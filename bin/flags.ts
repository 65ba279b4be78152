// This is what is given on the command line: numbers, and options that a command does not have.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { Problem } from "./problem.ts";

/** Reads the command line; throws Problem, with the usage, for what is not among these options. */
export function flagsOf<T extends ParseArgsConfig>(
  config: T,
  usage: string,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Problem(`${(error as Error).message}\n${usage}`);
  }
}

/** A positive integer; throws Problem for anything else. */
export function positive(name: string, text: string | undefined): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Problem(
    `Expected ${name} to be a positive integer, got ${text === undefined ? "nothing" : `\`${text}\``}`,
  );
}
