// This tells which class an error is of, told in words that another thread understands. A class is known by its
// identity, never by its name alone: names are taken twice (every database driver has a TimeoutError), and bundlers
// change them.
//
// A mark says which: `=TimeoutError` is a class that all threads have, the engine's, Node's or one of ours; `@k3f.2` one
// that this very thread has registered, as it is told after a way there and back; `#1f3a:NotFound` any other, by its
// name and its source, which are the same in each thread that loads it.

import {
  BrokenBarrierError,
  CancelledError,
  DeadlockError,
  ExceptionGroup,
  got,
  IncompleteReadError,
  InvalidStateError,
  isErrorClass,
  KeyboardInterrupt,
  LimitOverrunError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  SendfileNotAvailableError,
  SignalInterrupt,
  TimeoutError,
} from "../../src/core.ts";
import { ShipError } from "../shipping/shiperror.ts";
import { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "./errors.ts";

export type ErrorClass = abstract new (...args: never[]) => Error;

/** Classes that not every version of Node has, or that types do not know. */
const engine = globalThis as {
  readonly SuppressedError?: ErrorClass;
  readonly QuotaExceededError?: ErrorClass;
  readonly WebAssembly?: Readonly<Record<string, ErrorClass>>;
};

/** The keys are what is sent: a bundler that renames the classes leaves them alone. */
const EVERYWHERE: Readonly<Record<string, ErrorClass | undefined>> = {
  Error: Error,
  TypeError: TypeError,
  RangeError: RangeError,
  SyntaxError: SyntaxError,
  ReferenceError: ReferenceError,
  EvalError: EvalError,
  URIError: URIError,
  AggregateError: AggregateError,
  SuppressedError: engine.SuppressedError,
  DOMException: DOMException,
  QuotaExceededError: engine.QuotaExceededError,
  "WebAssembly.CompileError": engine.WebAssembly?.CompileError,
  "WebAssembly.LinkError": engine.WebAssembly?.LinkError,
  "WebAssembly.RuntimeError": engine.WebAssembly?.RuntimeError,
  "threadloop.BrokenBarrierError": BrokenBarrierError,
  "threadloop.BrokenPoolError": BrokenPoolError,
  "threadloop.CancelledError": CancelledError,
  "threadloop.CloneError": CloneError,
  "threadloop.DeadlockError": DeadlockError,
  "threadloop.ExceptionGroup": ExceptionGroup,
  "threadloop.IncompleteReadError": IncompleteReadError,
  "threadloop.InvalidStateError": InvalidStateError,
  "threadloop.KeyboardInterrupt": KeyboardInterrupt,
  "threadloop.LimitOverrunError": LimitOverrunError,
  "threadloop.PoolClosedError": PoolClosedError,
  "threadloop.QueueEmpty": QueueEmpty,
  "threadloop.QueueFull": QueueFull,
  "threadloop.QueueShutDown": QueueShutDown,
  "threadloop.RuntimeError": RuntimeError,
  "threadloop.SendfileNotAvailableError": SendfileNotAvailableError,
  "threadloop.ShipError": ShipError,
  "threadloop.SignalInterrupt": SignalInterrupt,
  "threadloop.TimeoutError": TimeoutError,
  "threadloop.WorkerTerminatedError": WorkerTerminatedError,
};
/** Is loaded by whoever throws one, and where one arrives. */
const ASSERTION = "=node:assert.AssertionError";

/** The classes that this thread can make again, by their marks. */
const classes = new Map<string, ErrorClass>();
/** The marks of the classes met so far, by their prototypes. */
const marks = new WeakMap<object, readonly string[]>();
for (const [key, errorClass] of Object.entries(EVERYWHERE)) {
  if (errorClass === undefined) continue;
  classes.set(`=${key}`, errorClass);
  marks.set(errorClass.prototype, [`=${key}`]);
}

/** Where each mark was registered last; null once it stands for several classes, and so for none. */
const registeredAt = new Map<string, string | null>();
const thread = Math.random().toString(36).slice(2);
let registrations = 0;

/**
 * Lets errors of these classes keep their class when they cross threads, so that `instanceof` works on what a worker
 * threw. Standard errors, Node's AssertionError and those of threadloop need no registration. An error of a class that
 * is not registered arrives as one of its nearest known base, with its own name, message, properties, cause and stack.
 *
 * A class is known by its name and its source together, so classes of several libraries may have one name. Call it at
 * the top level of the module that has the classes, or wherever the errors arrive. Throws TypeError for what is no
 * class of errors.
 *
 * @example
 * ```ts
 * import { registerErrors } from "threadloop/workers";
 *
 * class NotFound extends Error {}
 * registerErrors(NotFound);
 * ```
 */
export function registerErrors(...errorClasses: readonly ErrorClass[]): void {
  for (const errorClass of errorClasses) {
    if (!isErrorClass(errorClass))
      throw new TypeError(`Expected classes that extend Error, got ${got(errorClass)}`);
  }
  const place = callerOf(registerErrors);
  const taken = new Set<string>();
  for (const errorClass of new Set(errorClasses)) {
    const own = marksOf(errorClass.prototype);
    if (own[0]?.startsWith("=") === true) continue; // known without that
    const mark = own.at(-1) as string;
    if (classes.get(mark) === errorClass) continue;
    const token = own.length > 1 ? (own[0] as string) : `@${thread}.${++registrations}`;
    marks.set(errorClass.prototype, [token, mark]);
    classes.set(token, errorClass);
    setShared(mark, errorClass, taken.has(mark) ? null : place);
    taken.add(mark);
  }
}

/**
 * What is registered again at the same place takes the place of what was there: a module that was loaded anew. Classes
 * of several places that look alike cannot be told apart once they are in another thread, and none is guessed.
 */
function setShared(mark: string, errorClass: ErrorClass, place: string | null): void {
  const before = registeredAt.get(mark);
  const isAlone = place !== null && (before === undefined || before === place);
  registeredAt.set(mark, isAlone ? place : null);
  if (isAlone) classes.set(mark, errorClass);
  else classes.delete(mark);
}

/** The file that calls a function, without the query with which a development server loads it anew. */
function callerOf(fn: (...args: never[]) => unknown): string {
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, fn);
  const frame = String(holder.stack).split("\n")[1] ?? "";
  return frame.replace(/(?:\?[^:)]*)?(?::\d+)*\)?$/, "");
}

