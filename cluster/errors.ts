// These are the errors of a cluster, one class per kind.

import { named, RuntimeError } from "../src/core.ts";
import { registerErrors } from "../workers/wire/errorclasses.ts";
import { WorkerTerminatedError } from "../workers/wire/errors.ts";

/**
 * Is thrown to a call that had started on a machine that is not heard of any more: it was killed, it lost its power or
 * its network. The call may have run in part, or to its end. One that is `idempotent` runs again elsewhere instead.
 */
export class WorkerLostError extends WorkerTerminatedError {
  /** The machine that was lost, or null when nobody can say. */
  readonly machine: string | null;

  constructor(message: string, options: ErrorOptions & { job?: string; machine?: string } = {}) {
    super(message, options);
    this.machine = options.machine ?? null;
  }
}
named(WorkerLostError, "WorkerLostError");

/** Is thrown to a call that Redis does not know any more, as it lost its data: whether the call ran is not known. */
export class JobLostError extends RuntimeError {}
named(JobLostError, "JobLostError");

/** Is thrown to a call that no machine would run; the message says why. */
export class JobRefusedError extends RuntimeError {}
named(JobRefusedError, "JobRefusedError");

/** Is thrown when Redis cannot be reached; `cause` is what the last attempt ended with. */
export class ConnectionError extends Error {}
named(ConnectionError, "ConnectionError");

/** Is thrown for a message that is too large, or that cannot be read. */
export class PayloadError extends RuntimeError {}
named(PayloadError, "PayloadError");

registerErrors(WorkerLostError, JobLostError, JobRefusedError, ConnectionError, PayloadError);
