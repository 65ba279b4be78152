// These are the pools of this thread that are alive. They are held weakly: one that nobody refers to can go.

import type { ThreadScheduler } from "../pool/threadworkers.ts";

const schedulers = new Set<WeakRef<ThreadScheduler>>();

/** With so many it is looked which of them are gone. */
let most = 16;

export function addPool(scheduler: ThreadScheduler): void {
  if (schedulers.size >= most) most = Math.max(16, livePools().length * 2);
  schedulers.add(new WeakRef(scheduler));
}

/** The pools that take jobs or still have some. */
export function livePools(): ThreadScheduler[] {
  const alive: ThreadScheduler[] = [];
  for (const reference of schedulers) {
    const scheduler = reference.deref();
    if (scheduler === undefined || (scheduler.refusal !== null && scheduler.settlement.open === 0))
      schedulers.delete(reference);
    else alive.push(scheduler);
  }
  return alive;
}
