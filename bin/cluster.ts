// This is `threadloop ps`, `pstree` and `top` of a cluster: its machines, what they do, and what waits for them, by
// way of Redis.

import type { MachineSight, Onlooker } from "../cluster/onlooker.ts";
import type { MachineInfo } from "../cluster/roster.ts";
import type { ThreadNumbers } from "../workers/observe/poolwatch.ts";
import type { TaskForest, TaskNode } from "../workers/observe/tasktree.ts";
import { withPeers } from "./peers.ts";
import { Problem } from "./problem.ts";
import { cellsOf, HEAD, table, threadOf } from "./ps.ts";
import { type FunctionRates, type Rates, ratesBetween } from "./rates.ts";
import type { Sight } from "./screen.ts";

/** Milliseconds that a machine has to answer. */
const PATIENCE = 3000;
/** How much longer than two readings are apart machines keep counting for us. */
const LEASES = 3;
const MACHINE_HEAD = [
  "MACHINE",
  "HOST",
  "PID",
  "NODE",
  "THREADS",
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
  "ANSWERS",
];

/** Two tables: the machines; and their tasks and jobs, with the batches that no machine has taken. */
export function psOfCluster(url: string, queue: string): Promise<string> {
  return onlooking(url, queue, async (onlooker) => {
    const [machines, { count, batches }] = await Promise.all([onlooker.tasks(PATIENCE), onlooker.waiting()]);
    const names = namesOf(machines.map(({ info }) => info));
    const tasks = machines.flatMap(({ info, answer }) => taskRows(names.get(info.id) as string, answer));
    const waiting = batches.map(({ name, posted }) => ["-", "-", ...cellsOf(waitingBatch(name, posted))]);
    const more = count - batches.length;
    const parts = [
      table([MACHINE_HEAD, ...machines.map((machine) => machineRow(machine, names))]),
      table([["MACHINE", "THREAD", ...HEAD], ...tasks, ...waiting]),
      ...(more > 0 ? [`and ${more} more batches that no machine has taken`] : []),
      ...adviceFor(machines),
    ];
    return parts.join("\n\n");
  });
}

/** The tree of each machine. */
export function pstreeOfCluster(url: string, queue: string): Promise<string> {
  return onlooking(url, queue, async (onlooker) => {
    const [machines, { count }] = await Promise.all([onlooker.tasks(PATIENCE), onlooker.waiting()]);
    const names = namesOf(machines.map(({ info }) => info));
    const trees = machines.map(({ info, answer }) => {
      const tree = answer === null ? "does not answer" : String(answer);
      return `machine ${names.get(info.id)}\n${tree.replace(/^/gm, "   ")}`;
    });
    return [...trees, `batches that no machine has taken: ${count}`, ...adviceFor(machines)].join("\n\n");
  });
}

/** The same live. */
export function topOfCluster(url: string, queue: string, every: number): Promise<string> {
  return onlooking(url, queue, async (onlooker) => {
    const { watch } = await import("./top.ts");
    return watch(new ClusterSubject(onlooker, new URL(url).host, LEASES * (every + PATIENCE)), every);
  });
}

async function onlooking<T>(
  url: string,
  queue: string,
  look: (onlooker: Onlooker) => Promise<T>,
): Promise<T> {
  const { Onlooker } = await withPeers(() => import("../cluster/onlooker.ts"));
  const onlooker = await Onlooker.open({ url, queue }).catch((error: unknown) => {
    throw error instanceof Error ? new Problem(error.message.replace("`queue`", "`--queue`")) : error;
  });
  try {
    return await look(onlooker);
  } finally {
    await onlooker.close();
  }
}

/** What a cluster is to `top`. It is watched until somebody quits: machines come and go, and Redis comes back. */
class ClusterSubject {
  readonly name: string;
  readonly owners = "MACHINE";
  readonly closed: Promise<void> = new Promise(() => {});
  readonly isGone = false;
  readonly farewell = "";
  readonly #onlooker: Onlooker;
  readonly #lease: number;
  #before = new Map<string, ThreadNumbers>();

  constructor(onlooker: Onlooker, host: string, lease: number) {
    this.#onlooker = onlooker;
    this.#lease = lease;
    this.name = `queue ${onlooker.queue} at ${host}`;
  }

