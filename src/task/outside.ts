/** A wait may be for what comes from outside the loop: bytes of a socket, the end of a process, a promise of other code. */
import { type AbstractEventLoop, runningLoop } from "../scheduling/events.ts";
import { Future } from "./future.ts";

/** A future that something outside the loop settles: while one is pending, a virtual clock does not jump. */
export class OutsideFuture<T = unknown> extends Future<T> {
  constructor(loop: AbstractEventLoop = runningLoop()) {
    super(loop);
    loop._waitOutside(1);
  }

  override _what(): string {
    return "something outside the loop";
  }

  override _tellAll(): void {
    super._tellAll();
    this._loop._waitOutside(-1);
  }
}

/** The future of a promise, which may be settled by tasks of the loop itself: a virtual clock jumps after a while. */
export class PromisedFuture<T = unknown> extends Future<T> {
  constructor(loop: AbstractEventLoop) {
    super(loop);
    loop._waitForPromise(1);
  }

  override _what(): string {
    return "a promise that was wrapped";
  }

  override _tellAll(): void {
    super._tellAll();
    this._loop._waitForPromise(-1);
  }
}

/** Those who wait for the same thing. Each has a future of its own, so cancelling one is nobody else's matter. */
export class OutsideWaiters {
  readonly #waiting = new Set<OutsideFuture<void>>();

  /** Waits to be woken, and leaves nothing behind when it is cancelled. */
  async wait(): Promise<void> {
    const future = new OutsideFuture<void>();
    this.#waiting.add(future);
    try {
      await future;
    } finally {
      this.#waiting.delete(future);
    }
  }

  /** Wakes all. */
  wake(): void {
    for (const future of this.#waiting) if (!future.done()) future.setResult();
  }

  /** Makes all waits fail with this error. */
  fail(error: unknown): void {
    for (const future of this.#waiting) if (!future.done()) future.setException(error);
  }
}
