// The Node processes that a process has started, as `npm start` and other scripts do.

import { readFileSync } from "node:fs";
import { runsNode } from "./isnode.ts";

/** The nearest ones, also by way of a shell, where /proc tells. */
export function nodesBelow(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => (runsNode(child) ? [child] : nodesBelow(child)));
}

/** What is said of a process that does not use threadloop. */
export function notUsing(pid: number): string {
  const below = nodesBelow(pid);
  const started = below.length === 0 ? "" : `. It has started other Node processes: ${below.join(", ")}`;
  return `Process ${pid} does not use threadloop, or has not loaded it yet${started}`;
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? [] : children.split(/\s+/).map(Number);
  } catch {
    return [];
  }
}
