/**
 * These are the errors of the runtime, one class per kind. Python's ValueError is a RangeError here and its
 * TypeError a TypeError; the others keep asyncio's names.
 */
import { type InspectOptions, inspect } from "../platform/node/inspect.ts";

/** Shows a value in an error message: its text and its type. */
export function got(value: unknown): string {
  const type = value === null ? "null" : typeof value;
  return `\`${shown(value, { depth: 0, breakLength: Infinity })}\` (${type})`;
}

/** The first line of what `inspect` shows of a value. */
export function inOneLine(value: unknown): string | undefined {
  return shown(value, { depth: 0, breakLength: Infinity }).split("\n", 1)[0];
}

/** What `inspect` shows of a value. A value may throw at whoever looks at it: then what can be shown of it is. */
export function shown(value: unknown, options: InspectOptions = {}): string {
  for (const attempt of [options, { ...options, customInspect: false }]) {
    try {
      return inspect(value, attempt);
    } catch {
      // the next attempt asks the value for less
    }
  }
  return "[cannot be shown]";
}

/** Names an error class. By definition and not by assignment, which a frozen `Error.prototype` forbids. */
export function named<T extends { readonly prototype: Error }>(type: T, name: string): T {
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
  return type;
}

/**
 * Is thrown at the await of a task that was cancelled.
 *
 * `message` is the one given to `cancel()`; `cause` says where the cancel came from: the task that asked, the error
 * of the sibling that failed, the `Timeout` that expired; in debug mode an error with the canceller's stack. It has
 * no stack of its own, as it is made by the loop and not by the code it stops.
 *
 * @example
 * ```ts
 * import { CancelledError, createTask, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = createTask(() => sleep(1000));
 *   await sleep(0);
 *   task.cancel("no longer needed");
 *   try {
 *     await task;
 *   } catch (error) {
 *     console.log(error instanceof CancelledError, String(error));
 *   }
 * });
 * ```
 */
export class CancelledError extends Error {}
named(CancelledError, "CancelledError");

/**
 * Is thrown when a future is not in the state that the call needs: settled twice, or read before it is done.
 *
 * @example
 * ```ts
 * import { Future, InvalidStateError, run } from "threadloop";
 *
 * await run(async () => {
 *   try {
 *     new Future().result();
 *   } catch (error) {
 *     console.log(error instanceof InvalidStateError); // true
 *   }
 * });
 * ```
 */
export class InvalidStateError extends Error {}
named(InvalidStateError, "InvalidStateError");

/**
 * Is thrown when the runtime is used in a way it does not allow: a loop run twice, a lock released that is free.
 *
 * @example
 * ```ts
 * import { Lock, RuntimeError } from "threadloop";
 *
 * try {
 *   new Lock().release();
 * } catch (error) {
 *   console.log(error instanceof RuntimeError); // true
 * }
 * ```
 */
export class RuntimeError extends Error {}
named(RuntimeError, "RuntimeError");

/** The CancelledError that an error is, or that an AbortError was made of, or null. */
export function cancellationOf(error: unknown): CancelledError | null {
  try {
    if (error instanceof CancelledError) return error;
    const { name, cause } = (error ?? {}) as { name?: unknown; cause?: unknown };
    return name === "AbortError" && cause instanceof CancelledError ? cause : null;
  } catch {
    return null; // its getters or traps throw
  }
}

/** Tells whether an error says that it comes of a signal, as what takes one throws. */
export function isAbortError(error: unknown): boolean {
  try {
    return (error as { name?: unknown } | null | undefined)?.name === "AbortError";
  } catch {
    return false; // its getters or traps throw
  }
}

/** `instanceof` of anything that was thrown or given: a Proxy, which may throw when it is asked, is no instance then. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/**
 * Why a cancel was asked for. Kept until the error is made, since most cancels are delivered later than asked.
 *
 * @internal
 */
export class CancelReason {
  readonly message: string | undefined;
  readonly cause: unknown;

  constructor(message: string | undefined, cause: unknown) {
    this.message = message;
    this.cause = cause;
  }
}

/**
 * Makes the CancelledError of a reason. Its stack would hold frames of the loop only and capturing it is two thirds
 * of the price of a cancel, so it has none.
 *
 * @internal
 */
export function cancelledError(reason: CancelReason | undefined): CancelledError {
  const limit = Error.stackTraceLimit;
  limitStacks(0);
  try {
    const message = textOf(reason?.message);
    return reason?.cause === undefined
      ? new CancelledError(message)
      : new CancelledError(message, { cause: reason.cause });
  } finally {
    limitStacks(limit);
  }
}

/** What an Error would make its message of; of what cannot be made a string, what can be shown. */
function textOf(message: unknown): string | undefined {
  if (message === undefined || typeof message === "string") return message;
  try {
    return String(message);
  } catch {
    return shown(message);
  }
}

function limitStacks(frames: number): void {
  try {
    Error.stackTraceLimit = frames;
  } catch {
    // Error is frozen: the stack is captured, though nobody needs it
  }
}

/** @internal */
export function isErrorClass(value: unknown): value is new () => Error {
  try {
    return typeof value === "function" && (value === Error || value.prototype instanceof Error);
  } catch {
    return false; // a Proxy that throws when it is asked
  }
}
