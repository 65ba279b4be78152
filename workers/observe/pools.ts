// The pools of this thread that are alive. They are held weakly: one that nobody refers to can go.

import type { Engine } from "../pool/scheduler.ts";

const engines = new Set<WeakRef<Engine>>();

/** With so many it is looked which of them are gone. */
let most = 16;

export function addPool(engine: Engine): void {
  if (engines.size >= most) most = Math.max(16, livePools().length * 2);
  engines.add(new WeakRef(engine));
}

/** The pools that take jobs or still have some. */
export function livePools(): Engine[] {
  const alive: Engine[] = [];
  for (const reference of engines) {
    const engine = reference.deref();
    if (engine === undefined || (engine.refusal !== null && engine.settlement.open === 0))
      engines.delete(reference);
    else alive.push(engine);
  }
  return alive;
}
