/**
 * The event loop, as asyncio's: it schedules callbacks, timers and tasks on top of Node's own loop. The order is the
 * pump's; this file is the interface.
 */

import { DeadlockError, got, isInstance, RuntimeError, shown } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { ProcessLoop } from "../io/processloop.ts";
import { inspect, types } from "../platform/node/inspect.ts";
import { type Clock, checkedClock, milliseconds, monotonicClock } from "../scheduling/clock.ts";
import { checkContext } from "../scheduling/context.ts";
import { describeStuck, warnSlow, withOrigin } from "../scheduling/debug.ts";
import {
  type ExceptionContext,
  type FailedFuture,
  type Outcome,
  type Runnable,
  STEPPED,
  type StepObserver,
} from "../scheduling/events.ts";
import { type Callback, type CallbackOptions, contextOf, Handle, TimerHandle } from "../scheduling/handle.ts";
import { reportNeverAwaited } from "../scheduling/neverawaited.ts";
import { settleWith } from "../scheduling/thenable.ts";
import { checkAbortSignal, linkSignal } from "../task/abort.ts";
import { checkCallback, discard, discardOnError, type Startable, starterOf } from "../task/coroutine.ts";
import { Future } from "../task/future.ts";
import { adopt } from "../task/outcome.ts";
import { Task } from "../task/task.ts";
import type { TaskOptions } from "../task/taskoptions.ts";
import { UnretrievedErrors } from "../task/unretrieved.ts";
import { DefaultExecutor } from "./defaultexecutor.ts";
import type { Executor } from "./executor.ts";
import { closeAsyncGenerators } from "./generators.ts";
import { SignalHandlers } from "./signalhandlers.ts";

/** Is told of what nobody else can be told: a callback that threw, an error that nobody looked at. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** Makes the tasks of a loop, instead of `new Task`. */
export type TaskFactory = <T>(
  loop: EventLoop,
  startable: Startable<T>,
  options: CreateTaskOptions,
) => Task<T>;

/** What `createTask` takes beside what to run. */
export interface CreateTaskOptions extends TaskOptions {
  /** Cancels the task when it aborts; the reason is the CancelledError's cause. */
  signal?: AbortSignal;
}

/** How a loop is made. */
export interface EventLoopOptions {
  /** Where the time comes from; default the process's monotonic clock. */
  clock?: Clock;
}

/**
 * A task factory that runs the first step of each task at once, as `asyncio.eager_task_factory`; `eagerStart: false`
 * opts out. Await `task.started` before relying on what the first step did.
 */
export const eagerTaskFactory: TaskFactory = (loop, startable, options) =>
  new Task(loop, startable, options, options.eagerStart !== false && loop.isRunning());

/** What a task factory of the program's gave. */
function made<T>(task: Task<T>): Task<T> {
  if (isInstance(task, Future)) return task;
  throw new TypeError(`Expected the task factory to give a Task, got ${got(task)}`);
}

const LOOP_OPTIONS = optionNames<EventLoopOptions>({ clock: true });
const NO_OPTIONS: CreateTaskOptions = Object.freeze({});
const TASK_OPTIONS = optionNames<CreateTaskOptions>({
  name: true,
  context: true,
  eagerStart: true,
  signal: true,
});

/** Runs tasks and callbacks, one at a time, in the order in which they became ready. */
export class EventLoop extends ProcessLoop {
  /** Milliseconds a callback or a step may take before debug mode reports it; default 100. */
  slowCallbackDuration = 100;
  readonly #unretrieved = new UnretrievedErrors((context) => this.callExceptionHandler(context));
  readonly #signals = new SignalHandlers(this);
  readonly #executor = new DefaultExecutor();
  #exceptionHandler: ExceptionHandler | null = null;
  #taskFactory: TaskFactory | null = null;
  /** What `runUntilComplete` waits for. */ #until: Future | null = null;
  #debug = process.env.THREADLOOP_DEBUG === "1";
  #observer: StepObserver | null = null;
  /** Debug mode is on, or somebody observes. */ #watched = this.#debug;
  /** Debug mode: when the entry that runs was begun. */ #entryBegan = 0;

  constructor(options: EventLoopOptions = {}) {
    checkOptionNames("EventLoop", options, LOOP_OPTIONS);
    super(options.clock === undefined ? monotonicClock : checkedClock(options.clock));
  }

