/** A condition waits, with a lock held, for something to become true, as `asyncio.Condition`. */

import { CancelledError, got, isInstance, RuntimeError } from "../errors/errors.ts";
import { inspect, types } from "../platform/node/inspect.ts";
import { Holdable } from "./holdable.ts";
import { Line } from "./line.ts";
import { Lock, type Lockable } from "./lock.ts";

/** Throws RuntimeError when tasks of another loop wait on a condition. */
export let checkLoopOf: (condition: Condition) => void;

/**
 * A lock together with a line of tasks that wait to be notified.
 *
 * `wait` returns, or throws, with the lock held again; a cancel while it is being taken again is thrown after that.
 * A wake-up may be spurious, so wait in a loop, or with `waitFor`.
 *
 * @example
 * ```ts
 * import { Condition, createTask, run } from "threadloop";
 *
 * await run(async () => {
 *   const condition = new Condition();
 *   const items: string[] = [];
 *   const consumer = createTask(() => condition.with(async () => {
 *     await condition.waitFor(() => items.length > 0);
 *     console.log(items.pop());
 *   }));
 *   await condition.with(() => {
 *     items.push("apple");
 *     condition.notify();
 *   });
 *   await consumer;
 * });
 * ```
 */
export class Condition extends Holdable implements Lockable {
  readonly #lock: Lockable;
  readonly #waiters = new Line<true>("wait", this, { take: (waiter) => waiter.setResult(true) });

  /** Uses a lock of its own unless given one, which several conditions can share. */
  constructor(lock: Lockable = new Lock()) {
    super();
    if (typeof (lock as Partial<Lockable> | null)?.acquire !== "function")
      throw new TypeError(`Expected \`lock\` to be a Lock, got ${got(lock)}`);
    this.#lock = lock;
  }

  /** Tells whether the lock is held. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /** Takes the lock; gives the condition, so that `using held = await condition.acquire()` releases it. */
  async acquire(): Promise<this> {
    await this.#lock.acquire();
    return this;
  }

  /** Releases the lock. Throws RuntimeError when it is free. */
  release(): void {
    this.#lock.release();
  }

  /**
   * Releases the lock, waits to be notified and takes the lock again. Throws RuntimeError when the lock is free. Who
   * is cancelled after having been notified passes the notification on.
   */
  wait(): Promise<true> {
    const waiting: Promise<true> = this.#wait(() => waiting);
    return waiting;
  }

  async #wait(ofCall: () => Promise<true>): Promise<true> {
    if (!this.locked()) throw new RuntimeError("Cannot wait on a Condition whose lock is not acquired");
    this.release();
    let outcome: { error: unknown } | null = null;
    try {
      await this.#waiters.wait();
    } catch (error) {
      outcome = { error };
      // A task may have begun the wait and not come to await it when it is cancelled: that is no unhandled failure.
      ofCall().catch(() => {});
    }
    outcome = (await this.#reacquire()) ?? outcome;
    if (outcome === null) return true;
    this.#waiters.wake(1);
    throw outcome.error;
  }

  /**
   * Waits until a condition is true and gives its value. The condition is looked at with the lock held, so it cannot wait:
   * throws TypeError when it is no function or gives a promise, which would always count as true.
   */
  async waitFor<T>(predicate: () => T): Promise<T> {
    if (typeof predicate !== "function")
      throw new TypeError(`Expected \`predicate\` to be a function, got ${got(predicate)}`);
    for (;;) {
      const result = predicate();
      if (types.isPromise(result))
        throw new TypeError(
          `Expected \`predicate\` to give a value, got ${got(result)}: it must not be async`,
        );
      if (result) return result;
      await this.wait();
    }
  }

  /** Wakes at most so many of those who wait. Throws RuntimeError when the lock is free. */
  notify(count = 1): void {
    if (!this.locked()) throw new RuntimeError("Cannot notify on a Condition whose lock is not acquired");
    this.#waiters.wake(count);
  }

  /** Wakes all who wait. Throws RuntimeError when the lock is free. */
  notifyAll(): void {
    this.notify(this.#waiters.size);
  }

  static {
    checkLoopOf = (condition) => condition.#waiters.check();
  }

  /** Takes the lock, however often it is cancelled meanwhile; gives the last cancel. */
  async #reacquire(): Promise<{ error: unknown } | null> {
    let cancelled: { error: unknown } | null = null;
    for (;;) {
      try {
        await this.#lock.acquire();
        return cancelled;
      } catch (error) {
        if (!isInstance(error, CancelledError)) throw error;
        cancelled = { error };
      }
    }
  }

  [inspect.custom](): string {
    return `<Condition ${this.locked() ? "locked" : "unlocked"}, ${this.#waiters.size} waiting>`;
  }
}
