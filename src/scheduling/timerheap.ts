/**
 * The timers of a loop are in a heap ordered by deadline and then by age, so that equal deadlines fire first-in
 * first-out. A cancelled timer stays until it comes to the top, or until more than half are cancelled
 * (`BaseEventLoop._run_once` of CPython has the same rule).
 *
 * The deadlines lie beside the timers, in arrays of plain numbers: of a hundred thousand timers none is in a cache, and
 * to ask each for its deadline, as a general heap does on its way down, took a tenth of all that such sleeps cost.
 */

import type { Timer } from "./events.ts";

/** A heap of no more timers than this is not cleared of cancelled ones. */
const SMALL = 100;

export class TimerHeap {
  /** The timer at each place, its deadline and its age: those at a place are no earlier than those at half of it. */
  #timers: Timer[] = [];
  #whens: number[] = [];
  #ages: number[] = [];
  #age = 0;
  #cancelled = 0;

  get size(): number {
    return this.#timers.length;
  }

  add(timer: Timer, when: number): void {
    timer._inHeap = true;
    this.#rise(this.size, timer, when, this.#age++);
  }

  /** Notes that a timer in the heap was cancelled. */
  noteCancelled(): void {
    this.#cancelled++;
  }

  /** The earliest deadline of a timer that is not cancelled, or null: a deadline of Infinity is none. */
  next(): number | null {
    if (this.#cancelled > 0) this.#dropCancelled();
    return this.size === 0 || this.#whens[0] === Infinity ? null : (this.#whens[0] as number);
  }

  /** Moves the timers that are due to the ready queue, the earliest first. */
  moveDue(now: number, ready: { push(timer: Timer): void }): void {
    if (this.#cancelled > 0) this.#dropCancelled();
    while (this.size > 0 && (this.#whens[0] as number) <= now) ready.push(this.#pop());
  }

  /** Takes all, in no order. */
  clear(): Timer[] {
    const timers = this.#timers;
    this.#timers = [];
    this.#whens = [];
    this.#ages = [];
    this.#cancelled = 0;
    return timers;
  }

  #dropCancelled(): void {
    if (this.size > SMALL && this.#cancelled * 2 > this.size) this.#keepPending();
    while (this.size > 0 && (this.#timers[0] as Timer)._off) this.#pop();
  }

  /** Makes a heap of those that were not cancelled, in the same arrays. */
  #keepPending(): void {
    const [timers, whens, ages] = [this.#timers, this.#whens, this.#ages];
    let size = 0;
    for (let at = 0; at < timers.length; at++) {
      const timer = timers[at] as Timer;
      if (timer._off) timer._inHeap = false;
      else this.#rise(size++, timer, whens[at] as number, ages[at] as number);
    }
    timers.length = whens.length = ages.length = size;
    this.#cancelled = 0;
  }

  /** Puts a timer at a place or above it: those there that are later move down. */
  #rise(place: number, timer: Timer, when: number, age: number): void {
    let at = place;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isEarlier(when, age, above)) break;
      this.#move(above, at);
      at = above;
    }
    this.#set(at, timer, when, age);
  }

  /** Takes the earliest; what was at the last place takes its own from above: those below that are earlier move up. */
  #pop(): Timer {
    const top = this.#timers[0] as Timer;
    const timer = this.#timers.pop() as Timer;
    const when = this.#whens.pop() as number;
    const age = this.#ages.pop() as number;
    const size = this.size;
    let at = 0;
    for (let below = 1; below < size; below = 2 * at + 1) {
      const right = below + 1;
      if (right < size && this.#isEarlier(this.#whens[right] as number, this.#ages[right] as number, below))
        below = right;
      if (this.#isEarlier(when, age, below)) break;
      this.#move(below, at);
      at = below;
    }
    if (size > 0) this.#set(at, timer, when, age);
    top._inHeap = false;
    if (top._off) this.#cancelled--;
    return top;
  }

  #isEarlier(when: number, age: number, than: number): boolean {
    const other = this.#whens[than] as number;
    return when < other || (when === other && age < (this.#ages[than] as number));
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#timers[from] as Timer, this.#whens[from] as number, this.#ages[from] as number);
  }

  #set(at: number, timer: Timer, when: number, age: number): void {
    this.#timers[at] = timer;
    this.#whens[at] = when;
    this.#ages[at] = age;
  }
}
