/**
 * These are those who await a future, read off its done callbacks: a task that awaits it, or the gather, shield, wait or
 * task group that it is a part of. More can be declared.
 */
import { got } from "../errors/errors.ts";
import { Future, Listener } from "../task/future.ts";
import type { Level } from "../task/scope.ts";
import { FurtherAwait, Task } from "../task/task.ts";

/** The edges that somebody declared, as the future does not tell its waiter by a done callback. */
const declared = new WeakMap<Future, Set<Future>>();

/**
 * Declares that a future or task awaits another one, for the call graph and the task tree. Awaits and what the runtime
 * offers are known without it; it is for code that waits by callbacks of its own. Twice is once.
 *
 * @example
 * ```ts
 * import { captureCallGraph, Future, futureAddToAwaitedBy, run } from "threadloop";
 *
 * await run(async () => {
 *   const all = new Future();
 *   const part = new Future();
 *   part.addDoneCallback(() => all.setResult("done")); // the runtime does not know whom it settles
 *   futureAddToAwaitedBy(part, all);
 *   console.log(captureCallGraph(part).awaitedBy[0]?.future === all); // true
 * });
 * ```
 */
export function futureAddToAwaitedBy(future: Future, waiter: Future): void {
  checkFuture(future, "future");
  checkFuture(waiter, "waiter");
  const waiters = declared.get(future);
  if (waiters === undefined) declared.set(future, new Set([waiter]));
  else waiters.add(waiter);
}

/** Takes back what `futureAddToAwaitedBy` declared; where nothing was, nothing changes. */
export function futureDiscardFromAwaitedBy(future: Future, waiter: Future): void {
  checkFuture(future, "future");
  checkFuture(waiter, "waiter");
  declared.get(future)?.delete(waiter);
}

/** Throws TypeError when a value is no future. */
export function checkFuture(value: unknown, name: string): void {
  if (!(value instanceof Future))
    throw new TypeError(`Expected \`${name}\` to be a future or task, got ${got(value)}`);
}

/** Those who are told when the future is done: tasks, and the futures that it is a part of; and those declared. */
export function awaiters(future: Future): Future[] {
  const found = new Set<Future>();
  for (const entry of future._callbackList()) {
    if (entry instanceof Task) found.add(entry);
    else if (entry instanceof FurtherAwait) found.add(entry._task as Level as Task);
    else if (entry instanceof Listener && entry._for !== null) found.add(entry._for);
  }
  for (const waiter of declared.get(future) ?? []) found.add(waiter);
  return [...found];
}

/** The tasks among those who await it, through any futures between. */
export function awaitingTasks(future: Future): Task[] {
  const tasks = new Set<Task>();
  const seen = new Set<Future>();
  const open = [future];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    for (const awaiter of awaiters(at).toReversed()) {
      if (awaiter instanceof Task) tasks.add(awaiter);
      else open.push(awaiter);
    }
  }
  return [...tasks];
}
