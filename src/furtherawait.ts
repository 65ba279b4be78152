/**
 * One more await of a task that awaits already, as `Promise.all` makes them. CPython knows no such thing, so there is
 * no order to be equal to; it must only not break: each await is served, and a cancel of the task, or of a block around
 * the await, reaches it.
 */
import { type Outcome, type Reject, type Resolve, type Runnable, UNTRACKED } from "./events.ts";
import type { Future } from "./future.ts";
import type { Level } from "./scope.ts";

export class FurtherAwait implements Runnable {
  readonly _task: Level;
  readonly _future: Future;
  readonly #level: Level;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: Reject;

  constructor(task: Level, level: Level, future: Future, resolve: Resolve, reject: Reject) {
    this._task = task;
    this._future = future;
    this.#level = level;
    this.#resolve = resolve as (value: unknown) => void;
    this.#reject = reject;
    for (let at: Level | null = level; at !== null; at = at._parent) {
      at._more ??= new Set();
      at._more.add(this);
    }
    future._addCallback(this);
  }

  _run(): Outcome {
    for (let at: Level | null = this.#level; at !== null; at = at._parent) at._more?.delete(this);
    this._future._deliver(this.#resolve, this.#reject);
    return UNTRACKED;
  }
}
