/**
 * This tells who awaits whom, as asyncio's `capture_call_graph`: for people, as threads report their tasks without it.
 */
import { RuntimeError } from "../errors/errors.ts";
import { allTasks, currentTask, runningEventLoop } from "../loop/currentloop.ts";
import type { EventLoop } from "../loop/loop.ts";
import type { Future } from "../task/future.ts";
import { Task } from "../task/task.ts";
import { awaiters, awaitingTasks, checkFuture } from "./awaiters.ts";
import { rootsOf } from "./roots.ts";

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
  return capture(future);
}

/**
 * Returns the call graph as text, one future a line, those who await it below it and indented.
 *
 * @example
 * ```ts
 * import { createTask, formatCallGraph, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = createTask(() => sleep(5), { name: "nap" });
 *   console.log(formatCallGraph(task).includes("nap")); // true
 *   await task;
 * });
 * ```
 */
export function formatCallGraph(future: Future | null = currentTask()): string {
  return formatGraph(captureCallGraph(future)).join("\n");
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
 *
 * @example
 * ```ts
 * import { captureTaskTree, createTask, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   createTask(() => sleep(5), { name: "worker" });
 *   await sleep(0); // it begins
 *   for (const { task } of captureTaskTree()) console.log(task.getName()); // Task-1, worker
 * });
 * ```
 */
export function captureTaskTree(loop: EventLoop = runningEventLoop()): TaskTree[] {
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

/**
 * Returns that tree as text.
 *
 * @example
 * ```ts
 * import { createTask, formatTaskTree, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   createTask(() => sleep(5), { name: "worker" });
 *   await sleep(0); // it begins
 *   console.log(formatTaskTree().includes("worker")); // true
 * });
 * ```
 */
export function formatTaskTree(loop: EventLoop = runningEventLoop()): string {
  const seen = new Set<Task>();
  return captureTaskTree(loop)
    .flatMap((root) => formatTree(root, seen))
    .join("\n");
}

/**
 * Prints the tree of a loop's tasks, as `formatTaskTree` gives it.
 *
 * @example
 * ```ts
 * import { createTask, printTaskTree, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const task = createTask(() => sleep(5), { name: "timer" });
 *   printTaskTree();
 *   await task;
 * });
 * ```
 */
export function printTaskTree(loop: EventLoop = runningEventLoop()): void {
  console.log(formatTaskTree(loop));
}

/** Walks in a loop, as chains may be long. Of a future that is met again only the first place shows who awaits it. */
function capture(first: Future): FutureCallGraph {
  const root = nodeOf(first);
  const seen = new Set<Future>();
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node.future)) continue;
    seen.add(node.future);
    node.awaitedBy = awaiters(node.future).map(nodeOf);
    for (const awaiter of node.awaitedBy.toReversed()) open.push(awaiter);
  }
  return root;
}

function nodeOf(future: Future): FutureCallGraph {
  return { future, callStack: future instanceof Task ? future.getStack() : [], awaitedBy: [] };
}

/** So deep the lines are indented; the depth of those below is told as a number, or a long chain had no end of text. */
const DEEPEST_INDENT = 50;

function indentOf(depth: number): string {
  return depth <= DEEPEST_INDENT ? "  ".repeat(depth) : `${"  ".repeat(DEEPEST_INDENT)}[${depth}] `;
}

function formatGraph(root: FutureCallGraph): string[] {
  const lines: string[] = [];
  const open = [{ graph: root, depth: 0 }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { graph, depth } = at;
    const indent = indentOf(depth);
    lines.push(`${indent}* <${graph.future._describe()}>`);
    for (const frame of graph.callStack) lines.push(`${indent}  ${frame}`);
    if (graph.awaitedBy.length > 0) lines.push(`${indent}  awaited by:`);
    for (const awaiter of graph.awaitedBy.toReversed()) open.push({ graph: awaiter, depth: depth + 2 });
  }
  return lines;
}

function formatTree(root: TaskTree, seen: Set<Task>): string[] {
  const lines: string[] = [];
  const open = [{ tree: root, depth: 0 }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { tree, depth } = at;
    const line = `${indentOf(depth)}<${tree.task._describe()}>`;
    const again = seen.has(tree.task);
    lines.push(again && tree.waitsFor.length > 0 ? `${line} (see above)` : line);
    if (again) continue;
    seen.add(tree.task);
    for (const child of tree.waitsFor.toReversed()) open.push({ tree: child, depth: depth + 1 });
  }
  return lines;
}