  /**
   * Calls a function in the next iteration, after all that is ready already; with options before the function, in the
   * context that they name.
   *
   * @example
   * ```ts
   * import { ContextVar, copyContext, getRunningLoop, run, sleep } from "threadloop";
   *
   * const user = new ContextVar("user", { default: "nobody" });
   * const context = copyContext();
   * context.run(() => user.set("ada"));
   * await run(async () => {
   *   getRunningLoop().callSoon({ context }, (greeting) => console.log(greeting, user.get()), "hello"); // hello ada
   *   await sleep(1);
   * });
   * ```
   */
  callSoon<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle;
  callSoon<A extends unknown[]>(
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): Handle;
  callSoon(first: Callback | CallbackOptions, ...args: unknown[]): Handle {
    const context = contextOf(first, args);
    const callback = context === undefined ? first : args.shift();
    this.#check(callback, "callSoon");
    const handle = new Handle(this, callback as Callback, args, context);
    this._push(handle);
    return handle;
  }

  /** The same as `callSoon`: code of one thread is never interrupted, and another thread reaches it by a message. */
  callSoonThreadsafe<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle;
  callSoonThreadsafe<A extends unknown[]>(
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): Handle;
  callSoonThreadsafe(first: Callback | CallbackOptions, ...args: unknown[]): Handle {
    return this.callSoon(first as Callback, ...args);
  }

