/** A lock gives mutual exclusion between tasks, as `asyncio.Lock`: it is fair, not re-entrant, owned by nobody. */

import { RuntimeError } from "../errors/errors.ts";
import { inspect } from "../platform/node/inspect.ts";
import { Holdable } from "./holdable.ts";
import { Line } from "./line.ts";

/** What a Condition needs of its lock. */
export interface Lockable {
  acquire(): Promise<unknown>;
  release(): void;
  locked(): boolean;
}

/**
 * A lock that one task at a time can hold.
 *
 * Those who wait get it first-in first-out; a newcomer never overtakes them. A cancelled waiter leaves the line and
 * the lock goes to the next.
 *
 * @example
 * ```ts
 * import { gather, Lock, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const lock = new Lock();
 *   const work = (name: string) => lock.with(async () => {
 *     console.log(name, "in");
 *     await sleep(1);
 *     console.log(name, "out");
 *   });
 *   await gather(() => work("a"), () => work("b")); // a in, a out, b in, b out
 * });
 * ```
 */
export class Lock extends Holdable implements Lockable {
  #locked = false;
  readonly #waiters = new Line<this>("acquire", this, {
    take: (waiter) => {
      this.#locked = true;
      waiter.setResult(this);
    },
    // Woken and cancelled at once: the lock would be lost if the next one were not woken.
    passOn: () => {
      if (!this.#locked) this.#waiters.wakeHead();
    },
  });
  readonly #taken = Promise.resolve(this);

  /** Tells whether somebody holds it. */
  locked(): boolean {
    return this.#locked;
  }

  /**
   * Waits until the lock is free and takes it; gives the lock itself, so that `using held = await lock.acquire()`
   * releases it at the end of the block. Does not suspend when the lock is free and nobody waits.
   */
  acquire(): Promise<this> {
    if (this.#locked || this.#waiters.waiting) return this.#waiters.wait();
    this.#locked = true;
    return this.#taken;
  }

  /** Frees the lock and wakes the head of the line. Throws RuntimeError when it is free. */
  release(): void {
    if (!this.#locked) throw new RuntimeError("Lock is not acquired: release() goes with an acquire()");
    this.#locked = false;
    this.#waiters.wakeHead();
  }

  [inspect.custom](): string {
    return `<Lock ${this.#locked ? "locked" : "unlocked"}, ${this.#waiters.size} waiting>`;
  }
}
