// These are functions that say themselves where they live: `task(import.meta.url, "name", fn)`. Every thread that
// evaluates the module fills a table of its own, and a worker looks there, not among the exports: so a declared
// function survives renaming, minifying and tree shaking. The table hangs on globalThis, so that two copies of this
// package in one thread share it.
import { emitWarning, isBundled } from "../../src/core.ts";
import { moduleUrl } from "./moduleurl.ts";
import type { AnyFunction, Reference } from "./recipe.ts";

type Declaration = Extract<Reference, { kind: "declared" }>;

interface Table {
  readonly functions: Map<string, AnyFunction>;
  readonly declarations: WeakMap<AnyFunction, Declaration>;
}

const TABLE = Symbol.for("threadloop.declared");

function table(): Table {
  const holder = globalThis as { [TABLE]?: Table };
  holder[TABLE] ??= { functions: new Map(), declarations: new WeakMap() };
  return holder[TABLE];
}

/**
 * Declares a function that worker threads find by name, and returns it unchanged: it stays callable as itself.
 *
 * A worker that needs it imports the module `url` once and takes the function that this call registered there, so
 * the call belongs at the top level of the module. Nothing is inspected: it works in every environment, in bundles too
 * (the chunk that contains it is then evaluated in the worker: guard what only the main thread shall do with
 * `if (isMainThread)`).
 *
 * @param url `import.meta.url` of the module (`__filename` in CommonJS).
 * @param name a name that no other declared function of the module has.
 * @throws TypeError when `url` is not the URL or absolute path of a module, `name` is empty, or `fn` is no function.
 *
 * @example
 * ```ts
 * import { isMainThread } from "node:worker_threads";
 * import { run, runInExecutor, task } from "threadloop";
 *
 * export const fib = task(import.meta.url, "fib", (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2)));
 *
 * if (isMainThread) {
 *   await run(async () => console.log(await runInExecutor(fib, 20))); // 6765
 * }
 * ```
 */
export function task<F extends AnyFunction>(url: string | URL, name: string, fn: F): F {
  if (url === undefined && isBundled()) return fn; // a bundle in CommonJS: it goes by value
  const declaration: Declaration = { kind: "declared", url: moduleUrl(url), name };
  if (typeof name !== "string" || name === "")
    throw new TypeError(`Expected \`name\` to be a non-empty string, got ${show(name)}`);
  if (typeof fn !== "function")
    throw new TypeError(`Expected \`fn\` of task "${name}" to be a function, got ${show(fn)}`);
  warnOfSecond(declaration, fn);
  table().functions.set(key(declaration.url, name), fn);
  table().declarations.set(fn, declaration);
  return fn;
}

/** The declaration of a function, if `task` made one in this thread. */
export function declarationOf(fn: object): Declaration | undefined {
  return table().declarations.get(fn as AnyFunction);
}

/** The function that this thread declared under a name, once its module was evaluated. */
export function declaredFunction(url: string, name: string): AnyFunction | undefined {
  return table().functions.get(key(url, name));
}

/** The names that a module declared in this thread. */
export function declaredNames(url: string): string[] {
  const prefix = key(url, "");
  return [...table().functions.keys()].filter((k) => k.startsWith(prefix)).map((k) => k.slice(prefix.length));
}

const key = (url: string, name: string): string => `${url}#${name}`;

const show = (value: unknown): string => `\`${String(value)}\` (${typeof value})`;

/**
 * A module that is evaluated again (a watcher) declares the same functions again; two functions of one name are a mistake.
 * Not in a bundle, whose modules have one address: there each goes by value.
 */
function warnOfSecond(declaration: Declaration, fn: AnyFunction): void {
  const first = declaredFunction(declaration.url, declaration.name);
  if (first === undefined || first === fn || String(first) === String(fn) || isBundled()) return;
  emitWarning(
    "THREADLOOP_TASK_NAME",
    `${declaration.url} declares two tasks named "${declaration.name}"; workers run the last one. Give each task a name of its own.`,
  );
}
