/** Runs the body of a task, in its own context; the body's end is the end of the task. */
import { type ContextRunner, currentRunner } from "./events.ts";
import { Future } from "./future.ts";

/** The task, as its body sees it. */
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
  let promise: PromiseLike<unknown> | null;
  let value: unknown;
  try {
    value = start();
    promise = promiseOf(value);
  } catch (error) {
    task._fail(error);
    return;
  }
  if (promise === null) task._finish(value);
  else
    promise.then(
      (result) => task._finish(result),
      (error) => task._fail(error),
    );
}

const { then: nativeThen } = Promise.prototype;

/**
 * What settles once as a body's result does, or null when that is no thenable. The `then` of others may call back
 * twice, with a promise, or throw afterwards: the first call counts, and a promise is adopted, as `await` does it.
 */
function promiseOf(value: unknown): PromiseLike<unknown> | null {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return null;
  const { then } = value as { then?: unknown };
  if (typeof then !== "function") return null;
  if ((then === nativeThen && value instanceof Promise) || value instanceof Future)
    return value as PromiseLike<unknown>;
  return new Promise((resolve, reject) => then.call(value, resolve, reject));
}
