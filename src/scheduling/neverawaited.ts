/**
 * Coroutines that were made and never started, which is a forgotten `await`. Each is reported once: when it is
 * collected, and in debug mode at the latest when the loop closes that ran when it was made.
 */

import { printable } from "../errors/printable.ts";
import { originOf, rememberOrigin, warn } from "./debug.ts";
import type { AbstractEventLoop } from "./events.ts";

/** What is kept of a coroutine until it starts; not the coroutine, which could then not be collected. */
export interface Unstarted {
  readonly name: string;
  readonly place: string;
  /** In debug mode: all that were made while the same loop ran and have not started. */
  readonly siblings: Set<Unstarted> | null;
  reported: boolean;
}

const collected = new FinalizationRegistry<Unstarted>(report);
const madeWhileRunning = new WeakMap<AbstractEventLoop, Set<Unstarted>>();

/** Watches a coroutine from its making on; `loop` is the running one. */
export function watch(coroutine: object, name: string, loop: AbstractEventLoop | null): Unstarted {
  const siblings = loop?.getDebug() ? siblingsOf(loop) : null;
  if (siblings !== null) rememberOrigin(coroutine);
  const unstarted = { name, place: originOf(coroutine), siblings, reported: false };
  siblings?.add(unstarted);
  collected.register(coroutine, unstarted, unstarted);
  return unstarted;
}

/** Is told when the coroutine starts, or is given up. */
export function unwatch(unstarted: Unstarted): void {
  collected.unregister(unstarted);
  unstarted.siblings?.delete(unstarted);
}

function siblingsOf(loop: AbstractEventLoop): Set<Unstarted> {
  const known = madeWhileRunning.get(loop);
  if (known !== undefined) return known;
  const siblings = new Set<Unstarted>();
  madeWhileRunning.set(loop, siblings);
  loop._atClose.add(() => {
    for (const unstarted of siblings) report(unstarted);
  });
  return siblings;
}

function report(unstarted: Unstarted): void {
  if (unstarted.reported) return;
  unstarted.reported = true;
  unwatch(unstarted);
  warn(
    "THREADLOOP_NEVER_AWAITED",
    `coroutine '${printable(unstarted.name)}' was never awaited`,
    unstarted.place,
  );
}
