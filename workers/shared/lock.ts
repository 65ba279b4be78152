/** A shared lock gives mutual exclusion between the tasks of all threads: it is `Lock`'s twin in shared memory. */
import { inspect } from "node:util";
import { type Lockable, RuntimeError } from "../../src/core.ts";
import { defineCarrier, makeCarrier } from "../shipping/carrier.ts";
import { checkMayBlock } from "./blocking.ts";
import type { Gate, WaitKind } from "./gate.ts";
import { create, type Layout, open } from "./memory.ts";
import { OwnerDiedError } from "./ownerdied.ts";
import * as s from "./sections.ts";

const LAYOUT: Layout = { name: "SharedLock", kind: 1, own: 0, gates: [1] };

/**
 * A lock that one task at a time can hold, in whichever thread.
 *
 * Made in any thread and passed to others as an argument or a result, anywhere inside it, or captured by a closure:
 * all copies are the same lock. Those who wait get it first-in first-out across threads; a newcomer never overtakes
 * them. Waiting never blocks a loop; a cancelled waiter leaves the line, and what it was given at that moment goes to
 * the next.
 *
 * When the thread of the holder dies, everybody who waits gets OwnerDiedError, or the next who comes if nobody waits;
 * then the lock is free again.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedLock } from "threadloop/workers";
 *
 * await run(async () => {
 *   const lock = new SharedLock();
 *   const total = new Int32Array(new SharedArrayBuffer(4));
 *   const add = (times: number) => runInExecutor(async () => {
 *     for (let i = 0; i < times; i++) {
 *       await lock.with(() => {
 *         total[0] = total[0]! + 1;
 *       });
 *     }
 *   });
 *   await Promise.all([add(100), add(100)]);
 *   console.log(total[0]); // 200
 * });
 * ```
 */
export class SharedLock implements Lockable {
  readonly #gate: Gate;
  readonly #taken = Promise.resolve(this);

  constructor();
  /** @internal */
  constructor(memory: SharedArrayBuffer);
  constructor(memory = create(LAYOUT, [{ value: 1, bound: 1, fatal: true }])) {
    this.#gate = open(LAYOUT, memory).gates[0]!.named("acquire", this);
    makeCarrier(this, () => [LAYOUT.name, memory]);
  }

  /** Tells whether somebody holds it. */
  locked(): boolean {
    return this.#gate.value === 0;
  }

  /**
   * Waits until the lock is free and takes it; gives the lock itself, so that `using held = await lock.acquire()`
   * releases it at the end of the block. Does not suspend when the lock is free and nobody waits. Throws
   * OwnerDiedError when the thread of the holder dies.
   */
  acquire(): Promise<this> {
    const result = this.#gate.enter();
    return result === s.GRANTED ? this.#taken : this.#acquire(result);
  }

  /**
   * Does the same by blocking the thread, with everything else in it: for synchronous code in workers. Waits in the
   * same line. `timeout` is in milliseconds; null is no limit. Throws TimeoutError when it has passed, CancelledError
   * when the job that waits is cancelled, and RuntimeError on the main thread, which must not be blocked, and when the
   * lock is held by this very thread, which could never release it.
   */
  acquireSync(timeout: number | null = null): this {
    checkMayBlock("lock.acquireSync", timeout);
    return this._acquireSync(timeout, true);
  }

  /** @internal The same, where it is known that the thread may block; for a condition also if the job is cancelled. */
  _acquireSync(timeout: number | null, isCancellable: boolean): this {
    let result = this.#gate.enter();
    if (result === s.MUST_WAIT) {
      const isStuck = () => this.#gate.isHeldHere;
      result = this.#gate.waitSync(timeout, { ...this.#waiting, isStuck, isCancellable });
    }
    if (result === s.MUST_WAIT) {
      throw new RuntimeError(
        "This thread holds the lock: it could not release it while acquireSync() blocks it",
      );
    }
    if (result !== s.GRANTED) throw ownerDied();
    return this;
  }

  /** Frees the lock and wakes the head of the line. Throws RuntimeError when it is free. */
  release(): void {
    if (!this.#gate.give()) throw new RuntimeError("Lock is not acquired: release() goes with an acquire()");
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

  /** @internal How many holders have died. */
  get _lost(): number {
    return this.#gate.lost;
  }

  /** @internal Looks after a holder that has died. */
  _recover(): void {
    this.#gate.recover();
  }

  async #acquire(begun: number): Promise<this> {
    const outcome = begun === s.MUST_WAIT ? await this.#gate.wait(this.#waiting) : begun;
    if (outcome !== s.GRANTED) throw ownerDied();
    return this;
  }

  readonly #waiting: WaitKind = {
    passOn: (outcome) => {
      if (outcome === s.GRANTED) this.#gate.give();
    },
  };

  [inspect.custom](): string {
    return `<SharedLock ${this.locked() ? "locked" : "unlocked"}, ${this.#gate.size} waiting>`;
  }
}

defineCarrier(LAYOUT.name, (memory: SharedArrayBuffer) => new SharedLock(memory));

function ownerDied(): OwnerDiedError {
  return new OwnerDiedError("The thread that held the lock died: what the lock protects may be half changed");
}
