/**
 * Who awaits whom, as asyncio's `capture_call_graph`. The edges are read off the done callbacks of a future: a
 * task that awaits it, or the gather, shield, wait or task group that it is a part of. More can be declared.
 */
import { got, RuntimeError } from "./errors.ts";
import { FurtherAwait } from "./furtherawait.ts";
import { Future } from "./future.ts";
import { Listener } from "./listener.ts";
import type { EventLoop } from "./loop.ts";
import { rootsOf } from "./roots.ts";
import { allTasks, currentTask, getRunningLoop } from "./running.ts";
import type { Level } from "./scope.ts";
import { Task } from "./task.ts";

/** A future with the stack at its await, where it is known, and with those who await it. */
export interface FutureCallGraph {
  future: Future;
  /** The frames at the await, innermost first; known in debug mode only, and async frames from Node 26 on. */
  callStack: string[];
  awaitedBy: FutureCallGraph[];
}

/**
 * Returns the graph of those who await a future, directly or not; default the current task. Throws RuntimeError when
 * there is neither.
 *
 * @example
 * ```ts
 * import { captureCallGraph, createTask, formatCallGraph, gather, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const leaf = createTask(() => sleep(5), { name: "leaf" });
 *   const parent = createTask(() => gather(leaf), { name: "parent" });
 *   await sleep(0);
 *   await sleep(0);
 *   console.log(captureCallGraph(leaf).awaitedBy[0]?.awaitedBy[0]?.future === parent); // true
 *   console.log(formatCallGraph(leaf));
 *   await parent;
 * });
 * ```
 */
export function captureCallGraph(future: Future | null = currentTask()): FutureCallGraph {
  if (future === null)
    throw new RuntimeError("Expected a future: no task is running whose call graph could be captured");
  checkFuture(future, "future");
  return capture(future, new Set());
}

/** Returns the call graph as text, one future a line, those who await it below it and indented. */
export function formatCallGraph(future: Future | null = currentTask()): string {
  return formatGraph(captureCallGraph(future), 0).join("\n");
}

/** Prints the call graph. */
export function printCallGraph(future: Future | null = currentTask()): void {
  console.log(formatCallGraph(future));
}

/** A task with the tasks that it waits for. */
export interface TaskTree {
  task: Task;
  waitsFor: TaskTree[];
}

/**
 * Returns the tasks of a loop that are not done, each below the one that awaits it. Default: the running loop. Tasks that
 * wait for each other in a circle are below the first of them, which is there once more at the end of the circle.
 */
export function captureTaskTree(loop: EventLoop = getRunningLoop()): TaskTree[] {
  const nodes = new Map(allTasks(loop).map((task) => [task, { task, waitsFor: [] } as TaskTree]));
  const awaited = new Set<TaskTree>();
  for (const node of nodes.values()) {
    const parents = awaitingTasks(node.task).filter((task) => nodes.has(task));
    for (const parent of parents) nodes.get(parent)?.waitsFor.push(node);
    if (parents.length > 0) awaited.add(node);
  }
  return rootsOf(nodes.values(), {
    hasParent: (node) => awaited.has(node),
    childrenOf: (node) => node.waitsFor,
  });
}

/** Returns that tree as text. */
export function formatTaskTree(loop: EventLoop = getRunningLoop()): string {
  const seen = new Set<Task>();
  return captureTaskTree(loop)
    .flatMap((root) => formatTree(root, "", seen))
    .join("\n");
}

/** Prints that tree. */
export function printTaskTree(loop: EventLoop = getRunningLoop()): void {
  console.log(formatTaskTree(loop));
}

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

function checkFuture(value: unknown, name: string): void {
  if (!(value instanceof Future))
    throw new TypeError(`Expected \`${name}\` to be a future or task, got ${got(value)}`);
}

function capture(future: Future, seen: Set<Future>): FutureCallGraph {
  const callStack = future instanceof Task ? future.getStack() : [];
  if (seen.has(future)) return { future, callStack, awaitedBy: [] };
  seen.add(future);
  return { future, callStack, awaitedBy: awaiters(future).map((awaiter) => capture(awaiter, seen)) };
}

/** Those who are told when the future is done: tasks, and the futures that it is a part of; and those declared. */
function awaiters(future: Future): Future[] {
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
export function awaitingTasks(future: Future, seen = new Set<Future>()): Task[] {
  if (seen.has(future)) return [];
  seen.add(future);
  const tasks = awaiters(future).flatMap((awaiter) =>
    awaiter instanceof Task ? [awaiter] : awaitingTasks(awaiter, seen),
  );
  return [...new Set(tasks)];
}

function formatGraph(graph: FutureCallGraph, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const lines = [
    `${indent}* <${graph.future._describe()}>`,
    ...graph.callStack.map((frame) => `${indent}  ${frame}`),
  ];
  if (graph.awaitedBy.length > 0) lines.push(`${indent}  awaited by:`);
  return lines.concat(graph.awaitedBy.flatMap((awaiter) => formatGraph(awaiter, depth + 2)));
}

function formatTree(tree: TaskTree, indent: string, seen: Set<Task>): string[] {
  const line = `${indent}<${tree.task._describe()}>`;
  if (seen.has(tree.task)) return [tree.waitsFor.length > 0 ? `${line} (see above)` : line];
  seen.add(tree.task);
  return [line, ...tree.waitsFor.flatMap((child) => formatTree(child, `${indent}  `, seen))];
}
