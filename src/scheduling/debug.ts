/**
 * This is what debug mode knows and says: where things were made, and warnings about what is legal but rarely meant.
 * Each warning is a Node process warning with a code, and names the task and the place.
 */
import { shown } from "../errors/errors.ts";
import { emitWarning } from "../errors/warning.ts";
import { isOwn } from "../platform/node/place.ts";
import type { ExceptionContext } from "./events.ts";

/** The codes of the warnings. */
export type WarningCode =
  | "THREADLOOP_SLOW_CALLBACK"
  | "THREADLOOP_SWALLOWED_CANCEL"
  | "THREADLOOP_LATE_CANCEL"
  | "THREADLOOP_NEVER_AWAITED"
  | "THREADLOOP_SLOW_END";

const origins = new WeakMap<object, string>();

/** Whether any loop was ever in debug mode: asking a loop costs what making a future must not. */
export const debugging = { everOn: process.env.THREADLOOP_DEBUG === "1" };

/** Remembers that the thing is made here: the frames of the caller outside the runtime. */
export function rememberOrigin(thing: object): void {
  origins.set(thing, placeOf(new Error()));
}

/** Where the thing was made, as `at function (file:line:column)`, or an empty string when debug mode was off. */
export function originOf(thing: object): string {
  return origins.get(thing) ?? "";
}

/** Adds to what an exception handler gets where the thing was made, if that is known. */
export function withOrigin(context: ExceptionContext, thing: object): ExceptionContext {
  const place = originOf(thing);
  return place === "" ? context : { ...context, sourceTraceback: place };
}

/** The frames of a stack that are not the runtime's own. */
export function userFrames(error: Error): string[] {
  const lines = stackOf(error).filter((line) => /^\s+at /.test(line));
  return lines.map((line) => line.trim()).filter((line) => !isOwn(line) && !line.includes("(node:"));
}

/** Emits a warning with a place where one is known. */
export function warn(code: WarningCode, message: string, place = ""): void {
  emitWarning(code, place === "" ? message : `${message}\n    created ${place}`);
}

/** Reports a callback or step that has taken so many milliseconds. */
export function warnSlow(entry: object, took: number): void {
  warn("THREADLOOP_SLOW_CALLBACK", `Executing ${shown(entry)} took ${took.toFixed(0)} ms`, originOf(entry));
}

/** Says which tasks wait for ever. */
export function describeStuck(tasks: readonly object[]): string {
  return `Nothing can wake the event loop any more; ${tasks.length} tasks wait for ever:${linesOf(tasks)}`;
}

/** Tasks as they show themselves, in a line each. */
export function linesOf(tasks: Iterable<object>): string {
  return Array.from(tasks, (task) => `\n  ${shown(task)}`).join("");
}

/** The lines of a stack, which `Error.prepareStackTrace` of the application may make anything of, or refuse. */
function stackOf(error: Error): string[] {
  try {
    const stack: unknown = error.stack;
    if (Array.isArray(stack)) return stack.map((site) => `    at ${site}`);
    return typeof stack === "string" ? stack.split("\n") : [];
  } catch {
    return [];
  }
}

function placeOf(error: Error): string {
  return userFrames(error)[0] ?? "";
}
