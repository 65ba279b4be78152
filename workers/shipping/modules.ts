// These are the modules that this thread has loaded, and what they export. An ES module's exports can only be had by
// importing it again, which gives the same instance: so only modules that are known to be loaded may be asked for
// here.

import { clearTimeout, setTimeout } from "node:timers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { requireFrom } from "../../src/core.ts";
import { deepExports, directExports } from "./exports.ts";
import { importAs } from "./importas.ts";
import { describeModule, type ModuleAddress, OWN_EXPORTS, type Path, type Reference } from "./recipe.ts";

/** A loaded module and its exports: a namespace, or `module.exports`. */
export interface LoadedModule {
  readonly address: ModuleAddress;
  readonly exports: object;
}

/** A module in its own top-level await may be waiting for us: then importing it would wait for ever. */
const IMPORT_PATIENCE = 100;

const { cache } = requireFrom();
/** null: could not be imported, or is still being evaluated. */
const modules = new Map<string, LoadedModule | null>();
const exploring = new Map<string, Promise<LoadedModule | null>>();
const exported = new WeakMap<object, Reference>();
const deep = new WeakMap<LoadedModule, Map<object, Path>>();

/** The export of an explored module that a function is. */
export function exportedAs(value: object): Reference | undefined {
  return exported.get(value);
}

/** What this package exports, where it is no module that a thread could import: each thread has its own. */
export function learnOwn(exports: object): void {
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === "function") exported.set(value, { kind: "module", url: OWN_EXPORTS, path: [name] });
  }
}

/** A module that was explored: null when it cannot be referred to (yet), undefined when it was not explored. */
export function exploredModule(address: ModuleAddress): LoadedModule | null | undefined {
  return modules.get(describeModule(address));
}

/** The module whose exports this object is. */
export function moduleOfExports(exports: object): LoadedModule | undefined {
  for (const module of modules.values()) if (module?.exports === exports) return module;
  for (const path in cache) {
    if (cache[path]?.exports === exports) return commonjsModule(pathToFileURL(path).href) ?? undefined;
  }
  return undefined;
}

/** A CommonJS module in `require.cache`. */
export function commonjsModule(url: string): LoadedModule | null {
  if (!url.startsWith("file:")) return null;
  const exports: unknown = cache[fileURLToPath(url)]?.exports;
  if ((typeof exports !== "object" || exports === null) && typeof exports !== "function") return null;
  const known = modules.get(url);
  if (known?.exports === exports) return known;
  return learn({ address: { kind: "commonjs", url }, exports });
}

/** Imports a loaded ES module again, to learn its exports. Settles within 100 ms; what loads later is learnt later. */
export function exploreModule(address: ModuleAddress): Promise<LoadedModule | null> {
  const key = describeModule(address);
  const before = exploring.get(key);
  if (before) return before;
  const now = withinPatience(address, key).finally(() => exploring.delete(key));
  exploring.set(key, now);
  return now;
}

async function withinPatience(address: ModuleAddress, key: string): Promise<LoadedModule | null> {
  const namespace = importModule(address).then(
    (exports) => learn({ address, exports }),
    () => remember(key, null),
  );
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(remember(key, null)), IMPORT_PATIENCE);
  });
  try {
    return await Promise.race([namespace, patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** The names under which a module exports a function, however deep. */
export function pathInModule(module: LoadedModule, fn: object): Path | undefined {
  let paths = deep.get(module);
  if (!paths) {
    paths = deepExports(module.exports);
    deep.set(module, paths);
  }
  return paths.get(fn) ?? exportedSince(module, fn);
}

/** The reference to a function that lies deeper in the exports of a module explored so far. Slow: for want of its file's name. */
export function searchedReference(fn: object): Reference | null {
  for (const module of modules.values()) {
    const path = module && pathInModule(module, fn);
    if (path) return { ...module.address, path };
  }
  return null;
}

/** An exported variable may have been assigned after the module was explored. */
function exportedSince(module: LoadedModule, fn: object): Path | undefined {
  const { name } = fn as { name?: unknown };
  if (typeof name !== "string" || !Object.hasOwn(module.exports, name)) return undefined;
  return (module.exports as Record<string, unknown>)[name] === fn ? [name] : undefined;
}

function importModule(address: ModuleAddress): Promise<object> {
  return address.kind === "imported" ? importAs(address.from, address.specifier) : import(address.url);
}

function learn(module: LoadedModule): LoadedModule {
  for (const [fn, path] of directExports(module.exports)) {
    if (!exported.has(fn)) exported.set(fn, { ...module.address, path });
  }
  return remember(describeModule(module.address), module);
}

function remember<T extends LoadedModule | null>(key: string, module: T): T {
  modules.set(key, module);
  return module;
}
