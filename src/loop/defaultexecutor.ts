/** The executor that `runInExecutor(null, ...)` uses: made at first use, and once shut down never again. */

import { got, RuntimeError } from "../errors/errors.ts";
import { clearTimeout, setTimeout } from "../platform/node/timers.ts";
import { type Executor, makeDefaultExecutor } from "./executor.ts";

/** The longest that Node's timers can wait; anything longer is as good as for ever. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class DefaultExecutor {
  #executor: Executor | null = null;
  #closed = false;

  get(): Executor {
    if (this.#closed)
      throw new RuntimeError("The default executor has been shut down: pass an executor of your own");
    this.#executor ??= makeDefaultExecutor();
    return this.#executor;
  }

  set(executor: Executor): void {
    if (typeof executor?.submit !== "function") {
      throw new TypeError(
        `Expected \`executor\` to have a submit() method, as a WorkerPool has, got ${got(executor)}`,
      );
    }
    this.#executor = executor;
  }

  /** Closes it and waits until its jobs are done, at most so many milliseconds; null is no limit. */
  async shutdown(timeout: number | null): Promise<void> {
    const closed = this.close();
    if (closed === undefined || timeout === null || timeout > LONGEST_TIMER) {
      await closed;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, timeout, true);
    });
    const late = await Promise.race([closed.then(() => false), expired]);
    clearTimeout(timer);
    if (late)
      process.emitWarning(
        `The default executor did not finish its jobs within ${timeout} ms`,
        "RuntimeWarning",
      );
  }

  /** Closes it without waiting; returns the promise of its end, if it was ever used. */
  close(): Promise<unknown> | undefined {
    this.#closed = true;
    const executor = this.#executor;
    this.#executor = null;
    return executor?.close?.();
  }
}
