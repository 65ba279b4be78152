/**
 * One more await of a task that awaits already, as `Promise.all` makes them. CPython knows no such thing, so there is
 * no order to be equal to; it must only not break: each await is served, and a cancel of the task reaches all.
 */
import { type Outcome, type Runnable, UNTRACKED } from "./events.ts";
import type { Future } from "./future.ts";

/** The two functions that V8 gives for an await. */
export type Resolve = (value: never) => void;
export type Reject = (error: unknown) => void;

/** The task, as its further awaits see it. */
export interface ManyAwaiting {
  _more: Set<FurtherAwait> | null;
}

export class FurtherAwait implements Runnable {
  readonly _task: ManyAwaiting;
  readonly _future: Future;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: Reject;

  constructor(task: ManyAwaiting, future: Future, resolve: Resolve, reject: Reject) {
    this._task = task;
    this._future = future;
    this.#resolve = resolve as (value: unknown) => void;
    this.#reject = reject;
  }

  _run(): Outcome {
    this._task._more?.delete(this);
    this._future._deliver(this.#resolve, this.#reject);
    return UNTRACKED;
  }
}

/** Serves a further await of a task. */
export function awaitMore(task: ManyAwaiting, future: Future, resolve: Resolve, reject: Reject): void {
  const wait = new FurtherAwait(task, future, resolve, reject);
  task._more ??= new Set();
  task._more.add(wait);
  future._addCallback(wait);
}
