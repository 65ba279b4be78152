// `threadloop ps` and `threadloop pstree`: the tasks of a running process, as a table and as a tree.

import { printable } from "../src/errors/printable.ts";
import type { ThreadSnapshot } from "../workers/observe/snapshot.ts";
import { TaskForest, type TaskNode } from "../workers/observe/tasktree.ts";
import { attached } from "./attach.ts";
import { lookInto } from "./look.ts";

const HEAD = ["THREAD", "KIND", "NAME", "STATE", "WAITS ON", "FOR", "AWAITED BY", "FUNCTION"];

/** The table, a line for each task and job. */
export async function ps(pid: number, port: number): Promise<string> {
  const tree = new TaskForest(await snapshotsOf(pid, port));
  const names = new Map(tree.threads.map(({ thread, name }) => [thread, name]));
  const threadOf = ({ thread }: TaskNode) => {
    if (thread === null) return "-";
    const name = names.get(thread) ?? null;
    return name === null ? String(thread) : `${thread} ${name}`;
  };
  return table([HEAD, ...tree.all.map((node) => [threadOf(node), ...cellsOf(node)].map(printable))]);
}

/** The tree. */
export async function pstree(pid: number, port: number): Promise<string> {
  return String(new TaskForest(await snapshotsOf(pid, port)));
}

async function snapshotsOf(pid: number, port: number): Promise<ThreadSnapshot[]> {
  const snapshots = await attached(pid, port, (remote) => lookInto(remote, pid));
  return snapshots.sort((a, b) => a.thread - b.thread);
}

function cellsOf(node: TaskNode): string[] {
  return [
    node.kind,
    node.name,
    node.state,
    node.waitsOn ?? "-",
    node.since === null ? "-" : `${Math.round(node.since)} ms`,
    node.awaitedBy.map((awaiter) => awaiter.name).join(", ") || "-",
    node.function,
  ];
}

function table(rows: readonly string[][]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}
