// These are threads that were terminated and do not end. Node interrupts JavaScript, and a wait on shared memory,
// but no native code: a key derivation, a child process waited for, a read of a pipe go on until they return. Such a
// thread is given up: whoever waits for its end is told that it has come, so that its place is free and its jobs are
// settled, and a warning names what it was doing, again and again until it has really ended. It runs no JavaScript
// any more.
//
// Piscina lets go of a thread at its `exit` event and knows no other way, so that event is what it is told by.

import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import type { Worker } from "node:worker_threads";
import { emitWarning, inRootContext } from "../../src/core.ts";

/** A thread that runs JavaScript ends within so many looks, so many milliseconds apart; a busy machine delays the looks too. */
const LOOKS = 6;
const LOOK_EVERY = 50;
/** The second warning comes after so many milliseconds, each further one after twice as many. */
const REMIND_AFTER = 10_000;

export class LostThreads {
  readonly #pool: string;
  readonly #terminating = new WeakSet<Worker>();
  readonly #lost = new Set<Worker>();

  constructor(pool: string) {
    this.#pool = pool;
  }

  /** How many there are. */
  get count(): number {
    return this.#lost.size;
  }

  has(worker: Worker): boolean {
    return this.#lost.has(worker);
  }

  /** Terminates a thread, and gives it up when it does not end; `busy` is what it is doing. */
  terminate(worker: Worker, busy: string): void {
    void worker.terminate();
    this.watch(worker, busy);
  }

  /** Gives up a thread that is being terminated when it does not end. */
  watch(worker: Worker, busy: string): void {
    if (this.#terminating.has(worker)) return;
    this.#terminating.add(worker);
    let looks = LOOKS;
    const timer = inRootContext(() =>
      setInterval(() => {
        if (--looks > 0) return;
        clearInterval(timer);
        worker.off("exit", ended);
        this.#giveUp(worker, busy);
      }, LOOK_EVERY),
    );
    const ended = () => clearInterval(timer);
    worker.once("exit", ended);
  }

  #giveUp(worker: Worker, busy: string): void {
    const { threadId } = worker;
    this.#lost.add(worker);
    worker.emit("exit", 1);
    let reminder: NodeJS.Timeout;
    const warn = (after: number) => {
      emitWarning(
        "THREADLOOP_THREAD_LOST",
        `Thread ${threadId} of pool "${this.#pool}" was ended because of ${busy}, which is in native code that cannot ` +
          "be interrupted: a new thread takes its place, and the process cannot end before that code returns",
      );
      reminder = inRootContext(() => setTimeout(warn, after, after * 2).unref());
    };
    worker.once("exit", () => {
      this.#lost.delete(worker);
      clearTimeout(reminder);
    });
    warn(REMIND_AFTER);
  }
}
