/** Everything of the runtime: what the package exports of it, then what only `workers/` uses. */

export { Barrier } from "./barrier.ts";
export {
  captureCallGraph,
  captureTaskTree,
  type FutureCallGraph,
  formatCallGraph,
  formatTaskTree,
  printCallGraph,
  printTaskTree,
  type TaskTree,
} from "./callgraph.ts";
export type { Clock } from "./clock.ts";
export { Condition } from "./condition.ts";
export { Context, ContextVar, copyContext, type Token } from "./context.ts";
/** @internal */
export { Coroutine, coroutine, isCoroutine, type Startable, starterOf } from "./coroutine.ts";
export { type Awaitable, createTask, ensureFuture, type ResultOf, wrapPromise } from "./ensure.ts";
/**
 * What only `workers/` uses: not of the package's interface.
 *
 * @internal
 */
export {
  BrokenBarrierError,
  CancelledError,
  CancelReason,
  cancelledError,
  DeadlockError,
  got,
  InvalidStateError,
  isCancelled,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  TimeoutError,
} from "./errors.ts";
export { Event } from "./event.ts";
export type { ExceptionContext } from "./events.ts";
/** @internal */
export {
  type AbstractEventLoop,
  inRootContext,
  type Outcome,
  type Runnable,
  runningLoopOrNull,
} from "./events.ts";
export { type ErrorFilter, ExceptionGroup } from "./exceptiongroup.ts";
export type { Executor } from "./executor.ts";
/** @internal */
export { setDefaultExecutorFactory } from "./executor.ts";
/** @internal */
export { CANCELLED, FAILED, FINISHED, Future, isFuture, PENDING } from "./future.ts";
export { type GatherOptions, gather } from "./gather.ts";
export { trackAsyncGenerator } from "./generators.ts";
export { Handle, TimerHandle } from "./handle.ts";
export { Lock, type Lockable } from "./lock.ts";
export {
  type CreateTaskOptions,
  EventLoop,
  type EventLoopOptions,
  type ExceptionHandler,
  eagerTaskFactory,
  type TaskFactory,
} from "./loop.ts";
export { LifoQueue, PriorityQueue, Queue } from "./queues.ts";
export { Runner, type RunOptions, run } from "./runner.ts";
export {
  allTasks,
  currentTask,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  setEventLoop,
} from "./running.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { shield } from "./shield.ts";
export { KeyboardInterrupt } from "./signals.ts";
export { sleep } from "./sleep.ts";
export { Task, type TaskOptions } from "./task.ts";
export { TaskGroup, taskGroup } from "./taskgroup.ts";
export { moveOnAfter, Timeout, timeout, timeoutAt, waitFor } from "./timeout.ts";
export {
  type AsCompletedOptions,
  any,
  asCompleted,
  type ReturnWhen,
  race,
  type WaitOptions,
  wait,
} from "./wait.ts";
