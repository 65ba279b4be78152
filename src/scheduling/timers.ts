/**
 * The timers of a loop, in a heap ordered by deadline and then by age, so that equal deadlines fire first-in
 * first-out. A cancelled timer stays until it comes to the top, or until more than half are cancelled
 * (`BaseEventLoop._run_once` of CPython has the same rule).
 */
import TinyQueue from "tinyqueue";
import type { Runnable } from "./events.ts";

/** Something that becomes ready at a time. */
export interface Timer extends Runnable {
  readonly _when: number;
  /** The order of making, which decides among equal deadlines. */
  _age: number;
  /** Whether it was cancelled. */
  readonly _off: boolean;
  _inHeap: boolean;
}

const SMALL_HEAP = 100;
const earlier = (a: Timer, b: Timer) => a._when - b._when || a._age - b._age;

export class TimerHeap {
  #heap = new TinyQueue<Timer>([], earlier);
  #age = 0;
  #cancelled = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(timer: Timer): void {
    timer._age = this.#age++;
    timer._inHeap = true;
    this.#heap.push(timer);
  }

  /** Notes that a timer in the heap was cancelled. */
  noteCancelled(): void {
    this.#cancelled++;
  }

  /** The earliest deadline of a timer that is not cancelled, or null: a deadline of Infinity is none. */
  next(): number | null {
    if (this.#cancelled > 0) this.#dropCancelled();
    const when = this.#heap.peek()?._when ?? Infinity;
    return when === Infinity ? null : when;
  }

  /** Moves the timers that are due to the ready queue, the earliest first. */
  moveDue(now: number, ready: { push(timer: Timer): void }): void {
    if (this.#cancelled > 0) this.#dropCancelled();
    for (let top = this.#heap.peek(); top !== undefined && top._when <= now; top = this.#heap.peek()) {
      this.#heap.pop();
      top._inHeap = false;
      if (top._off) this.#cancelled--;
      ready.push(top);
    }
  }

  /** Takes all, in no order. */
  clear(): Timer[] {
    const timers = this.#heap.data;
    this.#heap = new TinyQueue<Timer>([], earlier);
    this.#cancelled = 0;
    return timers;
  }

  #dropCancelled(): void {
    if (this.#heap.length > SMALL_HEAP && this.#cancelled * 2 > this.#heap.length) {
      for (const timer of this.#heap.data) if (timer._off) timer._inHeap = false;
      this.#heap = new TinyQueue(
        this.#heap.data.filter((timer) => !timer._off),
        earlier,
      );
      this.#cancelled = 0;
    }
    for (let top = this.#heap.peek(); top?._off; top = this.#heap.peek()) {
      this.#heap.pop();
      top._inHeap = false;
      this.#cancelled--;
    }
  }
}
