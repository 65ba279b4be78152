/**
 * This is the leaf under everything: what the ready queue holds, what a future and a task need of their loop, and
 * the registry of the running loop and the running task, as in asyncio's `events.py`. It imports only other leaves.
 *
 * Invariant: who is running is known through AsyncLocalStorage only, never through a plain variable, as a task goes
 * on in microtasks that other people's promises started.
 */

import { RuntimeError } from "../errors/errors.ts";
import { AsyncLocalStorage, AsyncResource } from "../platform/node/asynccontext.ts";
import type { Listed, Tasks } from "./tasklist.ts";

/** Nothing of the entry goes on: the next one may run at once. */
export const DONE = 0;
/** A task (or a callback that returned a promise) was resumed and will say itself when its step is over. */
export const STEPPED = 1;
/** Something was resumed that cannot say when it is over: the microtask queue must drain first. */
export const UNTRACKED = 2;
/** What one entry of the ready queue did. */
export type Outcome = typeof DONE | typeof STEPPED | typeof UNTRACKED;

/** An entry of the ready queue: a task, a handle, or a sleeper whose time has come. */
export interface Runnable {
  /** The loop's tick when it began to wait. */
  _since?: number;
  _run(loop: AbstractEventLoop): Outcome;
  /** It will not run any more: async hooks are told that it is over. */
  _drop?(): void;
}

/** An entry that becomes ready at a time. */
export interface Timer extends Runnable {
  /** Whether it was cancelled. */
  readonly _off: boolean;
  _inHeap: boolean;
}

/** Is told when an entry of the ready queue begins to run, and when its step is over. */
export interface StepObserver {
  began(): void;
  ended(entry: Runnable): void;
}

/** The values of the context variables of one runner; the map itself is never changed. */
export interface RunnerContext {
  /** By variable; those that came from another thread by their key there. */
  _values: ReadonlyMap<object | string, unknown> | null;
  /** For whom its code runs. */
  readonly _owner: object | null;
}

/** Whose code is running: a task, a handle, or a `Context.run`. It carries the context variables. */
export interface ContextRunner {
  readonly _isTask: boolean;
  readonly _context: RunnerContext;
  /** Of what runs in a task and is not the task itself (a block of it, a `Context.run`): the task. */
  readonly _task?: ContextRunner | null;
  /** And the innermost block of the task around it. */
  readonly _scope?: ScopeRunner | null;
  /** Of what was begun without a task and may turn out to wait, such as a job: makes the task in which it does. */
  _makeTask?(): ContextRunner | null;
}

/** A block of a task that can be cancelled by itself. */
export interface ScopeRunner extends ContextRunner {
  readonly _task: ContextRunner;
}

/** What `loop.callExceptionHandler` and a custom exception handler get. */
export interface ExceptionContext {
  /** What happened, in words. */
  message: string;
  /** The error, where there is one. */
  exception?: unknown;
  /** The task, future or handle concerned. */
  task?: object;
  future?: object;
  handle?: object;
  /** In debug mode: where the task or handle was made, as `at function (file:line:column)`. */
  sourceTraceback?: string;
  [detail: string]: unknown;
}

/** A future that failed, as the loop reports it. */
export interface FailedFuture {
  readonly _isTask: boolean;
  readonly _value: unknown;
}

/** A task as the list of a loop's tasks sees it. */
export interface ListedTask extends Listed<ListedTask> {
  readonly _isTask: boolean;
}

/** What lies below the loop and uses it: futures, tasks, handles, sleepers. */
export interface AbstractEventLoop {
  time(): number;
  isClosed(): boolean;
  getDebug(): boolean;
  callExceptionHandler(context: ExceptionContext): void;
  /** In debug mode: keeps where something of the loop's was made. */
  _rememberOrigin(made: object): void;
  /** Tells of an error in something of the loop's, with where that was made if it is known. */
  _reportOf(made: object, context: ExceptionContext): void;
  /** The tasks that are not done. */
  readonly _tasks: Tasks<ListedTask>;
  /** What is called when the loop closes. */
  readonly _atClose: Set<() => void>;
  /** Whole milliseconds of the process's clock when the loop last looked: coarse, and costs nothing. */
  readonly _tick: number;
  /** Puts an entry at the end of the ready queue. */
  _push(entry: Runnable): void;
  /** Says which entry is being resumed, before it is. */
  _stepInto(entry: Runnable): void;
  /** Says that the step of this entry is over: it suspended or ended. */
  _stepOver(entry: Runnable): void;
  /** Whether this entry is in mid-step, waiting for a promise that is not the runtime's. */
  _waitsForForeign(entry: Runnable): boolean;
  /** Takes what libuv brings, and goes on at once if that wakes the loop. */
  _bring<T>(take: (what: T) => void, what: T): void;
  /** Notes that a timer which is still in the heap was cancelled. */
  _timerCancelled(): void;
  /** Counts the waits for something outside the loop (a thread, a promise): 1 when one begins, -1 at its end. */
  _waitOutside(change: 1 | -1): void;
  /** The same for a promise: it may come from outside, or be settled by tasks of the loop itself. */
  _waitForPromise(change: 1 | -1): void;
  /** Keeps, or forgets, a future that failed and that nobody has looked at. */
  _keepUnretrieved(future: FailedFuture, keep: boolean): void;
}

