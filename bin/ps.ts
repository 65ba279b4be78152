// This is `threadloop ps` and `threadloop pstree`: the tasks of a running process, as a table and as a tree.

import { printable } from "../src/errors/printable.ts";
import type { ThreadSnapshot } from "../workers/observe/snapshot.ts";
import { TaskForest, type TaskNode } from "../workers/observe/tasktree.ts";
import { attached } from "./attach.ts";
import { lookInto } from "./look.ts";

/** The columns of a task or a job, behind the place where it is. */
export const HEAD: readonly string[] = ["KIND", "NAME", "STATE", "WAITS ON", "FOR", "AWAITED BY", "FUNCTION"];

/** The table, a line for each task and job. */
export async function ps(pid: number, port: number): Promise<string> {
  const tree = new TaskForest(await snapshotsOf(pid, port));
  return table([["THREAD", ...HEAD], ...tree.all.map((node) => [threadOf(node, tree), ...cellsOf(node)])]);
}

/** The tree. */
export async function pstree(pid: number, port: number): Promise<string> {
  return String(new TaskForest(await snapshotsOf(pid, port)));
}

async function snapshotsOf(pid: number, port: number): Promise<ThreadSnapshot[]> {
  const snapshots = await attached(pid, port, (remote) => lookInto(remote, pid));
  return snapshots.sort((a, b) => a.thread - b.thread);
}

/** The thread in which a task is, with its name where it has one. */
export function threadOf({ thread }: TaskNode, { threads }: TaskForest): string {
  if (thread === null) return "-";
  const name = threads.find((each) => each.thread === thread)?.name ?? null;
  return name === null ? String(thread) : `${thread} ${name}`;
}

/** What stands below HEAD. */
export function cellsOf(node: TaskNode): string[] {
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

/** Rows in columns; a cell may hold anything. */
export function table(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map((cell) => printable(cell)));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => (row[column] as string).length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd();
  return shown.map(line).join("\n");
}
