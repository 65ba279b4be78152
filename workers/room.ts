// Room in a pool's queue: refusal when there is none, and those who wait for it, first-in first-out.

import { Future, QueueFull } from "../src/index.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { Settings } from "./options.ts";

export class Room {
  readonly #settings: Settings;
  readonly #dispatcher: Dispatcher;
  readonly #waiting: Future<void>[] = [];

  constructor(settings: Settings, dispatcher: Dispatcher) {
    this.#settings = settings;
    this.#dispatcher = dispatcher;
  }

  /** Throws QueueFull when one more job would not be taken. */
  check(): void {
    if (this.#isThere) return;
    throw new QueueFull(
      `Pool "${this.#settings.name}" has ${this.#dispatcher.queue.length} jobs waiting, its maxQueue: wait for room with ` +
        "`await pool.enqueue(fn, ...args)`",
    );
  }

  /** Waits until one more would be taken. */
  async wait(): Promise<void> {
    while (!this.#isThere) {
      const turn = new Future<void>();
      this.#waiting.push(turn);
      await turn;
    }
  }

  /** Wakes as many of those who wait as there may be room for; each looks again. */
  announce(): void {
    if (this.#waiting.length === 0) return;
    let room = Math.max(1, this.#settings.maxQueue - this.#dispatcher.queue.length);
    while (room > 0 && this.#waiting.length > 0 && this.#isThere) {
      const turn = this.#waiting.shift() as Future<void>;
      if (turn.done()) continue;
      turn.setResult();
      room--;
    }
  }

  /** Fails everybody who waits. */
  refuse(error: Error): void {
    for (const turn of this.#waiting.splice(0)) if (!turn.done()) turn.setException(error);
  }

  get #isThere(): boolean {
    const { maxQueue } = this.#settings;
    return this.#dispatcher.queue.length < maxQueue || (maxQueue === 0 && !this.#dispatcher.isFull);
  }
}
