/** A future that says what it stands for, so that a report on a task can say what the task waits on. */
import type { AbstractEventLoop } from "../scheduling/events.ts";
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

/** What a task waits on, as the task shows it: in words where the future has some, else the future itself. */
export function waitedFor(future: Future): string {
  const hasWords = !future._isTask && future._what !== Future.prototype._what;
  return hasWords ? future._what() : `<${future._describeBriefly()}>`;
}
