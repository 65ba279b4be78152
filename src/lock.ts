/** Mutual exclusion between tasks, as `asyncio.Lock`: fair, not re-entrant, owned by nobody. */
import { inspect } from "node:util";
import { CancelledError, RuntimeError } from "./errors.ts";
import { Waiters } from "./waiters.ts";

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
export class Lock implements Lockable {
  #locked = false;
  readonly #waiters = new Waiters();
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
    if (this.#locked || this.#waiters.waiting) {
      const taken: Promise<this> = this.#acquire(() => taken);
      return taken;
    }
    this.#locked = true;
    return this.#taken;
  }

  /** Frees the lock and wakes the head of the line. Throws RuntimeError when it is free. */
  release(): void {
    if (!this.#locked) throw new RuntimeError("Lock is not acquired: release() goes with an acquire()");
    this.#locked = false;
    this.#waiters.wakeHead();
  }

  /** Runs a function while holding the lock. */
  async with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    await this.acquire();
    try {
      return await body();
    } finally {
      this.release();
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }

  // Not by way of `wait()`: one async function less is an eighth of the price of a hand-over.
  async #acquire(ofCall: () => Promise<this>): Promise<this> {
    const waiter = this.#waiters.enter();
    try {
      await waiter;
    } catch (error) {
      this.#waiters.leave(waiter);
      ofCall().catch(() => {});
      // Woken and cancelled at once: the lock would be lost if the next one were not woken.
      if (error instanceof CancelledError && !this.#locked) this.#waiters.wakeHead();
      throw error;
    }
    this.#waiters.leave(waiter);
    this.#locked = true;
    return this;
  }

  [inspect.custom](): string {
    return `<Lock ${this.#locked ? "locked" : "unlocked"}, ${this.#waiters.size} waiting>`;
  }
}
