// How fast a worker is: what is posted ahead to it, and when it is taken to be stuck in a job.

/** Work posted ahead: milliseconds of the worker's time, and at most so many jobs. */
const AHEAD = 1;
const MOST_AHEAD = 4096;
/** Jobs that keep the thread for so long are not posted ahead: what a round trip costs does not matter to them. */
const LONG = 5;
/** A worker that starts nothing for so long while jobs wait there is stuck in a job. */
const STUCK_AFTER = 2;

export class Throughput {
  /** Mean milliseconds a job keeps the thread. */
  #mean = 0.1;
  #started = 0;
  #changedAt = 0;

  /** How many jobs may be posted and not started: about 1 ms of work. */
  get window(): number {
    return Math.min(MOST_AHEAD, Math.max(1, Math.ceil(AHEAD / this.#mean)));
  }

  get isLong(): boolean {
    return this.#mean >= LONG;
  }

  /** A session begins, or its thread is set up: the worker has all its time before it. */
  start(now: number): void {
    this.#changedAt = now;
  }

  /**
   * Notes that so many jobs took so many milliseconds. One slow job says little, as its thread may just have lost its
   * core; being quick cannot be luck.
   */
  learn(busy: number, ran: number): void {
    if (ran === 0) return;
    const mean = busy / ran;
    this.#mean += (mean - this.#mean) * (ran >= 8 || mean < this.#mean ? 0.5 : 0.2);
  }

  /** Whether the worker's start counter is where it was when it was looked at last. */
  standsStill(started: number): boolean {
    return started === this.#started;
  }

  /** Whether the worker's start counter has stood still for long. */
  isStuck(started: number, now: number): boolean {
    if (started !== this.#started) {
      this.#started = started;
      this.#changedAt = now;
    }
    return now - this.#changedAt > STUCK_AFTER;
  }
}
