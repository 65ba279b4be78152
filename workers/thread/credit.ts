// Credit is the back-pressure of a stream, on the producer's side.

import { Future } from "../../src/core.ts";

/** How many items the reader still takes. */
export class Credit {
  #left: number;
  #waiting: Future<void> | null = null;

  constructor(count: number) {
    this.#left = count;
  }

  give(count: number): void {
    this.#left += count;
    if (this.#waiting !== null && !this.#waiting.done()) this.#waiting.setResult();
    this.#waiting = null;
  }

  /** Uses one up; null, or what to wait for when none is left. */
  take(): Promise<void> | null {
    return --this.#left > 0 ? null : this.#more();
  }

  async #more(): Promise<void> {
    while (this.#left <= 0) {
      this.#waiting = new Future<void>();
      await this.#waiting;
    }
  }
}
