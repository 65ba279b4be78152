/**
 * The way of a cancel: a task that awaits a task passes it on, and the last one cancels what it waits on. The way may
 * be long, so it is walked in a loop; and it may lead round in a ring, of tasks that await each other, which would
 * never end: the one it comes round to then no longer waits, and is told itself.
 */
import type { AbstractEventLoop, Runnable } from "./events.ts";
import type { FurtherAwait } from "./furtherawait.ts";
import type { Future } from "./future.ts";

/** A task, as a cancel sees it. */
export interface Link extends Runnable {
  readonly _loop: AbstractEventLoop;
  readonly _more: ReadonlySet<FurtherAwait> | null;
  _waiter: Future | null;
  /** A cancel is on its way to what the task waits on. */
  _cancelPassing: boolean;
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
  while (!chain.has(last)) {
    chain.add(last);
    const next = last._waiter;
    if (last._more === null && next?._isTask && !next.done()) last = next as unknown as Link;
    else break;
  }
  for (const task of chain) task._countCancel(message, origin);
  if (chain.has(last._waiter as unknown as Link)) stopWaiting(last);
  return last;
}

/** Cancels what a task waits on; false when that is nothing, or is done. */
export function cancelWaits(task: Link, message: string | undefined, origin: unknown): boolean {
  if (task._cancelPassing) stopWaiting(task); // it came round, through a gather or the like
  task._cancelPassing = true;
  let reached = task._waiter?.cancel(message, origin) ?? false;
  if (task._more !== null)
    for (const wait of task._more) if (wait._future.cancel(message, origin)) reached = true;
  task._cancelPassing = false;
  return reached;
}

/** Takes a task off the future that it waits on, and wakes it. */
function stopWaiting(task: Link): void {
  task._waiter?._removeCallbacks((entry) => entry === task);
  task._waiter = null;
  task._loop._push(task);
}
