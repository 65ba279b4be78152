// This is what an object is, as far as its way to another thread is concerned. Structured clone loses what is not in
// its list (a Buffer's class, a URL on Node 20, an error's properties), and loses it silently: so such objects are
// looked for before it sees them.
//
// A class is looked at once. What the program's own classes make are containers: their data travels, as structured clone
// has it. What Node's own classes make and structured clone cannot carry is refused: of a Hash or a Socket there would
// be nothing left that is of use.

import { types } from "node:util";
import { isCarrier } from "../shipping/carrier.ts";

/** Containers: what is in them is looked at too. */
export const ARRAY = 0;
export const PLAIN = 1;
/** An object of one of the program's classes; it travels as a plain one. */
export const INSTANCE = 2;
export const MAP = 3;
export const SET = 4;
/** What structured clone copies as it is, or shares. */
export const DATA = 5;
/** What structured clone carries, moves or refuses by itself. */
export const HOST = 6;
/** A shared object, which travels by itself. */
export const CARRIER = 7;
export const BUFFER = 8;
/** From here on: what something else is sent for. */
export const ERROR = 9;
/** What can be made again of a text or a list. */
export const REMADE = 10;
export const SIGNAL = 11;
/** What structured clone refuses, or makes an empty object of. */
export const LOST = 12;

/** One of the numbers above. */
export type ValueKind = number;

/** By prototype. */
const kinds = new WeakMap<object, ValueKind>([
  [Map.prototype, MAP],
  [Set.prototype, SET],
  [Date.prototype, DATA],
  [RegExp.prototype, DATA],
  [Buffer.prototype, BUFFER],
  [Uint8Array.prototype, DATA],
  [ArrayBuffer.prototype, DATA],
  [SharedArrayBuffer.prototype, DATA],
  [Error.prototype, ERROR],
  [URL.prototype, REMADE],
  [URLSearchParams.prototype, REMADE],
  [AbortSignal.prototype, SIGNAL],
]);

/** Says that what a class makes is to be copied as it is. */
export function isData(ofClass: abstract new (...args: never[]) => object): void {
  kinds.set(ofClass.prototype, DATA);
}

/** Says what an object is. May throw what a Proxy's traps throw. */
export function valueKindOf(object: object): ValueKind {
  if (Array.isArray(object)) return ARRAY;
  const prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) return PLAIN;
  const known = kinds.get(prototype);
  if (known !== undefined) return known;
  const kind = classify(object, prototype);
  // A Proxy says nothing about others of its prototype.
  if (!types.isProxy(object)) kinds.set(prototype, kind);
  return kind;
}

function classify(object: object, prototype: object): ValueKind {
  if (Object.getPrototypeOf(prototype) === null) return PLAIN; // of another context of node:vm
  if (ArrayBuffer.isView(object)) return Buffer.isBuffer(object) ? BUFFER : DATA;
  if (types.isMap(object)) return MAP;
  if (types.isSet(object)) return SET;
  if (types.isNativeError(object) || object instanceof Error) return ERROR;
  if (holdsData(object)) return DATA;
  if (isCarrier(object)) return CARRIER;
  if (object instanceof URL || object instanceof URLSearchParams || isHeaders(object)) return REMADE;
  if (object instanceof AbortSignal) return SIGNAL;
  // What every session is given: a trial throws, where a debugger may have been told to stop.
  if (object instanceof MessagePort) return HOST;
  return isOfNode(prototype) ? afterTrial(object) : instanceKind(object, prototype);
}

function instanceKind(object: object, prototype: object): ValueKind {
  return maybeHost(prototype) && !isWalked(object) ? HOST : INSTANCE;
}

/** Classes of a program have a constructor and no tag; the prototype of `Intl.Segments` has neither. */
function maybeHost(prototype: object): boolean {
  return hasTag(prototype) || !Object.hasOwn(prototype, "constructor");
}

/**
 * What an object is that is to be copied property by property. One that is more than its properties may have any
 * prototype: what structured clone refuses, or copies by itself, is left to it.
 */
export function trueKind(object: object): ValueKind {
  const kind = valueKindOf(object);
  if (kind !== PLAIN && kind !== INSTANCE) return kind > SET || !types.isProxy(object) ? kind : HOST;
  if (isHost.some((is) => is(object))) return HOST;
  if (types.isMap(object)) return MAP;
  if (types.isSet(object)) return SET;
  if (types.isNativeError(object)) return ERROR;
  if (ArrayBuffer.isView(object) || holdsData(object)) return DATA;
  return Object.keys(object).length === 0 && !isWalked(object) ? HOST : kind;
}

const isHost = [
  types.isProxy,
  types.isArgumentsObject,
  types.isPromise,
  types.isWeakMap,
  types.isWeakSet,
  types.isGeneratorObject,
  types.isMapIterator,
  types.isSetIterator,
  types.isModuleNamespaceObject,
  types.isExternal,
  types.isSymbolObject,
];