  /**
   * Calls a function after so many milliseconds; equal deadlines first-in first-out. 0 or less is the next iteration.
   * Options may stand before the function, as for `callSoon`.
   */
  callLater<A extends unknown[]>(delay: number, callback: (...args: A) => unknown, ...args: A): TimerHandle;
  callLater<A extends unknown[]>(
    delay: number,
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle;
  callLater(delay: number, first: Callback | CallbackOptions, ...args: unknown[]): TimerHandle {
    return this.callAt(this.time() + milliseconds(delay, "delay"), first as Callback, ...args);
  }

  /** Calls a function when `loop.time()` has reached `when`, in milliseconds. Options may stand before the function. */
  callAt<A extends unknown[]>(when: number, callback: (...args: A) => unknown, ...args: A): TimerHandle;
  callAt<A extends unknown[]>(
    when: number,
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle;
  callAt(when: number, first: Callback | CallbackOptions, ...args: unknown[]): TimerHandle {
    const context = contextOf(first, args);
    const callback = context === undefined ? first : args.shift();
    this.#check(callback, "callAt");
    const deadline = milliseconds(when, "when");
    const handle = new TimerHandle(this, deadline, callback as Callback, args, context);
    this._pushTimer(handle);
    return handle;
  }

  /** Makes a pending future of this loop. */
  createFuture<T = unknown>(): Future<T> {
    return new Future<T>(this);
  }

  /**
   * Schedules a coroutine: its first step runs in the next iteration, in the order of creation. Throws TypeError when
   * given a promise, which has started already, and RuntimeError when the loop is closed.
   */
  createTask<T>(startable: Startable<T>, options: CreateTaskOptions = NO_OPTIONS): Task<T> {
    if (this.isClosed()) discard(startable);
    this._checkClosed();
    starterOf(startable, "createTask");
    // A factory of the program's may know more of them.
    const factory = this.#taskFactory;
    if (options !== NO_OPTIONS && (factory === null || factory === eagerTaskFactory))
      checkTaskOptions(startable, options);
    if (options.signal !== undefined || options.context !== undefined) checkOptions(startable, options);
    const task =
      factory !== null
        ? discardOnError(startable, () =>
            made(factory(this, startable, options === NO_OPTIONS ? {} : options)),
          )
        : new Task(this, startable, options, options.eagerStart === true && this.isRunning());
    if (options.signal !== undefined) linkSignal(task, options.signal);
    return task;
  }

  /** Returns its tasks that are not done, in the order of creation. */
  allTasks(): Task[] {
    return [...this._tasks] as unknown[] as Task[];
  }

  /** Replaces how tasks are made; null goes back to the default. `createTask` throws TypeError when it gives no task. */
  setTaskFactory(factory: TaskFactory | null): void {
    if (factory !== null && typeof factory !== "function") {
      throw new TypeError(`Expected \`factory\` to be a function or null, got ${got(factory)}`);
    }
    this.#taskFactory = factory;
  }

  /** Returns the task factory, or null for the default. */
  getTaskFactory(): TaskFactory | null {
    return this.#taskFactory;
  }

  /**
   * Calls a function, as a callback of the loop, each time the process gets a signal; it replaces the one that was
   * added before. While SIGINT has one, Ctrl-C does not cancel the main task. Signals reach the main thread only.
   *
   * Throws RangeError when there is no such signal, RuntimeError when it cannot be caught (SIGKILL, SIGSTOP).
   *
   * @example
   * ```ts
   * import { Event, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const stop = new Event();
   *   getRunningLoop().addSignalHandler("SIGTERM", () => stop.set());
   *   process.kill(process.pid, "SIGTERM");
   *   await stop.wait();
   *   console.log("stopped");
   * });
   * ```
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => unknown,
    ...args: A
  ): void {
    this.#check(callback, "addSignalHandler");
    this.#signals.add(signal, new Handle(this, callback as Callback, args));
  }

  /** Gives a signal back to whom it belonged before; returns false when the loop had no handler for it. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signals.remove(signal);
  }

  override async runForever(): Promise<void> {
    this.#signals.setRunning(true);
    try {
      await super.runForever();
    } finally {
      this.#signals.setRunning(this.isRunning());
    }
  }

  /**
   * Runs until the coroutine or future is done and returns its result, or throws what it failed with. A future or job
   * that was made while no loop ran becomes one of this loop. Throws RuntimeError when a loop of this thread runs, and
   * the coroutine then never starts, or when the loop is stopped before the end; RangeError for a future of another
   * loop; DeadlockError when nothing is left that could ever wake it.
   */
  async runUntilComplete<T>(main: Startable<T> | Future<T>): Promise<T> {
    discardOnError(main, () => this._checkCanRun());
    const future = main instanceof Future ? main : this.createTask(main);
    if (!adopt(future, this))
      throw new RangeError(`Expected a future of this loop, got ${shown(future)} of another one`);
    const stop = () => this.stop();
    const stopping = future._listen(stop);
    this.#until = future as Future;
    try {
      await this.runForever();
    } finally {
      this.#until = null;
      future._removeCallback(stopping);
    }
    if (!future.done()) throw new RuntimeError("Event loop stopped before Future completed");
    return future.result();
  }

  /** Closes the loop and reports the errors nobody looked at. What is scheduled is dropped; twice is fine. */
  override close(): void {
    if (this.isClosed()) return;
    super.close();
    for (const task of this._tasks)
      this.callExceptionHandler(withOrigin({ message: "Task was destroyed but it is pending!", task }, task));
    this.#signals.clear();
    for (const release of [...this._atClose])
      this.#closing("What the loop holds failed to be released", release);
    this.#unretrieved.reportAll();
    reportNeverAwaited(this);
    this.#closing("The default executor failed to close", () => this.#executor.close());
  }

  /** Does a part of the close; what it throws, or what its promise rejects with, is told, and the close goes on. */
  #closing(message: string, close: () => unknown): void {
    const failed = (exception: unknown) => this.callExceptionHandler({ message, exception });
    try {
      settleWith(close(), () => {}, failed);
    } catch (exception) {
      failed(exception);
    }
  }

  /**
   * Runs a function in an executor and returns its Future; null is the default executor, made at first use. Cancelling
   * the future cancels the job. Throws RuntimeError after `shutdownDefaultExecutor`.
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | null,
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>> {
    this._checkClosed();
    return (executor ?? this.#executor.get()).submit(fn, ...args);
  }

  /** Sets what `runInExecutor(null, ...)` uses. */
  setDefaultExecutor(executor: Executor): void {
    this.#executor.set(executor);
  }

  /** Closes the default executor and waits until its jobs are done, at most `timeout` milliseconds (default: no limit). */
  async shutdownDefaultExecutor(timeout: number | null = null): Promise<void> {
    await this.#executor.shutdown(timeout);
  }

  /** Closes the async generators that were given to `trackAsyncGenerator`, at the same time; `run` does it at its end. */
  async shutdownAsyncgens(): Promise<void> {
    await closeAsyncGenerators(this);
  }

  /** Sets who is told of errors that nobody else can be told of; null goes back to the default, which prints them. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(`Expected \`handler\` to be a function or null, got ${got(handler)}`);
    }
    this.#exceptionHandler = handler;
  }

  /** Returns the exception handler, or null for the default. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  /** Prints the error and what it happened in. */
  defaultExceptionHandler(context: ExceptionContext): void {
    const { message, exception, ...details } = context;
    const lines = Object.entries(details).map(
      ([key, value]) => `${key}: ${typeof value === "string" ? value : shown(value, { depth: 0 })}`,
    );
    if ("exception" in context) lines.push(shown(exception));
    console.error([message, ...lines].join("\n"));
  }

  /**
   * Tells the exception handler, in the context of what it is about. One that throws, or whose promise rejects, is told
   * to the default one. Never throws, as there is nobody left who could be told.
   */
  callExceptionHandler(context: ExceptionContext): void {
    const handler = this.#exceptionHandler;
    if (handler === null) {
      this.#printSafely(context);
      return;
    }
    const failed = (exception: unknown) =>
      this.#printSafely({ message: "Unhandled error in exception handler", exception, context });
    try {
      const owner = [context.task, context.future, context.handle].find(
        (it) => isInstance(it, Task) || isInstance(it, Handle),
      ) as Task | Handle | undefined;
      const call = (): unknown => handler(this, context);
      const result = owner === undefined ? call() : owner.getContext().run(call);
      if (types.isPromise(result)) settleWith(result, () => {}, failed);
    } catch (exception) {
      failed(exception);
    }
  }

  /** Prints it by the default handler, which a subclass may have replaced; where that fails, in the plainest way. */
  #printSafely(context: ExceptionContext): void {
    try {
      this.defaultExceptionHandler(context);
    } catch (exception) {
      printPlainly(`Exception in default exception handler\n${shown(exception)}\nwhile telling of:`, context);
    }
  }