/** The marks of an error's classes, the most derived first, up to one that all threads know. */
export function classesOf(error: object): string[] {
  const found: string[] = [];
  for (let at = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const own = marksOf(at);
    found.push(...own);
    if (own[0]?.startsWith("=") === true) break;
  }
  return found;
}

/** The first of these classes that this thread knows. */
export function classNamed(found: readonly string[]): ErrorClass {
  for (const mark of found) {
    const errorClass = mark === ASSERTION ? assertionError() : classes.get(mark);
    if (errorClass !== undefined) return errorClass;
  }
  return Error;
}

function marksOf(prototype: object): readonly string[] {
  let own = marks.get(prototype);
  if (own === undefined) {
    own = newMarks(prototype);
    marks.set(prototype, own);
  }
  return own;
}

function newMarks(prototype: object): readonly string[] {
  const creator: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof creator !== "function") return [];
  const name: unknown = Object.getOwnPropertyDescriptor(creator, "name")?.value;
  const source = Function.prototype.toString.call(creator);
  const everywhere = markOfForeignRealm(source);
  if (everywhere !== null) return [everywhere];
  if (name === "AssertionError" && assertionError()?.prototype === prototype) return [ASSERTION];
  return [`#${fingerprint(source)}:${typeof name === "string" ? name : ""}`];
}

/** The engine's classes exist once in each context of node:vm; only they have no source. */
function markOfForeignRealm(source: string): string | null {
  const name = /^function (\w+)\(\) \{ \[native code\] \}$/.exec(source)?.[1];
  return [`=${name}`, `=WebAssembly.${name}`].find((mark) => classes.has(mark)) ?? null;
}

function assertionError(): ErrorClass | undefined {
  return process.getBuiltinModule("node:assert")?.AssertionError;
}

/**
 * Says little about a source, but the same about what a loader, a bundler or a test runner makes of it: they change
 * white space, quotes and comments, and put names before those that are imported.
 */
function fingerprint(source: string): string {
  const plain = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|\(0,/g, " ");
  const words = (plain.match(/[\w$\u0080-\uffff]+/g) ?? []).filter((word) => !word.startsWith("__"));
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (const letter of words.join(" ")) {
    const code = letter.codePointAt(0) as number;
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  return ((a >>> 0) * 2 ** 21 + (b >>> 11)).toString(36);
}
