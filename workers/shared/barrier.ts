/** A shared barrier is a point where so many tasks of all threads wait for each other: `Barrier`'s twin in shared memory. */
import { inspect } from "node:util";
import { BrokenBarrierError, got } from "../../src/core.ts";
import { defineCarrier, makeCarrier } from "../shipping/carrier.ts";
import { INDEX_SHIFT, statusOf } from "./barriersections.ts";
import { arriveSteps, breakSteps, sendAwaySteps } from "./barriersteps.ts";
import { checkMayBlock } from "./blocking.ts";
import { type Gate, type WaitKind, wakeEach } from "./gate.ts";
import { create, type Layout, OWN, open } from "./memory.ts";
import { OwnerDiedError } from "./ownerdied.ts";
import * as s from "./sections.ts";

const LAYOUT: Layout = { name: "SharedBarrier", kind: 6, own: 1, gates: [1] };
const PARTIES = OWN;
/** An index is told in what is left of 32 bits. */
const MOST_PARTIES = 2 ** (31 - INDEX_SHIFT);

/**
 * Lets tasks through in rounds of `parties`, from whichever threads they come.
 *
 * A waiter that is cancelled while the round fills just leaves. When a thread dies that waits at the barrier, all who
 * wait with it get OwnerDiedError and the barrier is broken until `reset`, as the round would never be full.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedBarrier } from "threadloop/workers";
 *
 * await run(async () => {
 *   const barrier = new SharedBarrier(2);
 *   const phase = () => runInExecutor(async () => {
 *     // the first half of the work
 *     await barrier.wait();
 *     return "both are half done";
 *   });
 *   console.log(await Promise.all([phase(), phase()]));
 * });
 * ```
 */
export class SharedBarrier {
  readonly #m: Int32Array;
  readonly #gate: Gate;

  /** Throws RangeError when `parties` is not an integer >= 1. */
  constructor(parties: number);
  /** @internal */
  constructor(memory: SharedArrayBuffer);
  constructor(parties: number | SharedArrayBuffer) {
    const memory = parties instanceof SharedArrayBuffer ? parties : memoryFor(parties);
    const { m, gates } = open(LAYOUT, memory);
    this.#m = m;
    this.#gate = gates[0]!.named("wait", this);
    this.#gate.afterDeath = () => wakeEach(breakSteps(m, gates[0]!.at));
    makeCarrier(this, () => [LAYOUT.name, memory]);
  }

  /** How many tasks make a round. */
  get parties(): number {
    return this.#m[PARTIES]!;
  }

  /** How many wait for the round to fill. */
  get nWaiting(): number {
    return this.broken ? 0 : this.#gate.size;
  }

  /** Whether it was aborted, or one of those who waited has died. */
  get broken(): boolean {
    return Atomics.load(this.#m, s.CLOSED) === 1;
  }

  /**
   * Waits until `parties` tasks wait; gives each a number of its own from 0. Throws BrokenBarrierError when the
   * barrier is broken, or is reset or aborted meanwhile, and OwnerDiedError when a thread that waits here dies.
   */
  async wait(): Promise<number> {
    const [waiting, index] = this.#arrival();
    return this.#passed(await this.#gate.wait(waiting), index());
  }

  /**
   * Does the same by blocking the thread, with everything else in it: for synchronous code in workers. `timeout` is in
   * milliseconds; null is no limit. Throws TimeoutError when it has passed, CancelledError when the job that waits is
   * cancelled, and RuntimeError on the main thread, which must not be blocked.
   */
  waitSync(timeout: number | null = null): number {
    checkMayBlock("barrier.waitSync", timeout);
    const [waiting, index] = this.#arrival();
    return this.#passed(this.#gate.waitSync(timeout, waiting), index());
  }

  /** Waits, then runs a function. */
  async with<T>(body: (index: number) => PromiseLike<T> | T): Promise<T> {
    return await body(await this.wait());
  }

  /** Empties the barrier: those who wait get BrokenBarrierError, and it can be used again. */
  async reset(): Promise<void> {
    wakeEach(sendAwaySteps(this.#m, this.#gate.at, 0));
  }

  /** Breaks the barrier: those who wait, and all who come before a reset, get BrokenBarrierError. */
  async abort(): Promise<void> {
    wakeEach(sendAwaySteps(this.#m, this.#gate.at, 1));
  }

  #arrival(): [waiting: WaitKind, index: () => number] {
    let index = 0;
    const join = (record: number, sync: number) => {
      const result = wakeEach(arriveSteps(this.#m, this.#gate.at, this.parties, record, sync));
      index = result >> INDEX_SHIFT;
      return statusOf(result);
    };
    return [{ join, passOn: () => {} }, () => index];
  }

  #passed(outcome: number, index: number): number {
    if (outcome === s.GRANTED) return index;
    if (outcome === s.OWNER_DIED) {
      throw new OwnerDiedError("A thread that waited at the barrier died: the round would never be full");
    }
    throw new BrokenBarrierError("The barrier is broken, or was aborted or reset: reset() mends it");
  }

  [inspect.custom](): string {
    return `<SharedBarrier ${this.broken ? "broken" : "filling"}, ${this.nWaiting} of ${this.parties}>`;
  }
}

defineCarrier(LAYOUT.name, (memory: SharedArrayBuffer) => new SharedBarrier(memory));

function memoryFor(parties: number): SharedArrayBuffer {
  if (!Number.isInteger(parties) || parties < 1) {
    throw new RangeError(`Expected \`parties\` to be an integer >= 1, got ${got(parties)}`);
  }
  if (parties > MOST_PARTIES) {
    throw new RangeError(`Expected \`parties\` to be at most ${MOST_PARTIES}, got ${got(parties)}`);
  }
  const memory = create(LAYOUT, [{ value: 0, cost: 0 }]);
  new Int32Array(memory)[PARTIES] = parties;
  return memory;
}
