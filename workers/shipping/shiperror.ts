// ShipError is the one error of this folder: a function, or something it needs, could not get to another thread.
import { named } from "../../src/core.ts";
import type { Reference } from "./recipe.ts";

/** What went wrong, for programs; the message says it for people. */
export type ShipErrorCode =
  /** A captured value cannot leave its thread. */
  | "ERR_SHIP_VALUE"
  /** The source of the function does not stand by itself (`super`, `#private`), or a machine takes no source code. */
  | "ERR_SHIP_SOURCE"
  /** `ship: "reference"`, and the function is not an export. */
  | "ERR_SHIP_NOT_EXPORTED"
  /** This process may not inspect its own functions (`node --permission`). */
  | "ERR_SHIP_NO_INSPECTOR"
  /** The worker cannot find or read that module. */
  | "ERR_SHIP_UNREACHABLE"
  /** The module threw while the worker loaded it. */
  | "ERR_SHIP_LOAD"
  /** The worker loaded the module and found no such export or task in it. */
  | "ERR_SHIP_NO_EXPORT"
  /** The worker found another function under that name: it was assigned since, or the file has changed on disk. */
  | "ERR_SHIP_OTHER_FUNCTION"
  /** Another machine has another version of that module. */
  | "ERR_SHIP_OTHER_CODE"
  /** What the function is, or refers to, lies outside of the modules that machines of a cluster have in common. */
  | "ERR_SHIP_OUTSIDE"
  /** A module uses a pool, runs a loop or listens while a worker of a pool loads it. */
  | "ERR_SHIP_REENTRANT";

/**
 * Says that a function could not be brought to a worker thread: which function, which value of it, and what to do.
 * `code` tells the cases apart; `cause` is the error underneath, where there is one.
 *
 * @example
 * ```ts
 * import { ShipError, WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool({ size: 1 });
 * const pending = Promise.resolve(1); // belongs to this thread
 * const sent = pool.submit(async () => await pending).toPromise();
 * await sent.catch((error) => console.log(error instanceof ShipError, error.code)); // true ERR_SHIP_VALUE
 * await pool.close();
 * ```
 */
export class ShipError extends Error {
  readonly code: ShipErrorCode;
  /** The reference that a worker could not follow, if that was it. */
  readonly reference?: Reference;

  constructor(
    code: ShipErrorCode,
    message: string,
    options: { cause?: unknown; reference?: Reference } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.reference) this.reference = options.reference;
  }
}
named(ShipError, "ShipError");
