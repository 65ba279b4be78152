/** An event is a flag that tasks can wait for, as `asyncio.Event`. */
import { inspect } from "../platform/node/inspect.ts";
import { Line } from "./line.ts";

const ALREADY_SET = Promise.resolve<true>(true);

/**
 * A flag that is set and cleared; all who wait go on when it is set, also if it is cleared before they run.
 *
 * @example
 * ```ts
 * import { createTask, Event, run } from "threadloop";
 *
 * await run(async () => {
 *   const ready = new Event();
 *   const waiter = createTask(async () => {
 *     await ready.wait();
 *     console.log("ready");
 *   });
 *   ready.set();
 *   await waiter;
 * });
 * ```
 */
export class Event {
  #set = false;
  readonly #waiters = new Line<true>("wait", this, {
    take: (waiter) => waiter.setResult(true),
    ofAnyLoop: true,
  });

  /** Tells whether the flag is set. */
  isSet(): boolean {
    return this.#set;
  }

  /** Sets the flag and wakes all who wait, first-in first-out. */
  set(): void {
    if (this.#set) return;
    this.#set = true;
    this.#waiters.wake(Infinity);
  }

  /** Clears the flag. */
  clear(): void {
    this.#set = false;
  }

  /** Waits until the flag is set; does not suspend when it is. */
  wait(): Promise<true> {
    return this.#set ? ALREADY_SET : this.#waiters.wait();
  }

  [inspect.custom](): string {
    return `<Event ${this.#set ? "set" : "unset"}, ${this.#waiters.size} waiting>`;
  }
}
