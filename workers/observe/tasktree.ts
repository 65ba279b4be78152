// These are the tasks of several threads as one forest: each task below those that await it, a job below the task
// that awaits it, and the task that runs the job in a worker below the job.

import { inspect } from "node:util";
import { printable, rootsOf } from "../../src/core.ts";
import type { JobSnapshot, TaskSnapshot, ThreadSnapshot } from "./snapshot.ts";

/** A task of a loop, or a job on its way through a pool. */
export interface TaskNode {
  readonly kind: "task" | "job";
  readonly name: string;
  /** The name of the task's function, or the beginning of its source; a job's is its name. */
  readonly function: string;
  readonly state: "running" | "ready" | "waiting" | "queued";
  /** The thread in which it is; null for a job that no worker has yet. */
  readonly thread: number | null;
  /** What it waits on, in words; null when it does not wait. */
  readonly waitsOn: string | null;
  /** Milliseconds for which it has been waiting, or a job for which it has been queued or running; null for others. */
  readonly since: number | null;
  /** The frames at its await, innermost first; known in debug mode. */
  readonly stack: readonly string[];
  /** Who awaits it. */
  readonly awaitedBy: readonly TaskNode[];
  /** The tasks and jobs that it awaits. */
  readonly waitsFor: readonly TaskNode[];
}

/** A thread, with those of its tasks that nobody awaits, and one of each circle of tasks that await each other. */
export interface ThreadTree {
  /** The machine of a cluster whose thread it is; null for one of this process. */
  readonly machine: string | null;
  /** Each process has numbers of its own. */
  readonly thread: number;
  /** Its name, null where it has none. */
  readonly name: string | null;
  /** The pool whose worker it is; null for the others. */
  readonly pool: string | null;
  /** The job that keeps the thread busy at this moment, so that it did not answer or had to be interrupted. */
  readonly busyWith: { readonly name: string; readonly since: number } | null;
  readonly answered: boolean;
  /** What it was doing, innermost frame first, when it was interrupted by `threadloop ps`. */
  readonly stack: readonly string[];
  readonly roots: readonly TaskNode[];
}

type Growing = { -readonly [K in keyof TaskNode]: TaskNode[K] } & {
  awaitedBy: Growing[];
  waitsFor: Growing[];
};

/** What the threads of a machine of a cluster have told. */
export interface MachineSnapshots {
  readonly name: string;
  readonly snapshots: readonly ThreadSnapshot[];
}

/** The tasks of several threads at a moment. Its text is the tree. */
export class TaskForest {
  /** Every task and job, awaited or not. */
  readonly all: readonly TaskNode[];
  readonly threads: readonly ThreadTree[];
  /** Jobs that are not listed, as there are so many. */
  readonly more: number;

  /** @internal */
  constructor(snapshots: readonly ThreadSnapshot[], machines: readonly MachineSnapshots[] = []) {
    const places = [{ name: null, snapshots }, ...machines];
    const forests = places.map((place) => new Forest(place.snapshots, place.name));
    this.all = forests.flatMap((forest) => forest.all);
    this.threads = forests.flatMap((forest) => forest.threads());
    const pools = places.flatMap((place) => place.snapshots.flatMap((snapshot) => snapshot.pools));
    this.more = pools.reduce((sum, pool) => sum + pool.more, 0);
  }

