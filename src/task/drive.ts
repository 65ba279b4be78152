/** Runs the body of a task, in its own context; the body's end is the end of the task. */
import { isInstance } from "../errors/errors.ts";
import { type ContextRunner, currentRunner } from "../scheduling/events.ts";
import { promiseThen, settleByThen, type Then } from "../scheduling/thenable.ts";
import { Future } from "./future.ts";

/** A constant of this module, as V8 inlines no call of one that is exported. */
const nativeThen = promiseThen;

/** The task, as its body sees it. Only the first end counts. */
export interface Driven extends ContextRunner {
  _finish(value: unknown): void;
  _fail(error: unknown): void;
}

/** Is called in an async scope of the task's own, which ends the context: `run` would pay for leaving it once more. */
export function runInTask(task: Driven, start: () => unknown): void {
  currentRunner.enterWith(task);
  drive(task, start);
}

/** A `then` instead of an async function: 12 % less memory a task, and no microtask more. */
function drive(task: Driven, start: () => unknown): void {
  try {
    const result = start() as PromiseLike<unknown> | null | undefined;
    const then = result?.then;
    if (typeof then !== "function") task._finish(result);
    else {
      const finish = (value: unknown) => task._finish(value);
      const fail = (error: unknown) => task._fail(error);
      if (then === nativeThen) nativeThen.call(result as Promise<unknown>, finish, fail);
      else if (isInstance(result, Future)) then.call(result, finish, fail);
      else settleByThen(result, then as Then, finish, fail);
    }
  } catch (error) {
    task._fail(error);
  }
}
