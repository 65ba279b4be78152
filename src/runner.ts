/** Running a program: `run` and `Runner`, as `asyncio.run` and `asyncio.Runner`. */
import type { Clock } from "./clock.ts";
import { type Context, copyContext } from "./context.ts";
import { discard, type Startable } from "./coroutine.ts";
import { CancelledError, RuntimeError } from "./errors.ts";
import { guardProgram, runningLoopOrNull } from "./events.ts";
import { gather } from "./gather.ts";
import { EventLoop } from "./loop.ts";
import { allTasks } from "./running.ts";
import { interruptible } from "./signals.ts";

/** How long the end of `run` waits for the jobs of the default executor, in milliseconds (as CPython does). */
const EXECUTOR_SHUTDOWN = 300_000;

/** How a program is run. */
export interface RunOptions {
  /** Turns on the loop's debug mode; default whether the environment has THREADLOOP_DEBUG=1. */
  debug?: boolean;
  /** Where the time comes from; default the process's monotonic clock. */
  clock?: Clock;
  /** Makes the loop, instead of `newEventLoop({ clock })`. */
  loopFactory?: () => EventLoop;
}

/** Runs several programs one after the other in one loop and one context, as `asyncio.Runner`. */
export class Runner {
  readonly #options: RunOptions;
  #loop: EventLoop | null = null;
  #context: Context | null = null;
  #closed = false;

  constructor(options: RunOptions = {}) {
    this.#options = options;
  }

  /** Returns the loop, which is made at first use. Throws RuntimeError when the runner is closed. */
  getLoop(): EventLoop {
    if (this.#closed) throw new RuntimeError("Runner is closed: make another one");
    if (this.#loop === null) {
      const { clock, debug, loopFactory } = this.#options;
      this.#loop = loopFactory?.() ?? new EventLoop(clock === undefined ? {} : { clock });
      this.#loop.setDebug(debug ?? process.env.THREADLOOP_DEBUG === "1");
      this.#context = copyContext();
    }
    return this.#loop;
  }

  /**
   * Runs a coroutine and gives its result. Context variables that it sets stay for the next one. Throws RuntimeError
   * while a loop runs in this thread, KeyboardInterrupt when SIGINT ended it.
   */
  async run<T>(main: Startable<T>, options: { context?: Context } = {}): Promise<T> {
    checkNoneRuns(main);
    const loop = this.getLoop();
    const task = loop.createTask(main, { context: options.context ?? (this.#context as Context) });
    return await interruptible(task, () => loop.runUntilComplete(task));
  }

  /**
   * Cancels the tasks that are left and awaits them, closes async generators, then the default executor, then the
   * loop. Twice is fine.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const loop = this.#loop;
    if (loop === null) return;
    try {
      await cancelAllTasks(loop);
      await loop.runUntilComplete(() => loop.shutdownAsyncgens());
      await loop.runUntilComplete(() => loop.shutdownDefaultExecutor(EXECUTOR_SHUTDOWN));
    } finally {
      loop.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Runs a coroutine in a loop of its own, to its end, and gives its result; `asyncio.run`.
 *
 * When the coroutine ends, the tasks that are left are cancelled and awaited, the default worker pool is closed, and
 * the loop too. The first SIGINT (Ctrl-C) cancels the coroutine, which can clean up; the returned promise then
 * rejects with KeyboardInterrupt. Rejects with RuntimeError inside a running loop, TypeError when given a promise,
 * DeadlockError when everything that is left waits for ever.
 *
 * @example
 * ```ts
 * import { run, sleep } from "threadloop";
 *
 * const answer = await run(async () => {
 *   await sleep(10);
 *   return 42;
 * });
 * console.log(answer); // 42
 * ```
 */
export async function run<T>(main: Startable<T>, options: RunOptions = {}): Promise<T> {
  checkNoneRuns(main);
  const runner = new Runner(options);
  try {
    return await runner.run(main);
  } finally {
    await runner.close();
  }
}

function checkNoneRuns(main: unknown): void {
  if (runningLoopOrNull() === null) return;
  discard(main);
  guardProgram("calls run()");
  throw new RuntimeError(
    "run() cannot be called from a running event loop: await the function instead, or createTask() it",
  );
}

async function cancelAllTasks(loop: EventLoop): Promise<void> {
  const tasks = allTasks(loop);
  if (tasks.length === 0) return;
  const cause = new CancelledError("run() has ended");
  for (const task of tasks) task.cancel(undefined, cause);
  await loop.runUntilComplete(() => gather(tasks, { returnExceptions: true }));
  for (const task of tasks) {
    if (task.cancelled() || task.exception() === null) continue;
    loop.callExceptionHandler({
      message: "unhandled exception during run() shutdown",
      exception: task.exception(),
      task,
    });
  }
}
