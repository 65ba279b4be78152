/** A semaphore hands out a number of permits, as `asyncio.Semaphore`. */

import { got } from "../errors/errors.ts";
import { inspect } from "../platform/node/inspect.ts";
import { Holdable } from "./holdable.ts";
import { Line } from "./line.ts";

/**
 * Lets so many tasks at a time through.
 *
 * First-in first-out: a released permit belongs to the head of the line at once, so a newcomer never overtakes. A
 * cancelled waiter's permit goes to the next.
 *
 * @example
 * ```ts
 * import { gather, run, Semaphore, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const atOnce = new Semaphore(2);
 *   let most = 0;
 *   let now = 0;
 *   const work = () => atOnce.with(async () => {
 *     most = Math.max(most, ++now);
 *     await sleep(1);
 *     now--;
 *   });
 *   await gather([work, work, work, work].map((fn) => () => fn()));
 *   console.log(most); // 2
 * });
 * ```
 */
export class Semaphore extends Holdable {
  #value: number;
  readonly #waiters = new Line<this>("acquire", this, {
    take: (waiter) => {
      waiter.setResult(this);
      this.#wakeAll();
    },
    // Cancelled when the permit was its own already: it goes back.
    passOn: (woken) => {
      if (woken) this.#value++;
      this.#wakeAll();
    },
  });
  readonly #taken = Promise.resolve(this);

  /** Throws RangeError when `value` is not an integer >= 0. */
  constructor(value = 1) {
    super();
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(`Expected \`value\` to be an integer >= 0, got ${got(value)}`);
    }
    this.#value = value;
  }

  /** The permits that are free. */
  get value(): number {
    return this.#value;
  }

  /** Tells whether `acquire` would have to wait. */
  locked(): boolean {
    return this.#value === 0 || this.#waiters.waiting;
  }

  /** Waits for a permit; gives the semaphore, so that `using permit = await semaphore.acquire()` releases it. */
  acquire(): Promise<this> {
    if (this.locked()) return this.#waiters.wait();
    this.#value--;
    return this.#taken;
  }

  /** Gives a permit back, and to the head of the line if somebody waits. */
  release(): void {
    this.#value++;
    this.#wakeNext();
  }

  /** Hands out the permits that are free. */
  #wakeAll(): void {
    while (this.#value > 0 && this.#wakeNext());
  }

  /** Hands a permit to the first who sleeps; false when nobody does. */
  #wakeNext(): boolean {
    if (this.#waiters.wake(1) === 0) return false;
    this.#value--;
    return true;
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} value=${this.#value}, ${this.#waiters.size} waiting>`;
  }
}

/**
 * A Semaphore that refuses to get more permits back than it had at the start: `release` throws RangeError then.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore, run } from "threadloop";
 *
 * await run(async () => {
 *   const connections = new BoundedSemaphore(2);
 *   console.log(await connections.with(() => "one of two")); // one of two
 *   try {
 *     connections.release(); // once too often
 *   } catch (error) {
 *     console.log(error instanceof RangeError); // true
 *   }
 * });
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  constructor(value = 1) {
    super(value);
    this.#bound = value;
  }

  /** Gives a permit back. Throws RangeError when none is out. */
  override release(): void {
    if (this.value >= this.#bound) throw new RangeError("BoundedSemaphore released too many times");
    super.release();
  }
}
