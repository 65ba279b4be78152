// These are hand-shakes with jobs over shared memory, and the errors that they end with.
import { vi } from "vitest";

/** Shared memory to talk with a job: `open()` lets those go that wait at it, `at(step)` waits until a job has come so far. */
export class Gate {
  readonly buffer = new SharedArrayBuffer(16);
  readonly words: Int32Array = new Int32Array(this.buffer);

  /** Lets every job go that waits at the gate, now and later. */
  open(): void {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
  }

  /** How many jobs have come to the gate, or how far one has come. */
  get step(): number {
    return Atomics.load(this.words, 1);
  }

  /** Comes to the gate, or so far, in place of a job. */
  reach(step: number): void {
    Atomics.store(this.words, 1, step);
  }

  async at(step: number): Promise<void> {
    await vi.waitUntil(() => this.step >= step, { timeout: 20_000, interval: 1 });
  }

  /** The same, and this thread does nothing else meanwhile. */
  blockUntil(step: number): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let left = 20_000; this.step < step; left--) {
      if (left === 0) throw new Error(`Nobody came to the gate: expected ${step}, got ${this.step}`);
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** The error that a job ends with. */
export async function errorOf(job: PromiseLike<unknown>): Promise<Error> {
  try {
    await job;
  } catch (error) {
    return error as Error;
  }
  throw new Error("Expected the job to fail");
}