  /** The tree as text. */
  toString(): string {
    const seen = new Set<TaskNode>();
    const lines = this.threads.flatMap((thread) => [
      headOf(thread),
      ...framesOf(thread),
      ...linesOf(thread.roots, seen),
    ]);
    if (this.more > 0) lines.push(`and ${this.more} more jobs`);
    return lines.join("\n");
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Links the nodes of one process, by who awaits whom and by the slots of the jobs. */
class Forest {
  readonly all: Growing[] = [];
  readonly #snapshots: readonly ThreadSnapshot[];
  readonly #machine: string | null;
  /** Tasks by thread and number. */
  readonly #tasks = new Map<string, Growing>();
  /** Tasks that run a job, by thread and slot. */
  readonly #jobTasks = new Map<string, Growing>();

  constructor(snapshots: readonly ThreadSnapshot[], machine: string | null) {
    this.#snapshots = snapshots;
    this.#machine = machine;
    for (const { thread, tasks } of snapshots) for (const task of tasks) this.#addTask(thread, task);
    for (const { thread, tasks } of snapshots) {
      for (const task of tasks) this.#link(this.#tasks.get(`${thread}:${task.id}`), thread, task.awaitedBy);
    }
    for (const { thread, pools } of snapshots) {
      for (const pool of pools) for (const job of pool.jobs) this.#addJob(thread, job);
    }
  }

  threads(): ThreadTree[] {
    const roots = rootsOf(this.all, {
      hasParent: (node) => node.awaitedBy.length > 0,
      childrenOf: (node) => node.waitsFor,
    });
    const answered = new Set(this.#snapshots.map((snapshot) => snapshot.thread));
    const pools = this.#snapshots.flatMap((snapshot) => snapshot.pools);
    const workers = new Map(pools.flatMap((pool) => pool.hosts.map((host) => [host.thread, { pool, host }])));
    const stacks = new Map(this.#snapshots.map(({ thread, stack }) => [thread, stack ?? []]));
    return [...new Set([...answered, ...workers.keys()])].map((thread) => {
      const stack = stacks.get(thread) ?? [];
      const isBusy = !answered.has(thread) || stack.length > 0;
      return {
        machine: this.#machine,
        thread,
        name: workers.get(thread)?.pool.threadName ?? null,
        pool: workers.get(thread)?.pool.name ?? null,
        busyWith: isBusy ? (workers.get(thread)?.host.current ?? null) : null,
        answered: answered.has(thread),
        stack,
        roots: this.#rootsIn(thread, roots),
      };
    });
  }

  /** A job that no worker has yet is listed with the thread that submitted it. */
  #rootsIn(thread: number, roots: readonly Growing[]): Growing[] {
    const main = this.#snapshots[0]?.thread;
    return roots.filter((node) => (node.thread ?? main) === thread);
  }

  #addTask(thread: number, task: TaskSnapshot): void {
    const { name, state, waitsOn, waited, stack } = task;
    const links = { awaitedBy: [], waitsFor: [] };
    const node: Growing = {
      kind: "task",
      name,
      function: task.function,
      state,
      thread,
      waitsOn,
      since: waited,
      stack,
      ...links,
    };
    this.all.push(node);
    this.#tasks.set(`${thread}:${task.id}`, node);
    if (task.slot !== null) this.#jobTasks.set(`${thread}:${task.slot}`, node);
  }

  #addJob(home: number, job: JobSnapshot): void {
    const { name, state, since, thread } = job;
    const links = { awaitedBy: [], waitsFor: [] };
    const node: Growing = {
      kind: "job",
      name,
      function: name,
      state,
      thread,
      waitsOn: null,
      since,
      stack: [],
      ...links,
    };
    this.all.push(node);
    this.#link(node, home, job.awaitedBy);
    const body = this.#jobTasks.get(`${thread}:${job.slot}`);
    if (body === undefined) return;
    body.awaitedBy.push(node);
    node.waitsFor.push(body);
  }

  #link(node: Growing | undefined, thread: number, awaitedBy: readonly number[]): void {
    for (const number of awaitedBy) {
      const awaiter = this.#tasks.get(`${thread}:${number}`);
      if (awaiter === undefined || node === undefined) continue;
      node.awaitedBy.push(awaiter);
      awaiter.waitsFor.push(node);
    }
  }
}

function framesOf({ stack }: ThreadTree): string[] {
  return stack.map((frame) => `     ${printable(frame)}`);
}

function headOf({ machine, thread, name: own, pool, busyWith, answered, stack }: ThreadTree): string {
  const title = own === null ? "" : ` "${printable(own)}"`;
  const place = machine === null ? "" : `machine "${printable(machine)}", `;
  const name = `${place}${thread === 0 ? "main thread" : `thread ${thread}${title}`}${pool === null ? "" : ` of pool "${pool}"`}`;
  if (busyWith === null)
    return answered ? `${name}${stack.length > 0 ? ": busy" : ""}` : `${name}: does not answer`;
  return `${name}: busy with job ${busyWith.name} for ${duration(busyWith.since)}`;
}

/** What a node waits for is told where the node comes first: in what many wait for, the paths are without number. */
function linesOf(roots: readonly TaskNode[], seen: Set<TaskNode>): string[] {
  const lines: string[] = [];
  const open = branchesOf(roots, "");
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const { node, indent, isLast } = branch;
    const isKnown = seen.has(node);
    seen.add(node);
    const again = isKnown && node.waitsFor.length > 0 ? " (see above)" : "";
    lines.push(`${indent}${isLast ? "└─ " : "├─ "}${lineOf(node)}${again}`);
    if (isKnown) continue;
    for (const below of branchesOf(node.waitsFor, `${indent}${isLast ? "   " : "│  "}`)) open.push(below);
  }
  return lines;
}

interface Branch {
  readonly node: TaskNode;
  readonly indent: string;
  readonly isLast: boolean;
}

/** The first one is at the end. */
function branchesOf(nodes: readonly TaskNode[], indent: string): Branch[] {
  return nodes.map((node, i) => ({ node, indent, isLast: i === nodes.length - 1 })).reverse();
}

function lineOf(node: TaskNode): string {
  const since = node.since === null ? "" : ` for ${duration(node.since)}`;
  if (node.kind === "job") {
    const where = node.thread === null ? "" : ` in thread ${node.thread}`;
    return printable(`job ${node.name}: ${node.state}${where}${since}`);
  }
  const what = node.waitsOn === null ? node.state : `waits on ${node.waitsOn}${since}`;
  const name = node.name === node.function ? node.name : `${node.name} (${node.function})`;
  return printable(`task ${name}: ${what}`);
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
