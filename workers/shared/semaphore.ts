/** A shared semaphore hands out permits to the tasks of all threads: it is `Semaphore`'s twin in shared memory. */
import { inspect } from "node:util";
import { got } from "../../src/core.ts";
import { defineCarrier, makeCarrier } from "../shipping/carrier.ts";
import { checkMayBlock } from "./blocking.ts";
import type { Gate, WaitKind } from "./gate.ts";
import { create, HOLDERS, type Layout, open, UNBOUNDED } from "./memory.ts";
import * as s from "./sections.ts";

const LAYOUT: Layout = { name: "SharedSemaphore", kind: 2, own: 0, gates: [HOLDERS] };
const BOUNDED: Layout = { ...LAYOUT, name: "SharedBoundedSemaphore", kind: 3 };

/**
 * Lets so many tasks at a time through, of all threads together.
 *
 * First-in first-out across threads: a released permit belongs to the head of the line at once. When a thread dies,
 * the permits it held come back. A permit that is released in another thread than it was acquired in is taken from a
 * thread that holds one. At most 64 threads at a time can use one semaphore.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedSemaphore } from "threadloop/workers";
 *
 * await run(async () => {
 *   const connections = new SharedSemaphore(2);
 *   const fetchPage = (page: number) => runInExecutor(() => connections.with(() => `page ${page}`));
 *   console.log(await Promise.all([1, 2, 3].map(fetchPage))); // [ 'page 1', 'page 2', 'page 3' ]
 * });
 * ```
 */
export class SharedSemaphore {
  readonly #gate: Gate;
  readonly #taken = Promise.resolve(this);

  /** Throws RangeError when `value` is not an integer >= 0. */
  constructor(value?: number);
  /** @internal */
  constructor(value: number | SharedArrayBuffer, layout?: Layout);
  constructor(value: number | SharedArrayBuffer = 1, layout: Layout = LAYOUT) {
    const memory = value instanceof SharedArrayBuffer ? value : memoryFor(value, layout);
    this.#gate = open(layout, memory).gates[0]!.named("acquire", this);
    makeCarrier(this, () => [layout.name, memory]);
  }

  /** The permits that are free. */
  get value(): number {
    this.#gate.recover();
    return this.#gate.value;
  }

  /** Tells whether `acquire` would have to wait. */
  locked(): boolean {
    this.#gate.recover();
    return this.#gate.isShut;
  }

  /** Waits for a permit; gives the semaphore, so that `using permit = await semaphore.acquire()` releases it. */
  acquire(): Promise<this> {
    return this.#gate.enter() === s.GRANTED ? this.#taken : this.#acquire();
  }

  /**
   * Does the same by blocking the thread, with everything else in it: for synchronous code in workers. `timeout` is in
   * milliseconds; null is no limit. Throws TimeoutError when it has passed, CancelledError when the job that waits is
   * cancelled, and RuntimeError on the main thread, which must not be blocked.
   */
  acquireSync(timeout: number | null = null): this {
    checkMayBlock("semaphore.acquireSync", timeout);
    if (this.#gate.enter() !== s.GRANTED) this.#gate.waitSync(timeout, this.#waiting);
    return this;
  }

  /** Gives a permit back, and to the head of the line if somebody waits. */
  release(): void {
    if (!this.#gate.give()) throw new RangeError("BoundedSemaphore released too many times");
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

  async #acquire(): Promise<this> {
    await this.#gate.wait(this.#waiting);
    return this;
  }

  readonly #waiting: WaitKind = {
    passOn: () => {
      this.#gate.give();
    },
  };

  [inspect.custom](): string {
    return `<${this.constructor.name} value=${this.value}, ${this.#gate.size} waiting>`;
  }
}

/**
 * A SharedSemaphore that refuses to get more permits back than it had at the start.
 *
 * @example
 * ```ts
 * import { SharedBoundedSemaphore } from "threadloop/workers";
 *
 * const seats = new SharedBoundedSemaphore(1);
 * await seats.acquire();
 * seats.release();
 * try {
 *   seats.release();
 * } catch (error) {
 *   console.log(error instanceof RangeError); // true
 * }
 * ```
 */
export class SharedBoundedSemaphore extends SharedSemaphore {
  constructor(value?: number);
  /** @internal */
  constructor(value: number | SharedArrayBuffer);
  constructor(value: number | SharedArrayBuffer = 1) {
    super(value, BOUNDED);
  }
}

defineCarrier(LAYOUT.name, (memory: SharedArrayBuffer) => new SharedSemaphore(memory));
defineCarrier(BOUNDED.name, (memory: SharedArrayBuffer) => new SharedBoundedSemaphore(memory));

function memoryFor(value: number, layout: Layout): SharedArrayBuffer {
  if (!Number.isInteger(value) || value < 0) {
    throw new RangeError(`Expected \`value\` to be an integer >= 0, got ${got(value)}`);
  }
  if (value > UNBOUNDED) {
    throw new RangeError(`Expected \`value\` to be at most ${UNBOUNDED}, got ${got(value)}`);
  }
  return create(layout, [{ value, bound: layout === BOUNDED ? value : UNBOUNDED }]);
}
