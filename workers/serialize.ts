// Errors on the wire. Structured clone keeps the class of built-in errors only, and drops own properties and
// `AggregateError.errors`; so an error is taken apart here and put together again on the other side.

import { fileURLToPath } from "node:url";
import {
  BrokenBarrierError,
  CancelledError,
  DeadlockError,
  ExceptionGroup,
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
  TimeoutError,
} from "../src/index.ts";
import { packed, unpacked } from "./carrier.ts";
import { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "./errors.ts";
import { ShipError } from "./shipping/shiperror.ts";
import { mapStack } from "./shipping/stacks.ts";

type ErrorClass = abstract new (...args: never[]) => Error;

/** An error taken apart; everything in it can be cloned. */
export interface EncodedError {
  /** Names of the error's classes, the most derived first. */
  readonly classes: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Own properties beside the standard ones. */
  readonly properties: Readonly<Record<string, Encoded>>;
  readonly cause?: Encoded;
  readonly errors?: readonly Encoded[];
}

/** A thrown value: an error, or anything else as it is (as text, when it cannot be cloned). */
export type Encoded = { readonly error: EncodedError } | { readonly value: unknown };

const STANDARD = new Set(["name", "message", "stack", "cause", "errors"]);
/** A cause of a cause of a cause: cycles end here. */
const DEPTH = 8;

const STANDARD_CLASSES: readonly ErrorClass[] = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
  DOMException,
];
const OWN_CLASSES: readonly ErrorClass[] = [
  BrokenBarrierError,
  BrokenPoolError,
  CancelledError,
  CloneError,
  DeadlockError,
  ExceptionGroup,
  IncompleteReadError,
  InvalidStateError,
  KeyboardInterrupt,
  LimitOverrunError,
  PoolClosedError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  SendfileNotAvailableError,
  ShipError,
  TimeoutError,
  WorkerTerminatedError,
];
const known = new Map([...STANDARD_CLASSES, ...OWN_CLASSES].map((each) => [each.name, each]));

/**
 * Lets errors of these classes keep their class when they cross threads, so that `instanceof` works on what a worker
 * threw. Standard errors and those of threadloop need no registration. An error of a class that is not registered
 * arrives as one of its nearest known base, with its own name, message, properties, cause and stack.
 *
 * @example
 * ```ts
 * import { registerErrors } from "threadloop/workers";
 *
 * class NotFound extends Error {}
 * registerErrors(NotFound);
 * ```
 */
export function registerErrors(...classes: readonly ErrorClass[]): void {
  for (const errorClass of classes) {
    if (!isErrorClass(errorClass))
      throw new TypeError(`Expected classes that extend Error, got \`${errorClass}\``);
    known.set(errorClass.name, errorClass);
  }
}

/**
 * Takes a thrown value apart. Never throws. The frames from the first one of the file `below` on are the runtime's:
 * they are left out.
 */
export function encodeThrown(thrown: unknown, below?: string, depth: number = DEPTH): Encoded {
  try {
    return isErrorLike(thrown) ? { error: encodeError(thrown, below, depth) } : { value: cloneable(thrown) };
  } catch (failure) {
    return { error: encodeError(unreadable(failure), below, depth) };
  }
}

/** What is told in place of a thrown value whose getters or traps throw themselves. */
function unreadable(failure: unknown): TypeError {
  const why = failure instanceof Error ? `: ${Error.prototype.toString.call(failure)}` : "";
  return new TypeError(`What was thrown cannot be read, as reading it throws${why}`);
}

function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function encodeError(error: Error, below: string | undefined, depth: number): EncodedError {
  const inner = depth > 0 ? (value: unknown) => encodeThrown(value, below, depth - 1) : textOf;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  return {
    classes: classNames(error),
    name: String(error.name),
    message: String(error.message),
    stack: framesAbove(String(error.stack ?? error), below),
    properties: encodeProperties(error, inner),
    ...(Object.hasOwn(error, "cause") ? { cause: inner(cause) } : {}),
    ...(Array.isArray(errors) ? { errors: errors.map(inner) } : {}),
  };
}

/** A loader that maps stacks (tsx) writes paths in place of URLs. */
function framesAbove(stack: string, below: string | undefined): string {
  if (below === undefined) return stack;
  const cuts = [stack.indexOf(below), stack.indexOf(fileURLToPath(below))].filter((cut) => cut >= 0);
  return cuts.length === 0 ? stack : stack.slice(0, stack.lastIndexOf("\n", Math.min(...cuts)));
}

function textOf(value: unknown): Encoded {
  return { value: String(value) };
}

function classNames(error: Error): string[] {
  const names: string[] = [];
  for (let proto = Object.getPrototypeOf(error); proto !== null; proto = Object.getPrototypeOf(proto)) {
    names.push(String(proto.constructor?.name));
  }
  return names;
}

function encodeProperties(error: Error, inner: (value: unknown) => Encoded): Record<string, Encoded> {
  const properties: Record<string, Encoded> = {};
  for (const [key, value] of Object.entries(error)) {
    if (!STANDARD.has(key)) properties[key] = inner(value);
  }
  return properties;
}

function cloneable(value: unknown): unknown {
  try {
    return unpacked(structuredClone(packed(value)));
  } catch {
    return String(value);
  }
}

/** Puts a thrown value together again. */
export function decodeThrown(encoded: Encoded): unknown {
  return "error" in encoded ? decodeError(encoded.error) : encoded.value;
}

function decodeError(encoded: EncodedError): Error {
  if (encoded.classes.includes("DOMException")) return decodeDomException(encoded);
  const error = withoutStack(() => new Error(encoded.message));
  const errorClass = encoded.classes.map((name) => known.get(name)).find((found) => found !== undefined);
  if (errorClass !== undefined) Object.setPrototypeOf(error, errorClass.prototype);
  define(error, "stack", mapStack(encoded.stack));
  if (error.name !== encoded.name) define(error, "name", encoded.name);
  if (encoded.cause !== undefined) define(error, "cause", decodeThrown(encoded.cause));
  if (encoded.errors !== undefined) define(error, "errors", encoded.errors.map(decodeThrown));
  for (const [key, value] of Object.entries(encoded.properties))
    define(error, key, decodeThrown(value), true);
  return error;
}

function decodeDomException(encoded: EncodedError): Error {
  const error = new DOMException(encoded.message, encoded.name);
  define(error, "stack", encoded.stack);
  return error;
}

/** The stack of the place where an error is put together says nothing, and costs. */
function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function define(target: object, key: string, value: unknown, enumerable: boolean = false): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable, configurable: true });
}
