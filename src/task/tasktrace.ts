/** What debug mode keeps of one task, and what it reports of it. */

import { printable } from "../errors/printable.ts";
import { originOf, rememberOrigin, userFrames, warn } from "../scheduling/debug.ts";
import { type AbstractEventLoop, type AwaitingTask, runningTask } from "../scheduling/events.ts";

interface Named {
  readonly name: string;
}

export class TaskTrace {
  readonly #task: Named;
  readonly #clock: { time(): number };
  #awaitsAt: Error | null = null;
  #cancelDelayedSince: number | null = null;

  constructor(task: Named, clock: { time(): number }) {
    this.#task = task;
    this.#clock = clock;
    rememberOrigin(task);
  }

  /** The frames at the await, innermost first; where V8 does not tell them, the place of creation. */
  stack(): string[] {
    const frames = this.#awaitsAt === null ? [] : userFrames(this.#awaitsAt);
    return frames.length > 0 ? frames : [originOf(this.#task)].filter((place) => place !== "");
  }

  /** The task was cancelled while it awaits a promise that is not the runtime's. */
  noteDelayedCancel(): void {
    this.#cancelDelayedSince ??= this.#clock.time();
  }

  /** The task awaits something of ours: a cancel that had to wait is delivered now. */
  noteAwait(): void {
    this.#awaitsAt = new Error();
    this.#reportDelay();
  }

  noteEnd(swallowedCancel: boolean): void {
    this.#reportDelay();
    if (!swallowedCancel) return;
    const advice = "throw the CancelledError on, or call uncancel() if going on is meant";
    const message = `task '${printable(this.#task.name)}' was cancelled and ended with a result: ${advice}`;
    warn("THREADLOOP_SWALLOWED_CANCEL", message, originOf(this.#task));
  }

  #reportDelay(): void {
    const since = this.#cancelDelayedSince;
    if (since === null) return;
    this.#cancelDelayedSince = null;
    const late = `${Math.round(this.#clock.time() - since)} ms late, as it awaited a promise that is not the runtime's`;
    const advice = "await wrapPromise(promise), or give what makes the promise currentTask().signal";
    const message = `The cancel of task '${printable(this.#task.name)}' was ${late}: ${advice}`;
    warn("THREADLOOP_LATE_CANCEL", message, originOf(this.#task));
  }
}

/** Who asks for a cancel: the current task, in debug mode as an error with the stack of the call. */
export function cancellerOf(loop: AbstractEventLoop): unknown {
  const task = runningTask() as (AwaitingTask & Named) | null;
  if (!loop.getDebug()) return task ?? undefined;
  return new Error(
    task === null ? "cancelled from outside every task" : `cancelled by task '${printable(task.name)}'`,
  );
}
