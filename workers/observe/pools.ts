// These are the pools of this thread that are alive. They are held weakly: one that nobody refers to can go.

import type { ThreadScheduler } from "../pool/threadworkers.ts";

/** A pool that has had no call: its inside is made when somebody looks. */
export interface UnusedPool {
  readonly _scheduler: ThreadScheduler;
}

/** A pool in the list. */
export interface ListedPool {
  /** First the pool, later its inside, which lives as long as its threads. */
  reference: WeakRef<UnusedPool | ThreadScheduler>;
}

const pools = new Set<ListedPool>();

/** With so many it is looked which of them are gone. */
let most = 16;

export function addPool(pool: UnusedPool): ListedPool {
  if (pools.size >= most) {
    for (const listed of pools) if (isGone(listed.reference.deref())) pools.delete(listed);
    most = Math.max(16, pools.size * 2);
  }
  const listed: ListedPool = { reference: new WeakRef(pool) };
  pools.add(listed);
  return listed;
}

/** The pools that take jobs or still have some. */
export function livePools(): ThreadScheduler[] {
  const alive: ThreadScheduler[] = [];
  for (const listed of pools) {
    const pool = listed.reference.deref();
    const scheduler = isUnused(pool) ? pool._scheduler : pool;
    if (scheduler === undefined || isGone(scheduler)) pools.delete(listed);
    else alive.push(scheduler);
  }
  return alive;
}

type Pool = UnusedPool | ThreadScheduler | undefined;

const isUnused = (pool: Pool): pool is UnusedPool => pool !== undefined && "_scheduler" in pool;

function isGone(pool: Pool): boolean {
  if (isUnused(pool)) return false;
  return pool === undefined || (pool.refusal !== null && pool.settlement.open === 0);
}
