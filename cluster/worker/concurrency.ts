// This says how many batches a machine takes at once. What it takes it is to start, so that a call which waits is
// one that another machine can still have: one batch for each thread, one more, so that none is idle while the next
// one comes, and one for each call that only waits at an await and leaves its thread to others. An actor that is being
// called has its thread: no batch is taken for that one.

import type { ThreadScheduler } from "../../workers/pool/threadworkers.ts";

/** More are not taken, however many calls only wait. */
const MOST = 1000;

/** Batches that the machine may have now; so many actors are being called. */
export function placesOf({ settings, dispatcher }: ThreadScheduler, actors: number): number {
  const { size, tasksPerWorker } = settings;
  let suspended = 0;
  for (const worker of dispatcher.workers) suspended += worker.jobs - worker.load;
  const free = size - Math.min(size, actors);
  return Math.min(free + 1 + suspended, size * tasksPerWorker, MOST);
}
