/**
 * These are the futures of a loop that failed and that nobody has looked at. Each is reported once: when it is
 * collected, so that nobody can look any more, and at the latest when the loop closes; sooner where nobody is
 * expected to look.
 */

import { shown } from "../errors/errors.ts";
import type { Context } from "../scheduling/context.ts";
import { withOrigin } from "../scheduling/debug.ts";
import type { ExceptionContext, FailedFuture } from "../scheduling/events.ts";
import type { Task } from "./task.ts";

interface Failure {
  readonly context: ExceptionContext;
  /** The task's context variables, for the exception handler. */
  readonly within: Context | null;
}

export class UnretrievedErrors {
  readonly #failures = new Set<Failure>();
  readonly #byFuture = new WeakMap<FailedFuture, Failure>();
  readonly #report: (context: ExceptionContext) => void;
  readonly #collected = new FinalizationRegistry<Failure>((failure) => this.#reportOnce(failure));

  constructor(report: (context: ExceptionContext) => void) {
    this.#report = report;
  }

  keep(future: FailedFuture): void {
    const kind = future._isTask ? "Task" : "Future";
    // The description is made now: holding the future itself would keep it from being collected.
    const described = {
      message: `${kind} exception was never retrieved`,
      exception: future._value,
      [future._isTask ? "taskDescription" : "futureDescription"]: shown(future),
    };
    const context = withOrigin(described, future);
    const failure = { context, within: future._isTask ? (future as Task).getContext() : null };
    this.#failures.add(failure);
    this.#byFuture.set(future, failure);
    this.#collected.register(future, failure, failure);
  }

  forget(future: FailedFuture): void {
    const failure = this.#byFuture.get(future);
    if (failure === undefined) return;
    this.#failures.delete(failure);
    this.#byFuture.delete(future);
    this.#collected.unregister(failure);
  }

  /** Reports one now, if nobody has looked at it. */
  report(future: FailedFuture): void {
    const failure = this.#byFuture.get(future);
    if (failure !== undefined) this.#reportOnce(failure);
  }

  /** Reports all that are left, in the order in which they failed. */
  reportAll(): void {
    for (const failure of this.#failures) this.#reportOnce(failure);
  }

  #reportOnce(failure: Failure): void {
    if (!this.#failures.delete(failure)) return;
    this.#collected.unregister(failure);
    if (failure.within === null) this.#report(failure.context);
    else failure.within.run(this.#report, failure.context);
  }
}
