/**
 * One more await of a task that awaits already, as `Promise.all` makes them. CPython knows no such thing, so there is
 * no order to be equal to; it must only not break: each await is served, and a cancel of the task, or of a block around
 * the await, reaches it.
 */
import { type Outcome, type Runnable, UNTRACKED } from "../scheduling/events.ts";
import type { Future, Reaction } from "./future.ts";
import type { Level } from "./scope.ts";

export class FurtherAwait implements Runnable {
  readonly _task: Level;
  readonly _future: Future;
  readonly #level: Level;
  readonly _reaction: Reaction;

  constructor(task: Level, level: Level, future: Future, reaction: Reaction) {
    this._task = task;
    this._future = future;
    this.#level = level;
    this._reaction = reaction;
    for (let at: Level | null = level; at !== null; at = at._parent) {
      at._more ??= new Set();
      at._more.add(this);
    }
    future._addCallback(this);
  }

  _run(): Outcome {
    this._leave();
    this._reaction._run();
    return UNTRACKED;
  }

  /** It is no wait any more. */
  _leave(): void {
    for (let at: Level | null = this.#level; at !== null; at = at._parent) at._more?.delete(this);
  }
}
