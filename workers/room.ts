// Room in a pool's queue: refusal when there is none, and those who wait for it: by priority, first-in first-out within
// one. Who is woken and finds that a submit was quicker keeps the place.

import { Future, QueueFull } from "../src/index.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { CallOptions, Settings } from "./options.ts";

/** Somebody who waits. */
interface Turn {
  readonly priority: number;
  readonly number: number;
  readonly signal: AbortSignal | undefined;
  woken: Future<void>;
}

export class Room {
  readonly #settings: Settings;
  readonly #dispatcher: Dispatcher;
  readonly #waiting: Turn[] = [];
  /** How many were woken and have not looked yet. */
  #awake = 0;
  #turns = 0;

  constructor(settings: Settings, dispatcher: Dispatcher) {
    this.#settings = settings;
    this.#dispatcher = dispatcher;
  }

  /** Whether one more job would be taken. */
  get isThere(): boolean {
    const { maxQueue } = this.#settings;
    return this.#dispatcher.queue.length < maxQueue || (maxQueue === 0 && !this.#dispatcher.isFull);
  }

  /** Whether there is room that nobody waits for. */
  get isFree(): boolean {
    return this.#waiting.length === 0 && this.#awake === 0 && this.isThere;
  }

  /** Throws QueueFull when one more job would not be taken. */
  check(): void {
    if (this.isThere) return;
    throw new QueueFull(
      `Pool "${this.#settings.name}" has ${this.#dispatcher.queue.length} jobs waiting, its maxQueue: wait for room with ` +
        "`await pool.enqueue(fn, ...args)`",
    );
  }

  /** Waits for room and uses it at once. Who is cancelled when woken passes it on. */
  async whenThere<T>(options: CallOptions | null, use: () => T): Promise<T> {
    const { priority = 0, signal } = options ?? {};
    const turn: Turn = { priority, number: this.#turns++, signal, woken: new Future<void>() };
    const leave = () => void turn.woken.cancel("The job's signal was aborted", signal?.reason);
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await this.#wait(turn, leave, use);
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  async #wait<T>(turn: Turn, leave: () => void, use: () => T): Promise<T> {
    for (;;) {
      if (turn.signal?.aborted === true) leave();
      this.#line(turn);
      this.announce();
      try {
        await turn.woken;
        if (this.isThere) return use();
      } finally {
        if (!turn.woken.cancelled()) this.#awake--;
        this.announce();
      }
      turn.woken = new Future<void>();
    }
  }

  #line(turn: Turn): void {
    this.#waiting.push(turn);
    this.#waiting.sort((a, b) => b.priority - a.priority || a.number - b.number);
  }

  /** Wakes as many of those who wait as there may be room for; each looks again. */
  announce(): void {
    if (this.#waiting.length === 0) return;
    let room = Math.max(1, this.#settings.maxQueue - this.#dispatcher.queue.length) - this.#awake;
    while (room > 0 && this.#waiting.length > 0 && this.isThere) {
      const { woken } = this.#waiting.shift() as Turn;
      if (woken.done()) continue;
      this.#awake++;
      woken.setResult();
      room--;
    }
  }

  /** Fails everybody who waits. */
  refuse(error: Error): void {
    for (const { woken } of this.#waiting.splice(0)) {
      if (woken.done()) continue;
      this.#awake++;
      woken.setException(error);
    }
  }
}
