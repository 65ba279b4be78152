/** A shared condition waits, with a lock held, for something another thread makes true: `Condition`'s twin. */
import { inspect } from "node:util";
import { CancelledError, got, isInstance, type Lockable, RuntimeError } from "../../src/core.ts";
import { defineCarrier, isCarrier, makeCarrier } from "../shipping/carrier.ts";
import { checkMayBlock } from "./blocking.ts";
import type { Gate } from "./gate.ts";
import { SharedLock } from "./lock.ts";
import { create, type Layout, open } from "./memory.ts";
import { OwnerDiedError } from "./ownerdied.ts";
import * as s from "./sections.ts";

const LAYOUT: Layout = { name: "SharedCondition", kind: 5, own: 0, gates: [1] };

/**
 * A lock together with a line of tasks, of all threads, that wait to be notified.
 *
 * `wait` returns, or throws, with the lock held again; a cancel while it is being taken again is thrown after that.
 * A wake-up may be spurious, so wait in a loop, or with `waitFor`. When a thread dies while it holds the lock,
 * everybody who waits gets OwnerDiedError.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedCondition } from "threadloop/workers";
 *
 * await run(async () => {
 *   const condition = new SharedCondition();
 *   const stock = new Int32Array(new SharedArrayBuffer(4));
 *   const buyer = runInExecutor(() => condition.with(async () => {
 *     await condition.waitFor(() => stock[0]! > 0);
 *     return stock[0];
 *   }));
 *   await condition.with(() => {
 *     stock[0] = 7;
 *     condition.notify();
 *   });
 *   console.log(await buyer); // 7
 * });
 * ```
 */
export class SharedCondition implements Lockable {
  readonly #lock: SharedLock;
  readonly #gate: Gate;

  /**
   * Uses a lock of its own unless given one, which several conditions can share. Throws TypeError when that is not a
   * SharedLock.
   */
  constructor(lock?: SharedLock);
  /** @internal */
  constructor(lock: SharedLock | undefined, memory: SharedArrayBuffer);
  constructor(lock = new SharedLock(), memory = create(LAYOUT, [{ value: 0 }])) {
    if (lock === null || !isCarrier(lock)) {
      throw new TypeError(
        `Expected \`lock\` to be a SharedLock, which other threads can take, got ${got(lock)}`,
      );
    }
    this.#lock = lock;
    this.#gate = open(LAYOUT, memory).gates[0]!.named("wait", this);
    makeCarrier(this, () => [LAYOUT.name, lock, memory]);
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

  /** Takes the lock by blocking the thread, as `SharedLock.acquireSync` does. */
  acquireSync(timeout: number | null = null): this {
    this.#lock.acquireSync(timeout);
    return this;
  }

  /** Releases the lock. Throws RuntimeError when it is free. */
  release(): void {
    this.#lock.release();
  }

  /** Runs a function while holding the lock. */
  with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    return this.#lock.with(body);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * Releases the lock, waits to be notified and takes the lock again. Throws RuntimeError when the lock is free, and
   * OwnerDiedError when a thread has died while it held the lock. Who is cancelled after having been notified passes
   * the notification on.
   */
  async wait(): Promise<true> {
    this.#checkLocked("wait");
    let failure: Failure = null;
    try {
      const ending = this.#gate.wait(this.#waiting());
      this.release();
      if ((await ending) === s.OWNER_DIED) failure = { error: ownerDied() };
    } catch (error) {
      failure = { error };
    }
    failure = (await this.#reacquire()) ?? failure;
    if (failure === null) return true;
    this.#gate.notify(1);
    throw failure.error;
  }

  /**
   * Does the same by blocking the thread, with everything else in it: for synchronous code in workers. `timeout` is in
   * milliseconds; null is no limit. Throws TimeoutError when it has passed and CancelledError when the job that waits
   * is cancelled, with the lock held again; RuntimeError on the main thread, which must not be blocked.
   */
  waitSync(timeout: number | null = null): true {
    checkMayBlock("condition.waitSync", timeout);
    this.#checkLocked("wait");
    const { join, ...waiting } = this.#waiting();
    const release = (record: number, sync: number) => {
      const result = join(record, sync);
      this.release();
      return result;
    };
    try {
      if (this.#gate.waitSync(timeout, { ...waiting, join: release }) === s.OWNER_DIED) throw ownerDied();
    } finally {
      this.#reacquireSync();
    }
    return true;
  }

  /** Waits until a condition is true and gives its value. */
  async waitFor<T>(predicate: () => T): Promise<T> {
    let result = predicate();
    while (!result) {
      await this.wait();
      result = predicate();
    }
    return result;
  }

  /** Wakes at most so many of those who wait. Throws RuntimeError when the lock is free. */
  notify(count = 1): void {
    this.#checkLocked("notify");
    this.#gate.notify(count);
  }

  /** Wakes all who wait. Throws RuntimeError when the lock is free. */
  notifyAll(): void {
    this.#checkLocked("notify");
    this.#gate.call(s.GRANTED, 0);
  }

  #checkLocked(what: string): void {
    if (!this.locked()) throw new RuntimeError(`Cannot ${what} on a Condition whose lock is not acquired`);
  }

  /** One wait: hopeless once a thread has died that held the lock since now. */
  #waiting() {
    const gate = this.#gate;
    const lost = this.#lock._lost;
    return {
      join: (record: number, sync: number) => s.enter(gate.m, gate.at, gate.entry, record, sync),
      passOn: () => {
        gate.notify(1);
      },
      isDoomed: () => {
        this.#lock._recover();
        return this.#lock._lost !== lost;
      },
    };
  }

  /** Takes the lock, however often it is cancelled meanwhile, or its holder dies; gives the last such error. */
  async #reacquire(): Promise<Failure> {
    let failure: Failure = null;
    for (;;) {
      try {
        await this.#lock.acquire();
        return failure;
      } catch (error) {
        if (!isPassing(error)) throw error;
        failure = { error };
      }
    }
  }

  /** The same, blocking the thread. */
  #reacquireSync(): void {
    let failure: Failure = null;
    for (;;) {
      try {
        this.#lock._acquireSync(null, false);
        break;
      } catch (error) {
        if (!isPassing(error)) throw error;
        failure = { error };
      }
    }
    if (failure !== null) throw failure.error;
  }

  [inspect.custom](): string {
    return `<SharedCondition ${this.locked() ? "locked" : "unlocked"}, ${this.#gate.size} waiting>`;
  }
}

defineCarrier(
  LAYOUT.name,
  (lock: SharedLock, memory: SharedArrayBuffer) => new SharedCondition(lock, memory),
);

type Failure = { readonly error: unknown } | null;

function isPassing(error: unknown): boolean {
  return isInstance(error, CancelledError) || isInstance(error, OwnerDiedError);
}

function ownerDied(): OwnerDiedError {
  return new OwnerDiedError(
    "A thread died while it held the condition's lock: what the lock protects may be half changed",
  );
}
