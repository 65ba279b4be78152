/**
 * The line of those who wait, under every lock: first-in first-out, and one who is cancelled leaves it at once, so
 * that leaving is written here and nowhere else. A waiter is woken by giving its future a result; it is in the line
 * until its task runs, which is how a newcomer knows that it must not overtake.
 */
import { Future } from "./future.ts";

export class Waiters {
  readonly #line = new Set<Future<void>>();

  get size(): number {
    return this.#line.size;
  }

  /** Puts a waiter at the end of the line: await it, and whatever comes of that, let it leave. */
  enter(): Future<void> {
    const waiter = new Future<void>();
    this.#line.add(waiter);
    return waiter;
  }

  leave(waiter: Future<void>): void {
    this.#line.delete(waiter);
  }

  /**
   * Waits to be woken; throws the CancelledError when the waiting task is cancelled. Who is cancelled after it was
   * woken calls `passOn`, for what it was woken for must go to the next.
   *
   * `ofCall` is the promise that the caller got. A task may have begun the wait and not come to await it when it is
   * cancelled: that is no failure that nobody handles, which would end the process.
   */
  async wait(ofCall: () => Promise<unknown>, passOn?: () => void): Promise<void> {
    const waiter = this.enter();
    try {
      await waiter;
    } catch (error) {
      this.leave(waiter);
      ofCall().catch(ignore);
      if (passOn !== undefined && !waiter.cancel() && !waiter.cancelled()) passOn();
      throw error;
    }
    this.leave(waiter);
  }

  /** Tells whether somebody is in line who has not been cancelled. */
  get waiting(): boolean {
    for (const waiter of this.#line) if (!waiter.cancelled()) return true;
    return false;
  }

  /** Wakes the head of the line, unless it was woken or cancelled already and only has not run yet. */
  wakeHead(): void {
    for (const waiter of this.#line) {
      if (!waiter.done()) waiter.setResult();
      return;
    }
  }

  /** Wakes the first so many who are asleep; returns how many that were. */
  wake(count: number): number {
    let woken = 0;
    for (const waiter of this.#line) {
      if (woken >= count) break;
      if (waiter.done()) continue;
      waiter.setResult();
      woken++;
    }
    return woken;
  }

  /** Takes those off the line who are done, up to and with the first who is asleep, and wakes that one. */
  wakeAndRemove(): boolean {
    for (const waiter of this.#line) {
      this.#line.delete(waiter);
      if (waiter.done()) continue;
      waiter.setResult();
      return true;
    }
    return false;
  }
}

function ignore(): void {}
