/** These are the errors of waits that are too long, or for ever. */
import { named, RuntimeError } from "./errors.ts";

/** Is thrown out of a loop that nothing can wake any more; its message names each stuck task and what it waits on. */
export class DeadlockError extends RuntimeError {}
named(DeadlockError, "DeadlockError");

/**
 * Is thrown when a deadline has passed: by `timeout`, `waitFor`, `asCompleted` and a job's time limits.
 *
 * @example
 * ```ts
 * import { run, sleep, TimeoutError, waitFor } from "threadloop";
 *
 * await run(async () => {
 *   await waitFor(sleep(60_000), 5).catch((error) => console.log(error instanceof TimeoutError)); // true
 * });
 * ```
 */
export class TimeoutError extends Error {}
named(TimeoutError, "TimeoutError");