/** Whatever is more than its properties has a tag: what the language makes, as WeakMaps, generators and WebAssembly's. */
function hasTag(prototype: object): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at))
    if (Object.hasOwn(at, Symbol.toStringTag)) return true;
  return false;
}

const WALKED = "o".charCodeAt(0);

/** Whether structured clone takes it for its properties; its mark stands there also when one of them cannot be cloned. */
export function isWalked(object: object): boolean {
  if (process.versions.bun !== undefined) return false; // it has no serializer to ask
  const { Serializer } = process.getBuiltinModule("node:v8");
  const trial = new Serializer();
  try {
    trial.writeValue(object);
  } catch {} // it, or something in it, cannot be cloned
  return trial.releaseBuffer()[0] === WALKED;
}

function holdsData(object: object): boolean {
  if (types.isBoxedPrimitive(object)) return !types.isSymbolObject(object);
  return types.isAnyArrayBuffer(object) || types.isDate(object) || types.isRegExp(object);
}

/** The class is there only once somebody has used `fetch` or its like: asking for it would load all that. */
function isHeaders(object: object): object is Headers {
  return nameOf(Object.getPrototypeOf(object)) === "Headers" && isGlobal(object.constructor, "Headers");
}

/** How a class of Node fares with structured clone: it makes the same of each of its objects. */
function afterTrial(object: object): ValueKind {
  try {
    return Object.getPrototypeOf(structuredClone(object)) === Object.prototype ? LOST : HOST;
  } catch {
    return HOST;
  }
}

/** Classes of Node whose objects are data with a few methods: they travel like objects of the program's own. */
const OF_DATA = new Set(["Stats", "BigIntStats", "StatFs", "Dirent"]);
/** Classes that have nothing but listeners: one that extends them is the program's own. */
const OF_LISTENERS = new Set(["EventEmitter", "EventTarget"]);

/** Those that come from other threads may be here though nobody has loaded the module. */
const HOMES: ReadonlyMap<string, string> = new Map([
  ["KeyObject", "node:crypto"],
  ["X509Certificate", "node:crypto"],
  ["BlockList", "node:net"],
  ["SocketAddress", "node:net"],
]);

function isOfNode(prototype: object): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const name = nameOf(at);
    if (name === null || (OF_LISTENERS.has(name) && at !== prototype)) continue;
    if (isGlobal(at.constructor, name) || isExport(at.constructor, name)) return !OF_DATA.has(name);
  }
  return false;
}

function nameOf(prototype: object): string | null {
  const creator: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  return typeof creator === "function" && typeof creator.name === "string" ? creator.name : null;
}

/** The globals with objects of their own, by name: those that a program adds are its own. */
const GLOBALS = new Set(
  [
    "AbortController BroadcastChannel ByteLengthQueuingStrategy CloseEvent CompressionStream",
    "CountQueuingStrategy Crypto CryptoKey CustomEvent DecompressionStream ErrorEvent Event EventSource EventTarget FormData",
    "Headers MessageEvent Navigator Performance PerformanceEntry PerformanceMark PerformanceMeasure",
    "PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming Request Response Storage",
    "ReadableStream ReadableStreamBYOBReader ReadableStreamDefaultReader SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream",
    "URLPattern WebSocket WritableStream WritableStreamDefaultWriter",
  ].flatMap((line) => line.split(" ")),
);

function isGlobal(creator: unknown, name: string): boolean {
  return GLOBALS.has(name) && Reflect.get(globalThis, name) === creator;
}

/** An object's class is an export of a built-in module that is loaded, as the object could not be there else. */
function isExport(creator: unknown, name: string): boolean {
  const home = HOMES.get(name);
  return (home === undefined ? loadedBuiltins() : [home]).some((module) => {
    const exports = process.getBuiltinModule(module) as object | undefined;
    // It may be a getter: only a module that has the name is asked.
    return exports !== undefined && Object.hasOwn(exports, name) && Reflect.get(exports, name) === creator;
  });
}

function loadedBuiltins(): string[] {
  const { moduleLoadList = [] } = process as unknown as { moduleLoadList?: readonly string[] };
  return moduleLoadList.flatMap((entry) => /^NativeModule ((?!internal\/|_)[\w/]+)$/.exec(entry)?.[1] ?? []);
}

const viewBuffer = getterOf(Object.getPrototypeOf(Uint8Array.prototype), "buffer");
const dataViewBuffer = getterOf(DataView.prototype, "buffer");

function getterOf(prototype: object, key: string): (() => unknown) | undefined {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get;
}

/** The memory behind a view, which others may have too; null for what is no view. */
export function memoryOf(object: object): ArrayBuffer | SharedArrayBuffer | null {
  if (!ArrayBuffer.isView(object)) return null;
  const buffer = types.isDataView(object) ? dataViewBuffer : viewBuffer;
  return buffer?.call(object) as ArrayBuffer | SharedArrayBuffer;
}
