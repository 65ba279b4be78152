/** These are the errors of waits that are too long, or for ever. */
import { named, RuntimeError } from "./errors.ts";

/**
 * Is thrown out of a loop that nothing can wake any more; its message names each stuck task and what it waits on.
 *
 * @example
 * ```ts
 * import { DeadlockError, Future, run } from "threadloop";
 *
 * try {
 *   await run(() => new Future());
 * } catch (error) {
 *   console.log(error instanceof DeadlockError); // true
 * }
 * ```
 */
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
