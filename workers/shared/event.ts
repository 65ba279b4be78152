/** A shared event is a flag that tasks of all threads can wait for: `Event`'s twin in shared memory. */
import { inspect } from "node:util";
import { defineCarrier, makeCarrier } from "../shipping/carrier.ts";
import { checkMayBlock } from "./blocking.ts";
import type { Gate, WaitKind } from "./gate.ts";
import { create, type Layout, open } from "./memory.ts";
import * as s from "./sections.ts";

const LAYOUT: Layout = { name: "SharedEvent", kind: 4, own: 0, gates: [1] };
const ALREADY_SET = Promise.resolve<true>(true);
/** One who is cancelled when the event is set has nothing that would be another's. */
const WAITING: WaitKind = { passOn: () => {} };

/**
 * A flag that is set and cleared by any thread; all who wait go on when it is set, also if it is cleared before they
 * run.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedEvent } from "threadloop/workers";
 *
 * await run(async () => {
 *   const ready = new SharedEvent();
 *   const job = runInExecutor(async () => {
 *     await ready.wait();
 *     return "went on";
 *   });
 *   ready.set();
 *   console.log(await job); // went on
 * });
 * ```
 */
export class SharedEvent {
  readonly #gate: Gate;

  constructor();
  /** @internal */
  constructor(memory: SharedArrayBuffer);
  constructor(memory = create(LAYOUT, [{ value: 0, cost: 0 }])) {
    this.#gate = open(LAYOUT, memory).gates[0]!.named("wait", this);
    makeCarrier(this, () => [LAYOUT.name, memory]);
  }

  /** Tells whether the flag is set. */
  isSet(): boolean {
    return this.#gate.value === 1;
  }

  /** Sets the flag and wakes all who wait, first-in first-out. */
  set(): void {
    if (!this.isSet()) this.#gate.call(s.GRANTED, 1);
  }

  /** Clears the flag. */
  clear(): void {
    this.#gate.clear();
  }

  /** Waits until the flag is set; does not suspend when it is. */
  wait(): Promise<true> {
    return this.isSet() ? ALREADY_SET : this.#wait();
  }

  /**
   * Does the same by blocking the thread, with everything else in it: for synchronous code in workers. `timeout` is in
   * milliseconds; null is no limit. Throws TimeoutError when it has passed, CancelledError when the job that waits is
   * cancelled, and RuntimeError on the main thread, which must not be blocked.
   */
  waitSync(timeout: number | null = null): true {
    checkMayBlock("event.waitSync", timeout);
    this.#gate.waitSync(timeout, WAITING);
    return true;
  }

  async #wait(): Promise<true> {
    await this.#gate.wait(WAITING);
    return true;
  }

  [inspect.custom](): string {
    return `<SharedEvent ${this.isSet() ? "set" : "unset"}, ${this.#gate.size} waiting>`;
  }
}

defineCarrier(LAYOUT.name, (memory: SharedArrayBuffer) => new SharedEvent(memory));
