// This says how values and exceptions are written in a trace (LANGUAGE.md §3).
import {
  BrokenBarrierError,
  CancelledError,
  ExceptionGroup,
  type Future,
  InvalidStateError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  TimeoutError,
} from "threadloop";
import type { Value } from "./scenario.ts";

/** The scenario's own error. */
export class Boom extends Error {
  override readonly name = "Boom";
  readonly label: string;
  constructor(label: string) {
    super(label);
    this.label = label;
  }
}

/** What Python raises when a thing lacks the method asked for: `uncancel` of a future that is no task. */
export class AttributeError extends Error {
  override readonly name = "AttributeError";
}

// Python's name for a class of ours; a class that is not listed goes by its own name, so a surprise shows in the trace.
const PYTHON_NAMES: readonly (readonly [abstract new (...args: never[]) => Error, string])[] = [
  [InvalidStateError, "InvalidStateError"],
  [QueueEmpty, "QueueEmpty"],
  [QueueFull, "QueueFull"],
  [QueueShutDown, "QueueShutDown"],
  [BrokenBarrierError, "BrokenBarrierError"],
  [RuntimeError, "RuntimeError"],
  [RangeError, "ValueError"],
];

export function encodeException(error: unknown): string {
  if (error instanceof CancelledError)
    return error.message === "" ? "!Cancelled" : `!Cancelled:${error.message}`;
  if (error instanceof Boom) return `!Boom:${error.label}`;
  if (error instanceof TimeoutError) return "!Timeout";
  if (error instanceof ExceptionGroup)
    return `!Group[${error.errors.map((member) => encodeException(member).slice(1)).join(",")}]`;
  const known = PYTHON_NAMES.find(([errorClass]) => error instanceof errorClass);
  if (known !== undefined) return `!${known[1]}`;
  return error instanceof Error ? `!${error.name}` : `!${String(error)}`;
}

export function encodeValue(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (value instanceof Error) return encodeException(value);
  if (Array.isArray(value)) return value.map(encodeValue);
  return value as Value;
}

/** Reading a state marks an exception as retrieved. */
export function encodeState(future: Future): Value {
  if (!future.done()) return "pending";
  if (future.cancelled()) return "!Cancelled";
  const error = future.exception();
  return error === null ? encodeValue(future.result()) : encodeException(error);
}
