/**
 * The way of a cancel: a task that awaits a task passes it on, and the last one cancels what it waits on. The way may
 * be long, so it is walked in a loop; and it may lead round in a ring, of tasks that await each other, which would
 * never end: the one it comes round to then no longer waits, and is told itself.
 */
import type { Future } from "./future.ts";
import { type ScopedTask, stopWaiting } from "./scope.ts";

/** A task, as a cancel sees it. */
export interface Link extends ScopedTask {
  _waiter: Future | null;
  /** Counts the cancel and aborts the task's signal. */
  _countCancel(message: string | undefined, origin: unknown): void;
  /** Cancels what the task waits on; if that is nothing, the cancel is delivered at its next wake-up or await. */
  _deliverCancel(message: string | undefined, origin: unknown): void;
}

export function cancelChain(first: Link, message: string | undefined, origin: unknown): void {
  let last = first;
  if (first._waiter?._isTask) last = passOn(first, message, origin);
  else first._countCancel(message, origin);
  last._deliverCancel(message, origin);
}

/** Counts the cancel of every task on the way and returns the last one. */
function passOn(first: Link, message: string | undefined, origin: unknown): Link {
  const chain = new Set<Link>();
  let last = first;
  let isRing = false;
  for (;;) {
    chain.add(last);
    const next = last._waiter;
    if ((last._more !== null && last._more.size > 0) || !next?._isTask || next.done()) break;
    const task = next as unknown as Link;
    isRing = chain.has(task) || task._cancelPassing;
    if (isRing) break;
    last = task;
  }
  for (const task of chain) task._countCancel(message, origin);
  if (isRing) stopWaiting(last);
  return last;
}
