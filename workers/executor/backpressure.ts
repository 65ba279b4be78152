// This is back-pressure: how many jobs may wait to be started, refusal when there are as many, and those who wait
// for room: by priority, first-in first-out within one. Who is woken and finds that a submit was quicker keeps the
// place.
//
// What counts as waiting the executor says. In a pool a job waits until its thread has started it: in the queue, while its
// function is on its way, or posted ahead. As many jobs as there are threads that would start one at once do not count:
// they wait for nothing but the message.

import TinyQueue from "tinyqueue";
import { Future, followSignal, QueueFull } from "../../src/core.ts";
import type { CallOptions } from "./options.ts";

/** Somebody who waits. */
interface Turn {
  readonly priority: number;
  readonly number: number;
  readonly signal: AbortSignal | undefined;
  woken: Future<void>;
}

const earlier = (a: Turn, b: Turn) => b.priority - a.priority || a.number - b.number;

/** Where jobs wait, as far as it matters here. */
export interface WaitingJobs {
  /** How many wait; below 0 when more would be started at once. */
  readonly backlog: number;
}

export class Backpressure {
  /** Names the executor at the beginning of a sentence. */
  readonly #executor: string;
  readonly #most: number;
  /** Whether jobs may be refused: else there is nothing to check. */
  readonly isLimited: boolean;
  readonly #jobs: WaitingJobs;
  #waiting = new TinyQueue<Turn>([], earlier);
  /** How many wait and were not woken: else there is nobody to announce room to. Those who have left stay in the heap until they come to the top. */
  inLine = 0;
  /** How many were woken and have not looked yet. */
  #awake = 0;
  #turns = 0;
  /** The next job has its room already. */
  #granted = false;

  constructor(executor: string, most: number, jobs: WaitingJobs) {
    this.#executor = executor;
    this.#most = most;
    this.isLimited = most !== Number.POSITIVE_INFINITY;
    this.#jobs = jobs;
  }

  /** Whether one more job would be taken. */
  get isThere(): boolean {
    return this.#spare > 0;
  }

  /** Whether there is room that nobody waits for. */
  get isFree(): boolean {
    return this.inLine === 0 && this.#awake === 0 && this.isThere;
  }

  /** How many jobs more would be taken. */
  get #spare(): number {
    if (!this.isLimited) return Number.POSITIVE_INFINITY;
    return this.#most - this.#jobs.backlog;
  }

  /** Throws QueueFull when one more job would not be taken. */
  check(): void {
    if (!this.isLimited || this.#granted || this.isThere) return;
    throw new QueueFull(
      `${this.#executor} has ${this.#most} jobs waiting, its maxQueue: wait for room with ` +
        "`await pool.enqueue(fn, ...args)`",
    );
  }

  /** Submits without another look: what was there a moment ago counts, though the threads go on meanwhile. */
  grant<T>(submit: () => T): T {
    this.#granted = true;
    try {
      return submit();
    } finally {
      this.#granted = false;
    }
  }

  /** Waits for room and uses it at once. Who is cancelled when woken passes it on. */
  async whenThere<T>(options: CallOptions | null, use: () => T): Promise<T> {
    const { priority = 0, signal } = options ?? {};
    const turn: Turn = { priority, number: this.#turns++, signal, woken: new Future<void>() };
    const leave = () => void turn.woken.cancel("The job's signal was aborted", signal?.reason);
    const unfollow = signal === undefined ? leave : followSignal(signal, leave);
    try {
      return await this.#wait(turn, leave, use);
    } finally {
      if (signal !== undefined) unfollow();
    }
  }

  async #wait<T>(turn: Turn, leave: () => void, use: () => T): Promise<T> {
    for (;;) {
      if (turn.signal?.aborted === true) leave();
      this.#waiting.push(turn);
      this.inLine++;
      this.announce();
      try {
        await turn.woken;
        if (this.isThere) return this.grant(use);
      } finally {
        if (turn.woken.cancelled()) this.#left();
        else this.#awake--;
        this.announce();
      }
      turn.woken = new Future<void>();
    }
  }

  /** Somebody gave up before being woken. */
  #left(): void {
    this.inLine--;
    if (this.#waiting.length <= 64 || this.#waiting.length <= 2 * this.inLine) return;
    this.#waiting = new TinyQueue(
      this.#waiting.data.filter(({ woken }) => !woken.done()),
      earlier,
    );
  }

  /** Wakes as many of those who wait as there may be room for; each looks again. */
  announce(): void {
    if (this.#waiting.length === 0) return;
    let room = this.#spare - this.#awake;
    while (room > 0) {
      const turn = this.#waiting.pop();
      if (turn === undefined) return;
      if (turn.woken.done()) continue;
      this.inLine--;
      this.#awake++;
      turn.woken.setResult();
      room--;
    }
  }

  /** Fails everybody who waits. */
  refuse(error: Error): void {
    const waiting = this.#waiting.data;
    this.#waiting = new TinyQueue<Turn>([], earlier);
    for (const { woken } of waiting) {
      if (woken.done()) continue;
      this.inLine--;
      this.#awake++;
      woken.setException(error);
    }
  }
}
