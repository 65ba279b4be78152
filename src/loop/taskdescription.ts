/** This is what a task does at a moment, in words. It is read off a loop, also in the middle of a step, and changes nothing. */

import { printable } from "../errors/printable.ts";
import { ticksSince } from "../scheduling/clock.ts";
import { originOf } from "../scheduling/debug.ts";
import type { Pump } from "../scheduling/pump.ts";
import type { Future } from "../task/future.ts";
import { LazyCall } from "../task/startable.ts";
import type { Task } from "../task/task.ts";

/** What a task does, said of it by itself. */
export interface DescribedTask {
  readonly name: string;
  /** The name of its function, or the beginning of its source when it has none. */
  readonly function: string;
  readonly state: "running" | "ready" | "waiting";
  /** What it waits on, in words; null when it does not wait. */
  readonly waitsOn: string | null;
  /** Milliseconds since it began to wait; null when it does not wait. */
  readonly waited: number | null;
  /** The frames at its await, innermost first; known in debug mode. */
  readonly stack: readonly string[];
}

const LONGEST_SOURCE = 60;

/** The longest list that a message tells. */
const MOST_TOLD = 20;

/**
 * Says which tasks of a loop are not done and what each waits on; in debug mode also where that was made.
 */
export function describeTasks(loop: Pump): string {
  const tasks = [...loop._tasks] as unknown[] as Task[];
  const lines = tasks.slice(0, MOST_TOLD).map((task) => describe(task, loop));
  if (tasks.length > MOST_TOLD) lines.push(`and ${tasks.length - MOST_TOLD} more`);
  const count = tasks.length === 1 ? "1 task" : `${tasks.length} tasks`;
  return `${count}:${lines.map((line) => `\n  ${line}`).join("")}`;
}

function describe(task: Task, loop: Pump): string {
  const { name, function: fn, state, waitsOn, waited, stack } = described(task, loop);
  const what =
    waitsOn === null ? state : `waits on ${awaited(task)} for ${((waited ?? 0) / 1000).toFixed(1)} s`;
  const place = stack.length === 0 ? "" : `, ${stack[0]}`;
  return printable(`task '${name}'${name === fn ? "" : ` (${fn})`}: ${what}${place}`);
}

/** All that a task waits on, as far as it is known: of a promise of others nothing is. */
function awaited(task: Task): string {
  if (task._waiter === null) return "a promise that is not the runtime's";
  const more = task._more === null ? [] : Array.from(task._more, (wait) => wait._future as Future);
  return listed([task._waiter, ...more].map(closely));
}

/** What a future stands for, what it follows in turn, and where it was made. */
function closely(future: Future): string {
  const follows = (future._passesTo ?? []).filter((each) => !each.done());
  const which = follows.length === 0 ? "" : ` (${listed(follows.map((each) => each._what()))})`;
  const origin = future._isTask ? "" : originOf(future);
  return `${future._what()}${which}${origin === "" ? "" : ` made ${origin}`}`;
}

/** The longest list within a line. */
const MOST_LISTED = 3;

function listed(all: readonly string[]): string {
  if (all.length <= MOST_LISTED) return all.join(" and ");
  return `${all.slice(0, MOST_LISTED).join(", ")} and ${all.length - MOST_LISTED} more`;
}

/** Says what a task does now. */
export function described(task: Task, loop: Pump): DescribedTask {
  const waitsOn = waitedFor(task, loop);
  const state = waitsOn !== null ? "waiting" : loop._isStepping(task) ? "running" : "ready";
  return {
    name: task.name,
    function: functionOf(task),
    state,
    waitsOn,
    waited: waitsOn === null ? null : ticksSince(task._since),
    stack: task.getStack(),
  };
}

function waitedFor(task: Task, loop: Pump): string | null {
  if (task._waiter !== null) {
    const more = task._more === null ? 0 : task._more.size;
    return task._waiter._what() + (more > 0 ? ` and ${more} more` : "");
  }
  return loop._waitsForForeign(task) ? "a promise" : null;
}

function functionOf(task: Task): string {
  const coro = task.getCoro();
  if (coro instanceof LazyCall || coro.name !== "") return coro.name;
  const source = String(coro).replace(/\s+/g, " ");
  return source.length > LONGEST_SOURCE ? `${source.slice(0, LONGEST_SOURCE - 1)}…` : source;
}
