/** This tells what runs: the loop of this thread, its task, and the tasks it has. */
import { currentRunner, runningLoop, waitingTaskOf } from "../scheduling/events.ts";
import type { Task } from "../task/task.ts";
import type { EventLoop } from "./loop.ts";

/** The loop that runs in this thread, without its network; throws RuntimeError without one. */
export function runningEventLoop(): EventLoop {
  return runningLoop() as EventLoop;
}

/**
 * Returns the task whose code is running, or null in a callback of the loop and outside it. What Node calls (an event
 * handler, a timer) runs in the task that registered it, until that is done; `asTask` gives each call a task of its own.
 *
 * @example
 * ```ts
 * import { createTask, currentTask, run } from "threadloop";
 *
 * await run(async () => {
 *   await createTask(async () => console.log(currentTask()?.getName()), { name: "import" }); // import
 * });
 * console.log(currentTask()); // null
 * ```
 */
export function currentTask(): Task | null {
  const task = waitingTaskOf(currentRunner.getStore()) as Task | null;
  return task === null || task.done() ? null : task;
}

/**
 * Returns the tasks of a loop (default: the running one) that are not done, in the order of creation. Throws RuntimeError
 * when no loop is given and none runs.
 *
 * @example
 * ```ts
 * import { allTasks, createTask, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   createTask(() => sleep(5), { name: "timer" });
 *   console.log(allTasks().length); // 2
 * });
 * ```
 */
export function allTasks(loop: EventLoop = runningEventLoop()): Task[] {
  return [...loop._tasks] as unknown[] as Task[];
}