  async look(): Promise<Sight> {
    const [machines, numbers, { count, batches }] = await Promise.all([
      this.#onlooker.tasks(PATIENCE),
      this.#onlooker.numbers(PATIENCE, this.#lease),
      this.#onlooker.waiting(),
    ]);
    const names = namesOf([...machines, ...numbers].map(({ info }) => info));
    const places = new Map<TaskNode, string | null>();
    for (const { info, answer } of machines)
      for (const task of answer?.all ?? [])
        places.set(task, task.thread === null ? null : `${names.get(info.id)} ${task.thread}`);
    const silent = machines.filter(({ answer }) => answer === null).length;
    return {
      rates: this.#ratesOf(numbers, names),
      tasks: [...places.keys(), ...batches.map(({ name, posted }) => waitingBatch(name, posted))],
      placeOf: (task) => places.get(task) ?? null,
      notice: [
        `${count} batches wait`,
        ...(silent > 0 ? [`${silent} of ${machines.length} machines do not answer`] : []),
      ].join("   "),
    };
  }

  #ratesOf(machines: readonly MachineSight<ThreadNumbers>[], names: ReadonlyMap<string, string>): Rates {
    const now = new Map<string, ThreadNumbers>();
    const all = machines.map(({ info, answer }) => {
      const name = names.get(info.id) as string;
      const before = this.#before.get(info.id);
      if (answer !== null) now.set(info.id, answer);
      const { pools, threads, functions } = ratesBetween(readingOf(before), readingOf(answer));
      return {
        pools: pools.map((pool) => ({ ...pool, name })),
        threads: threads.map((thread) => ({ ...thread, pool: name })),
        functions,
      };
    });
    this.#before = now;
    return {
      pools: all.flatMap(({ pools }) => pools),
      threads: all.flatMap(({ threads }) => threads),
      functions: summed(all.flatMap(({ functions }) => functions)),
    };
  }
}

function readingOf(numbers: ThreadNumbers | null | undefined): ReadonlyMap<string, ThreadNumbers> {
  return new Map(numbers == null ? [] : [["0/0", numbers]]);
}

/** The functions of all machines, each once. */
function summed(rates: readonly FunctionRates[]): FunctionRates[] {
  const sums = new Map<string, FunctionRates>();
  for (const { name, threads, longest } of rates) {
    const sum = sums.get(name) ?? { name, threads: 0, longest: 0 };
    sums.set(name, { name, threads: sum.threads + threads, longest: Math.max(sum.longest, longest) });
  }
  return [...sums.values()];
}

/** What machines are called, by id: two that have one name are told apart by their processes. */
function namesOf(machines: readonly MachineInfo[]): Map<string, string> {
  const known = new Map(machines.map((machine) => [machine.id, machine]));
  const all = [...known.values()];
  const isTaken = ({ id, name }: MachineInfo) => all.some((other) => other.id !== id && other.name === name);
  return new Map(
    all.map((machine) => [machine.id, isTaken(machine) ? `${machine.name}:${machine.pid}` : machine.name]),
  );
}

function machineRow(
  { info, answer }: MachineSight<TaskForest>,
  names: ReadonlyMap<string, string>,
): string[] {
  const { host, pid, node, threads, succeeded, failed, cancelled } = info;
  // What it says now is newer than its last sign of life.
  const running =
    answer === null
      ? info.running
      : answer.all.filter(({ kind, state }) => kind === "job" && state === "running").length;
  return [
    names.get(info.id) as string,
    host,
    String(pid),
    node,
    ...[threads, running, succeeded, failed, cancelled].map(String),
    answer === null ? "no" : "yes",
  ];
}

function taskRows(machine: string, tree: TaskForest | null): string[][] {
  return (tree?.all ?? []).map((node) => [machine, threadOf(node, tree as TaskForest), ...cellsOf(node)]);
}

/** A batch of calls that is posted and that no machine has: its time is told by the clock of who posted it. */
function waitingBatch(name: string, posted: number): TaskNode {
  return {
    kind: "job",
    name,
    function: name.replace(/ ×\d+$/, ""),
    state: "queued",
    thread: null,
    waitsOn: null,
    since: Math.max(0, Date.now() - posted),
    stack: [],
    awaitedBy: [],
    waitsFor: [],
  };
}

function adviceFor(machines: readonly MachineSight<unknown>[]): string[] {
  if (machines.length === 0)
    return ["There is no machine in this queue: `threadloop worker --url ...` starts one."];
  if (machines.some(({ answer }) => answer !== null)) return [];
  return [
    "No machine answers: where they have a secret, THREADLOOP_CLUSTER_SECRET must have the same here, and where not, none.",
  ];
}
