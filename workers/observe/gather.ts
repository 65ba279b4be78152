// Snapshots of several threads: this one, and the workers of its pools, who are asked and may be too busy to answer.

import { setTimeout as wait } from "node:timers/promises";
import type { Engine } from "../engine.ts";
import type { Host } from "../host.ts";
import { type ThreadSnapshot, takeSnapshot } from "./snapshot.ts";

/** Takes the snapshots of this thread and of the workers of the pools that answer within so many milliseconds. */
export async function gatherSnapshots(
  engines: readonly Engine[],
  patience: number,
): Promise<ThreadSnapshot[]> {
  const own = takeSnapshot(engines);
  const hosts = engines.flatMap((engine) => engine.hostsWithThreads());
  const below = await Promise.all(hosts.map((host) => askFor(host, patience)));
  return [own, ...below.flat()];
}

async function askFor(host: Host, patience: number): Promise<readonly ThreadSnapshot[]> {
  const timer = new AbortController();
  const tooLate = wait(patience, null, { signal: timer.signal }).catch(() => null);
  const answer = await Promise.race([host.ask({ about: "tasks", patience: patience / 2 }), tooLate]);
  timer.abort();
  return (answer as readonly ThreadSnapshot[] | null) ?? [];
}
