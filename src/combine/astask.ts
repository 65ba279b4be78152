/** `asTask` runs each call of a function as a task: for what Node calls and not the loop, such as event handlers. */

import { got, RuntimeError } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { runningEventLoop } from "../loop/currentloop.ts";
import type { EventLoop } from "../loop/loop.ts";
import type { Context } from "../scheduling/context.ts";
import { FAILED } from "../task/future.ts";
import type { Task } from "../task/task.ts";
import { TaskGroup } from "./taskgroup.ts";

/** How the tasks of `asTask` are made. */
export interface AsTaskOptions {
  /** Whose children they are; default nobody's. */
  group?: TaskGroup;
  /** Their name, for people; default `Task-1`, `Task-2` and so on. */
  name?: string;
  /** The context variables of which each call gets a copy; default the caller's. */
  context?: Context;
}

const AS_TASK_OPTIONS = optionNames<AsTaskOptions>({ group: true, name: true, context: true });

/**
 * Makes a function that runs each call as a task of its own: for event handlers, timers, servers and batch functions,
 * which otherwise run in the task that registered them and share its context variables.
 *
 * The first step runs at once, so that listeners are added and a stream is read in the same tick; `this` and the
 * arguments are passed on, and the call returns the Task. Each call has a `currentTask()` and context variables of its
 * own. It is cancelled alone, or with its `group`, which then also waits for it and fails with it.
 *
 * An error that nobody looks at in the iteration after it goes to the loop's exception handler. A group that takes no
 * more tasks refuses the call: the function never runs, the Task is cancelled, and the exception handler is told, as
 * nobody may catch what a handler throws. Throws RuntimeError when it is called while no loop runs, and `asTask` itself
 * TypeError when it is given something else.
 *
 * @example
 * ```ts
 * import { EventEmitter } from "node:events";
 * import { asTask, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const bus = new EventEmitter();
 *   bus.on("job", asTask(async (name: string) => {
 *     await sleep(1);
 *     console.log(name);
 *   }));
 *   bus.emit("job", "one"); // one
 *   await sleep(5);
 * });
 * ```
 */
export function asTask<This, A extends unknown[], R>(
  fn: (this: This, ...args: A) => PromiseLike<R> | R,
  options: AsTaskOptions = {},
): (this: This, ...args: A) => Task<R> {
  check(fn, options);
  const { group, name, context } = options;
  return function (this: This, ...args: A): Task<R> {
    const loop = runningEventLoop();
    const start = () => fn.apply(this, args);
    const made = {
      eagerStart: true,
      ...(name === undefined ? {} : { name }),
      ...(context === undefined ? {} : { context: context.copy() }),
    };
    if (group === undefined) return reported(loop.createTask(start, made), loop);
    const refusal = group._refusal();
    if (refusal === null) return group.createTask(start, made);
    return refused(loop.createTask(start, { ...made, eagerStart: false }), loop, refusal);
  };
}

/** Nobody may ever look at the task, so its error is not kept until it is collected. */
function reported<R>(task: Task<R>, loop: EventLoop): Task<R> {
  const tell = () => loop._reportUnretrieved(task as Task);
  task._listen(
    () => {
      if (task._state === FAILED && !loop.isClosed()) loop.callSoon(tell);
    },
    null,
    false,
  );
  return task;
}

function refused<R>(task: Task<R>, loop: EventLoop, refusal: string): Task<R> {
  const exception = new RuntimeError(refusal);
  task.cancel(refusal, exception);
  loop.callExceptionHandler({ message: "A call was refused", exception, task });
  return task;
}

function check(fn: unknown, options: AsTaskOptions): void {
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
  checkOptionNames("asTask", options, AS_TASK_OPTIONS);
  const { group } = options;
  if (group !== undefined && !(group instanceof TaskGroup))
    throw new TypeError(`Expected \`group\` to be a TaskGroup, got ${got(group)}`);
}
