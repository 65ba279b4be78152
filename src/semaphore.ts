/** A number of permits, as `asyncio.Semaphore`. */
import { inspect } from "node:util";
import { got } from "./errors.ts";
import { Waiters } from "./waiters.ts";

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
export class Semaphore {
  #value: number;
  readonly #waiters = new Waiters();
  readonly #taken = Promise.resolve(this);

  /** Throws RangeError when `value` is not an integer >= 0. */
  constructor(value = 1) {
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
    if (this.locked()) {
      const taken: Promise<this> = this.#acquire(() => taken);
      return taken;
    }
    this.#value--;
    return this.#taken;
  }

  /** Gives a permit back, and to the head of the line if somebody waits. */
  release(): void {
    this.#value++;
    this.#wakeNext();
  }

  /** Runs a function while holding a permit. */
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

  async #acquire(ofCall: () => Promise<this>): Promise<this> {
    try {
      // Cancelled when the permit was its own already: it goes back.
      await this.#waiters.wait(ofCall, () => {
        this.#value++;
      });
    } finally {
      while (this.#value > 0 && this.#wakeNext());
    }
    return this;
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

/** A Semaphore that refuses to get more permits back than it had at the start. */
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
