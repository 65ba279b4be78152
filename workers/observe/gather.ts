// These are snapshots of several threads: this one, and the workers of its pools.

import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { askAll } from "./ask.ts";
import { type ThreadSnapshot, takeSnapshot } from "./snapshot.ts";

/** Takes the snapshots of this thread and of the workers of the pools that answer within so many milliseconds. */
export async function gatherSnapshots(
  schedulers: readonly ThreadScheduler[],
  patience: number,
): Promise<ThreadSnapshot[]> {
  const own = takeSnapshot(schedulers);
  const question = { about: "tasks", patience: patience / 2 } as const;
  const answers = await Promise.all(schedulers.map((scheduler) => askAll(scheduler, question, patience)));
  return [own, ...answers.flat().flatMap(({ answer }) => answer as readonly ThreadSnapshot[])];
}
