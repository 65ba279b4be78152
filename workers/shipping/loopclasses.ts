// These are the classes whose objects belong to a loop: locks, queues, futures. A copy of one would look alike and
// exclude nobody. The rest of the runtime is asked for when an object of a class is captured: few programs do that.
import { fileURLToPath } from "node:url";
import { Context, ContextVar, EventLoop, Future, Handle, PACKAGE_ROOT, requireFrom } from "../../src/core.ts";
import { mayRequireModules } from "./native.ts";

type Class = abstract new (...args: never[]) => object;

/** These come with every entry; tasks are futures. */
let classes: readonly Class[] = [Context, ContextVar, EventLoop, Future, Handle];
let areAll = false;

export function belongsToLoop(object: object): boolean {
  if (!areAll && mayRequireModules()) learnLoopClasses(runtime());
  return classes.some((type) => object instanceof type);
}

function runtime(): object {
  return requireFrom()(fileURLToPath(new URL("index.js", PACKAGE_ROOT))) as object;
}

export function learnLoopClasses(exports: object): void {
  areAll = true;
  classes = [...new Set([...classes, ...Object.values(exports).filter(isLoopClass)])];
}

function isLoopClass(value: unknown): value is Class {
  return typeof value === "function" && /^class\b/.test(String(value)) && !(value.prototype instanceof Error);
}
