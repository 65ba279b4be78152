/**
 * A barrier is a point where so many tasks wait for each other, as `asyncio.Barrier`.
 *
 * States: filling; draining (all have come and leave); resetting (reset while some waited: they leave with an error);
 * broken (aborted, until reset).
 */

import { got } from "../errors/errors.ts";
import { BrokenBarrierError } from "../errors/syncerrors.ts";
import { inspect } from "../platform/node/inspect.ts";
import { Condition, checkLoopOf } from "./condition.ts";

type BarrierState = "filling" | "draining" | "resetting" | "broken";

/**
 * Lets tasks through in rounds of `parties`.
 *
 * Who comes while a round leaves waits for the next one. A waiter that is cancelled while the round fills just leaves.
 *
 * @example
 * ```ts
 * import { Barrier, gather, run } from "threadloop";
 *
 * await run(async () => {
 *   const barrier = new Barrier(2);
 *   console.log((await gather(() => barrier.wait(), () => barrier.wait())).sort()); // [ 0, 1 ]
 * });
 * ```
 */
export class Barrier {
  /** How many tasks make a round. */
  readonly parties: number;
  readonly #condition: Condition = new BarrierCondition(this);
  #state: BarrierState = "filling";
  #count = 0;

  /** Throws RangeError when `parties` is not an integer >= 1. */
  constructor(parties: number) {
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(`Expected \`parties\` to be an integer >= 1, got ${got(parties)}`);
    }
    this.parties = parties;
  }

  /** How many wait for the round to fill. */
  get nWaiting(): number {
    return this.#state === "filling" ? this.#count : 0;
  }

  /** Whether it was aborted. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Waits until `parties` tasks wait; gives each a number of its own from 0. Throws BrokenBarrierError when the
   * barrier is broken, or is reset or aborted meanwhile; RuntimeError when tasks of another loop wait.
   */
  wait(): Promise<number> {
    return this.#condition.with(async () => {
      checkLoopOf(this.#condition);
      await this.#condition.waitFor(() => this.#state !== "draining" && this.#state !== "resetting");
      if (this.#state === "broken") throw new BrokenBarrierError("The barrier is broken: reset() mends it");
      const index = this.#count++;
      try {
        if (this.#count === this.parties) this.#drain();
        else await this.#filled();
        return index;
      } finally {
        this.#leave();
      }
    });
  }

  /** Waits, then runs a function. */
  async with<T>(body: (index: number) => PromiseLike<T> | T): Promise<T> {
    return await body(await this.wait());
  }

  /** Empties the barrier: those who wait get BrokenBarrierError, and it can be used again. */
  reset(): Promise<void> {
    return this.#condition.with(() => {
      this.#state = this.#count > 0 ? "resetting" : "filling";
      this.#condition.notifyAll();
    });
  }

  /** Breaks the barrier: those who wait, and all who come before a reset, get BrokenBarrierError. */
  abort(): Promise<void> {
    return this.#condition.with(() => {
      this.#state = "broken";
      this.#condition.notifyAll();
    });
  }

  #drain(): void {
    this.#state = "draining";
    this.#condition.notifyAll();
  }

  async #filled(): Promise<void> {
    await this.#condition.waitFor(() => this.#state !== "filling");
    if (this.#state === "broken" || this.#state === "resetting") {
      throw new BrokenBarrierError("The barrier was aborted or reset");
    }
  }

  #leave(): void {
    this.#count--;
    if (this.#count > 0) return;
    if (this.#state === "resetting" || this.#state === "draining") this.#state = "filling";
    this.#condition.notifyAll();
  }

  [inspect.custom](): string {
    return `<Barrier ${this.#state}, ${this.#count} of ${this.parties}>`;
  }
}

/** A condition that reports and errors call by its barrier. */
class BarrierCondition extends Condition {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    super();
    this.#barrier = barrier;
  }

  override [inspect.custom](): string {
    return inspect(this.#barrier);
  }
}
