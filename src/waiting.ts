/** A future that says what it stands for, so that a report on a task can say what the task waits on. */
import type { AbstractEventLoop } from "./events.ts";
import { Future } from "./future.ts";

export class Waiting<T = void> extends Future<T> {
  readonly #what: string;

  constructor(what: string, loop?: AbstractEventLoop) {
    super(loop);
    this.#what = what;
  }

  override _what(): string {
    return this.#what;
  }
}
