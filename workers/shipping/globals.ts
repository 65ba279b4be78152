// These are values that every thread has of its own: the language's globals and Node's built-in modules.
import { builtinModules } from "node:module";
import { deepExports } from "./exports.ts";
import type { Path, Reference } from "./recipe.ts";

/** By name, and not by looking at globalThis: what a program adds there, its workers do not have. */
const GLOBALS = [
  "Object Function Array Number Boolean String Symbol BigInt Date Promise RegExp Error AggregateError EvalError",
  "RangeError ReferenceError SyntaxError TypeError URIError ArrayBuffer SharedArrayBuffer Uint8Array Int8Array",
  "Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array Uint8ClampedArray BigUint64Array",
  "BigInt64Array DataView Map Set WeakMap WeakSet WeakRef FinalizationRegistry Proxy Reflect JSON Math Intl Atomics",
  "WebAssembly Iterator parseFloat parseInt isFinite isNaN decodeURI decodeURIComponent encodeURI encodeURIComponent",
  "console process Buffer URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget",
  "setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask structuredClone",
  "atob btoa fetch Blob MessageChannel performance",
].flatMap((line) => line.split(" "));

/** Globals that are getters, of what is loaded in any case; the others' getters would load what nobody uses. */
const READ = new Set(["process", "Buffer", "performance"]);
/** Objects in globals. */
const INSIDE = [
  ["process", "env"],
  ["process", "hrtime"],
] as const;

let globals: Map<object, Path> | undefined;

/** A global of the language or of Node, or a function of one: `Math.max`, `Array.prototype.map`. */
export function globalReference(value: object): Reference | null {
  globals ??= indexGlobals();
  const path = globals.get(value);
  return path ? { kind: "global", path } : null;
}

function indexGlobals(): Map<object, Path> {
  const index = new Map<object, Path>([[globalThis, []]]);
  for (const name of GLOBALS) {
    const value: unknown = READ.has(name)
      ? Reflect.get(globalThis, name)
      : Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    if (!isObject(value)) continue;
    if (!index.has(value)) index.set(value, [name]);
    indexMembers(index, value, [name]);
    const prototype: unknown = Object.getOwnPropertyDescriptor(value, "prototype")?.value;
    if (isObject(prototype)) indexMembers(index, prototype, [name, "prototype"]);
  }
  for (const [owner, name] of INSIDE) {
    const value = globalThis[owner][name];
    index.set(value, [owner, name]);
    if (typeof value === "function") indexMembers(index, value, [owner, name]);
  }
  return index;
}

function indexMembers(index: Map<object, Path>, owner: object, path: Path): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
    if (typeof value === "function" && !index.has(value)) index.set(value, [...path, name]);
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === "function" || (typeof value === "object" && value !== null);

const builtins = new Map<string, Map<object, Path>>();

/** A built-in module's exports, or a function of one: `fs.readFileSync`. */
export function builtinReference(value: object): Reference | null {
  for (const name of loadedBuiltins()) {
    const paths = builtins.get(name) ?? indexBuiltin(name);
    const path = paths.get(value);
    if (path) return { kind: "module", url: `node:${name}`, path };
  }
  return null;
}

function indexBuiltin(name: string): Map<object, Path> {
  const exports = process.getBuiltinModule(`node:${name}`) as object;
  const index = new Map<object, Path>([[exports, ["default"]]]);
  // Other modules' getters load more modules; those of fs are its stream classes.
  const found = quietly(() => deepExports(exports, { getters: name === "fs" }));
  for (const [fn, path] of found)
    if (!index.has(fn) && !isOfTheProgram(name, path)) index.set(fn, ["default", ...path]);
  builtins.set(name, index);
  return index;
}

/** `require.cache` and `process.mainModule` lead to what the program's own modules export. */
const isOfTheProgram = (name: string, [first]: Path): boolean =>
  (name === "module" && first === "_cache") || (name === "process" && first === "mainModule");

/** Reading a deprecated property is no use of it. */
function quietly<T>(read: () => T): T {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return read();
  } finally {
    if (noDeprecation === undefined) Reflect.deleteProperty(process, "noDeprecation");
    else process.noDeprecation = noDeprecation;
  }
}

/** A value can only come from a module that is loaded; loading others would cost time and print deprecations. */
function loadedBuiltins(): string[] {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  const loaded = new Set(moduleLoadList ?? builtinModules.map((name) => `NativeModule ${name}`));
  return builtinModules.filter(
    (name) => loaded.has(`NativeModule ${name}`) && !/^(_|punycode$|sys$)/.test(name),
  );
}
