/** Which loop: the running one, or the thread's own, made at first use, as introductions to asyncio teach it. */
import { got } from "./errors.ts";
import { currentLoopOrNull, currentRunner, runningLoop, setCurrentLoop, waitingTaskOf } from "./events.ts";
import { EventLoop, type EventLoopOptions } from "./loop.ts";
import type { Task } from "./task.ts";

/** Returns the loop that runs in this thread; throws RuntimeError without one. */
export function getRunningLoop(): EventLoop {
  return runningLoop() as EventLoop;
}

/**
 * Returns the running loop, else this thread's own, which is made at first use and again after it was closed.
 *
 * @example
 * ```ts
 * import { getEventLoop, sleep } from "threadloop";
 *
 * const loop = getEventLoop();
 * console.log(await loop.runUntilComplete(() => sleep(10, "done"))); // done
 * loop.close();
 * ```
 */
export function getEventLoop(): EventLoop {
  const current = currentLoopOrNull();
  if (current !== null) return current as EventLoop;
  const own = new EventLoop();
  setCurrentLoop(own, false);
  return own;
}

/**
 * Sets what `getEventLoop` returns while no loop runs, and where `ensureFuture`, `gather` and their like then make
 * tasks; null makes it make a new one.
 */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && !(loop instanceof EventLoop)) {
    throw new TypeError(`Expected \`loop\` to be an EventLoop or null, got ${got(loop)}`);
  }
  setCurrentLoop(loop, true);
}

/** Makes a loop, which does not run yet. */
export function newEventLoop(options: EventLoopOptions = {}): EventLoop {
  return new EventLoop(options);
}

/**
 * Returns the task whose code is running, or null in a callback of the loop and outside it. What Node calls (an event
 * handler, a timer) runs in the task that registered it, until that is done; `asTask` gives each call a task of its own.
 */
export function currentTask(): Task | null {
  const task = waitingTaskOf(currentRunner.getStore()) as Task | null;
  return task === null || task.done() ? null : task;
}

/** Returns the tasks of a loop (default: the running one) that are not done, in the order of creation. */
export function allTasks(loop: EventLoop = getRunningLoop()): Task[] {
  return [...loop._tasks] as unknown[] as Task[];
}
