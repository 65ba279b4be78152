/** These run a program: `run` and `Runner`, as `asyncio.run` and `asyncio.Runner`. */

import { CancelledError, got, RuntimeError } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { allTasks } from "../loop/currentloop.ts";
import { EventLoop } from "../loop/loop.ts";
import { checkSignal } from "../loop/signalhandlers.ts";
import { clearTimeout, setTimeout } from "../platform/node/timers.ts";
import type { Clock } from "../scheduling/clock.ts";
import { type Context, copyContext } from "../scheduling/context.ts";
import { warn } from "../scheduling/debug.ts";
import { guardProgram, runningLoopOrNull } from "../scheduling/events.ts";
import { cancelAll } from "../task/cancelchain.ts";
import type { Startable } from "../task/coroutine.ts";
import { Future } from "../task/future.ts";
import { discard, discardOnError } from "../task/startable.ts";
import type { Task } from "../task/task.ts";
import { type Interrupts, interruptible, interruptibleEnd, interruptsOf } from "./signals.ts";

/** How long the end of `run` waits for the jobs of the default executor, in milliseconds (as CPython does). */
const EXECUTOR_SHUTDOWN = 300_000;
/** After how many milliseconds it is told what the end of `run` waits for. */
const SLOW_END = 5000;

/** How a program is run. */
export interface RunOptions {
  /** Turns the loop's debug mode on or off; default is as the loop is made, by THREADLOOP_DEBUG=1 with it on. */
  debug?: boolean;
  /** Where the time comes from; default the process's monotonic clock. */
  clock?: Clock;
  /** Makes the loop, instead of `newEventLoop({ clock })`. */
  loopFactory?: () => EventLoop;
  /**
   * The signals of which the first cancels main and the second ends the process; default `["SIGINT"]`, which is Ctrl-C.
   * A signal that the program has listened to before is left to it, and one for which the loop has a handler too.
   */
  signals?: readonly NodeJS.Signals[];
}

const RUN_OPTIONS = optionNames<RunOptions>({ debug: true, clock: true, loopFactory: true, signals: true });
const RUNNER_RUN_OPTIONS = optionNames<{ context?: Context }>({ context: true });

/**
 * Runs several programs one after the other in one loop and one context, as `asyncio.Runner`. Close it at the end, or
 * declare it with `await using`: only then are the tasks cancelled that are left.
 *
 * @example
 * ```ts
 * import { Runner, sleep } from "threadloop";
 *
 * const runner = new Runner();
 * try {
 *   console.log(await runner.run(() => sleep(5, "first"))); // first
 *   console.log(await runner.run(() => sleep(5, "second"))); // second
 * } finally {
 *   await runner.close();
 * }
 * ```
 */
export class Runner {
  readonly #options: RunOptions;
  readonly #signals: readonly NodeJS.Signals[];
  #loop: EventLoop | null = null;
  #context: Context | null = null;
  #interrupts: Interrupts = interruptsOf([]);
  #closing: Promise<void> | null = null;

  /** Throws TypeError or RangeError when `signals` holds something that is no signal of this system. */
  constructor(options: RunOptions = {}) {
    checkOptionNames("Runner", options, RUN_OPTIONS);
    this.#options = options;
    this.#signals = signalsOf(options.signals);
  }

  /** Returns the loop, which is made at first use. Throws RuntimeError when the runner is closed. */
  getLoop(): EventLoop {
    if (this.#closing !== null) throw new RuntimeError("Runner is closed: make another one");
    if (this.#loop === null) {
      const { clock, debug, loopFactory } = this.#options;
      this.#loop = loopFactory?.() ?? new EventLoop(clock === undefined ? {} : { clock });
      if (debug !== undefined) this.#loop.setDebug(debug);
      this.#context = copyContext();
    }
    return this.#loop;
  }

  /**
   * Runs a coroutine and gives its result. Context variables that it sets stay for the next one. Throws RuntimeError
   * while a loop runs in this thread, KeyboardInterrupt when SIGINT ended it, SignalInterrupt when another one of
   * `signals` did.
   */
  async run<T>(main: Startable<T>, options: { context?: Context } = {}): Promise<T> {
    checkNoneRuns(main);
    discardOnError(main, () => checkOptionNames("Runner.run", options, RUNNER_RUN_OPTIONS));
    const loop = discardOnError(main, () => this.getLoop());
    const task = loop.createTask(main, { context: options.context ?? (this.#context as Context) });
    this.#interrupts = interruptsOf(this.#signals);
    return await interruptible(task, this.#interrupts, () => loop.runUntilComplete(task));
  }

  /**
   * Cancels the tasks that are left and awaits them, closes async generators, then the default executor, then the
   * loop. Twice is fine. Throws RuntimeError while a loop runs in this thread, and closes nothing then.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  #close(): Promise<void> | null {
    const loop = this.#loop;
    if (loop === null) return Promise.resolve();
    if (runningLoopOrNull() !== null)
      throw new RuntimeError("Cannot close a runner while a loop is running: close it when run() is over");
    return interruptibleEnd(loop, this.#interrupts, () => closeLoop(loop, this.#interrupts));
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
 * rejects with KeyboardInterrupt, which ends the process as SIGINT does if nobody catches it. The second one ends the
 * process. Rejects with RuntimeError inside a running loop, TypeError when given a promise, DeadlockError when
 * everything that is left waits for ever.
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
  discardOnError(main, () => checkOptionNames("run", options, RUN_OPTIONS));
  const runner = discardOnError(main, () => new Runner(options));
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

function signalsOf(signals: unknown = ["SIGINT"]): readonly NodeJS.Signals[] {
  if (!Array.isArray(signals))
    throw new TypeError(`Expected \`signals\` to be an array of signals, got ${got(signals)}`);
  for (const signal of signals) checkSignal(signal);
  return [...new Set<NodeJS.Signals>(signals)];
}

async function closeLoop(loop: EventLoop, interrupts: Interrupts): Promise<void> {
  const timer = setTimeout(tellSlowEnd, SLOW_END, loop, interrupts);
  timer.unref();
  try {
    await cancelAllTasks(loop);
    await loop.runUntilComplete(() => loop.shutdownAsyncgens());
    await loop.runUntilComplete(() => loop.shutdownDefaultExecutor(EXECUTOR_SHUTDOWN));
  } finally {
    clearTimeout(timer);
    loop.close();
  }
}

/** Told in debug mode, and whenever somebody has asked the program to end. */
function tellSlowEnd(loop: EventLoop, { interrupt }: Interrupts): void {
  const waiting = loop.getDebug() || interrupt !== null ? loop._describeTasks() : "";
  if (waiting !== "")
    warn("THREADLOOP_SLOW_END", `run() has ended, and waits since ${SLOW_END / 1000} s for ${waiting}`);
}

async function cancelAllTasks(loop: EventLoop): Promise<void> {
  const tasks = allTasks(loop);
  if (tasks.length === 0) return;
  const cause = new CancelledError("run() has ended");
  cancelAll(tasks, undefined, cause);
  await loop.runUntilComplete(allDone(tasks, loop));
  for (const task of tasks) {
    if (!task._failed) continue;
    loop.callExceptionHandler({
      message: "unhandled exception during run() shutdown",
      exception: task._takeError(),
      task,
    });
  }
}

/** A future of the end of all, whatever it is. */
function allDone(tasks: readonly Task[], loop: EventLoop): Future<void> {
  const done = new Future<void>(loop);
  let left = tasks.length;
  const listen = () => {
    if (--left === 0) done.setResult();
  };
  for (const task of tasks) task._listen(listen, done as Future);
  return done;
}
