/**
 * This is a task as plain data, for people and for other threads: what `pool.tasks()` and `threadloop ps` are made
 * of. It is read off a loop at any moment, also in the middle of a step, and changes nothing there.
 */

import { allTasks } from "../loop/currentloop.ts";
import type { EventLoop } from "../loop/loop.ts";
import { type DescribedTask, described } from "../loop/taskdescription.ts";
import type { Task } from "../task/task.ts";
import { awaitingTasks } from "./awaiters.ts";

/** What a task does at a moment. */
export interface TaskReport extends DescribedTask {
  /** Its number; no other task of this thread has it. */
  readonly id: number;
  /** The numbers of the tasks that await it. */
  readonly awaitedBy: readonly number[];
}

const ids = new WeakMap<Task, number>();
let lastId = 0;

/** Returns the number of a task, given at the first question. */
export function taskId(task: Task): number {
  const known = ids.get(task);
  if (known !== undefined) return known;
  ids.set(task, ++lastId);
  return lastId;
}

/** Reports on every task of a loop that is not done, in the order of creation. */
export function reportTasks(loop: EventLoop): TaskReport[] {
  return allTasks(loop).map((task) => ({
    id: taskId(task),
    ...described(task, loop),
    awaitedBy: awaitingTasks(task).map(taskId),
  }));
}
