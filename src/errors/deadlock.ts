/** The error of a loop that nothing can wake any more. */
import { named, RuntimeError } from "./errors.ts";

/** Is thrown out of a loop that nothing can wake any more; its message names each stuck task and what it waits on. */
export class DeadlockError extends RuntimeError {}
named(DeadlockError, "DeadlockError");