  /** Tells whether debug mode is on. */
  getDebug(): boolean {
    return this.#debug;
  }

  /**
   * Turns debug mode on or off. It keeps where tasks were made and awaited and who cancelled them, and emits a process
   * warning for a callback or step longer than `slowCallbackDuration`, a cancel that was swallowed, and a cancel that
   * came late because the task awaited a promise that is not the runtime's.
   */
  setDebug(enabled: boolean): void {
    if (!this.#watched) this.#entryBegan = this.time(); // the step that turns it on is timed from here
    this.#debug = enabled;
    this.#watched = enabled || this.#observer !== null;
  }

  [inspect.custom](): string {
    const state = this.isClosed() ? "closed" : this.isRunning() ? "running" : "stopped";
    return `<EventLoop ${state}, ${this._tasks.size} tasks${this.#debug ? ", debug" : ""}>`;
  }

  /** @internal Has every entry that runs told, from now on; null ends that. */
  _observe(observer: StepObserver | null): void {
    this.#observer = observer;
    this.#watched = this.#debug || observer !== null;
  }

  /** @internal */ override _runEntry(entry: Runnable): Outcome {
    if (!this.#watched) return entry._run(this);
    this.#entryBegan = this.time();
    this.#observer?.began();
    const outcome = entry._run(this);
    if (outcome !== STEPPED) this._stepEnded(entry);
    return outcome;
  }

  /** @internal */ override _stepEnded(entry: Runnable): void {
    if (!this.#watched) return;
    this.#observer?.ended(entry);
    const took = this.time() - this.#entryBegan;
    if (this.#debug && took >= this.slowCallbackDuration) warnSlow(entry, took);
  }

  /** @internal */ _keepUnretrieved(future: FailedFuture, keep: boolean): void {
    if (keep) this.#unretrieved.keep(future);
    else this.#unretrieved.forget(future);
  }

  /** @internal Reports the error of a future at once, if nobody has looked at it. */
  _reportUnretrieved(future: FailedFuture): void {
    this.#unretrieved.report(future);
  }

  /** @internal */ _stuck(): Error | null {
    if (this._tasks.size === 0 && this.#until === null) return null;
    const until = this.#until === null || this.#until._isTask ? [] : [this.#until];
    return new DeadlockError(describeStuck([...this._tasks, ...until]));
  }

  #check(callback: unknown, method: string): void {
    this._checkClosed();
    checkCallback(callback, method);
  }
}

/** Throws TypeError when one of them is none, before anything is made. */
function checkOptions(startable: unknown, { signal, context }: CreateTaskOptions): void {
  discardOnError(startable, () => {
    if (signal !== undefined) checkAbortSignal(signal);
    if (context !== undefined) checkContext(context);
  });
}

/** Cheap, as it comes with every task that has a name. */
function checkTaskOptions(startable: Startable<unknown>, options: CreateTaskOptions): void {
  try {
    checkOptionNames("createTask", options, TASK_OPTIONS);
  } catch (error) {
    discard(startable);
    throw error;
  }
}

/** For what could not be told in any other way: by a stream of Node's, as `console.error` may be what fails. */
function printPlainly(message: string, context: ExceptionContext): void {
  try {
    process.stderr.write(`${message}\n${shown(context)}\n`);
  } catch {
    // there is nothing left by which it could be told
  }
}