/** A future as the task that waits on it sees it. */
export interface Awaited {
  cancel(message?: string, cause?: unknown): boolean;
}

/** One call of a future's `then`: what calls one of its two functions. */
export interface Reacting {
  _fulfill(value: unknown): void;
  _fail(error: unknown): void;
}

/** A task as the futures it awaits see it. */
export interface AwaitingTask extends ContextRunner, Runnable {
  done(): boolean;
  cancelled(): boolean;
  /** Waits on a pending future, in a block of the task: V8 calls it through `then`, in the task's own context. */
  _await(future: Awaited, reaction: Reacting, scope: ScopeRunner | null): void;
  /** It was not the language that called: the task does not wait with this. */
  _stopAwaiting(reaction: Reacting): void;
  /** Gives up one iteration without a future; false when the task is done or waits on something else as well. */
  _yield(reaction: Reacting, scope: ScopeRunner | null): boolean;
}

/** Whose code is running now. */
export const currentRunner = new AsyncLocalStorage<ContextRunner>();

/** The context in which this module was loaded: nobody's. What the runtime itself starts, it starts there. */
const root = closed(new AsyncResource("threadloop"));

/** Nothing is open, as tools tell by it (in Bun it returns nothing). */
function closed(resource: AsyncResource): AsyncResource {
  resource.emitDestroy();
  return resource;
}

/** Runs a function in no task's context, so that what it starts (threads, ports, timers) belongs to nobody. */
export function inRootContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return root.runInAsyncScope(fn as (...args: unknown[]) => R, undefined, ...args);
}

/** The task in which code runs as this runner, or null; it may be done. */
export function taskOf(runner: ContextRunner | undefined): AwaitingTask | null {
  if (runner === undefined) return null;
  return (runner._isTask ? runner : (runner._task ?? null)) as AwaitingTask | null;
}

/** The same for code that is about to wait, or to ask for its task: one is made where there could be one. */
export function waitingTaskOf(runner: ContextRunner | undefined): AwaitingTask | null {
  return taskOf(runner) ?? ((runner?._makeTask?.() ?? null) as AwaitingTask | null);
}

/** The block of its task in which code runs as this runner, or null. */
export function scopeOf(runner: ContextRunner | undefined): ScopeRunner | null {
  return runner === undefined || runner._isTask ? null : (runner._scope ?? null);
}

/** The task whose code is running, or null. */
export function runningTask(): AwaitingTask | null {
  const task = taskOf(currentRunner.getStore());
  return task === null || task.done() ? null : task;
}

/**
 * Runs a function as this runner, in a scope that ends with it. `currentRunner.run` would make a second context frame
 * to leave the first one, and would leave nothing else that the function entered.
 */
export function runAs<A extends readonly unknown[], R>(
  runner: ContextRunner,
  fn: (...args: A) => R,
  args: A,
): R {
  const scope = new AsyncResource("Context");
  try {
    return scope.runInAsyncScope(enter as typeof enter<A, R>, undefined, runner, fn, args);
  } finally {
    scope.emitDestroy();
  }
}

/** The same where the context is nobody's, as it is between the jobs of a thread: it takes no scope of its own. */
export function runAsInRoot<A extends readonly unknown[], R>(
  runner: ContextRunner,
  fn: (...args: A) => R,
  args: A,
): R {
  return root.runInAsyncScope(enter as typeof enter<A, R>, undefined, runner, fn, args);
}

function enter<A extends readonly unknown[], R>(runner: ContextRunner, fn: (...args: A) => R, args: A): R {
  currentRunner.enterWith(runner);
  return fn(...args);
}

let running: AbstractEventLoop | null = null;

/** Registers the loop that runs in this thread, or null when it has stopped. */
export function setRunningLoop(loop: AbstractEventLoop | null): void {
  running = loop;
}

/** Asked before a program is refused because a loop runs already: a worker that loads a module has a better reason. */
let programGuard: ((how: string) => void) | null = null;

/** Sets what may throw a better reason when `run()` or a loop is called while a loop runs. */
export function setProgramGuard(guard: (how: string) => void): void {
  programGuard = guard;
}

/** To be called before a loop is refused to run; `how` completes "the module ...". */
export function guardProgram(how: string): void {
  programGuard?.(how);
}

/** The running loop of this thread, or null. */
export function runningLoopOrNull(): AbstractEventLoop | null {
  return running;
}

let current: AbstractEventLoop | null = null;
let currentIsChosen = false;

/** Registers the loop that stands in while none runs, or null; `chosen` by the program, or made for it. */
export function setCurrentLoop(loop: AbstractEventLoop | null, chosen: boolean): void {
  current = loop;
  currentIsChosen = chosen;
}

/** The running loop of this thread, else the one that stands in, unless it is closed; or null. */
export function currentLoopOrNull(): AbstractEventLoop | null {
  return running ?? (current === null || current.isClosed() ? null : current);
}

/** The same without a loop that the program has not set itself: it may never run. */
export function chosenLoopOrNull(): AbstractEventLoop | null {
  return running ?? (currentIsChosen ? currentLoopOrNull() : null);
}

/** The running loop of this thread; throws RuntimeError without one. */
export function runningLoop(): AbstractEventLoop {
  if (running !== null) return running;
  throw new RuntimeError(
    "No running event loop: call this inside run(async () => { ... }), or from a task or callback of a running loop",
  );
}
