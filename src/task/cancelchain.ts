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

/** A way that leads through gathers goes down in calls; deeper than so many it goes on when they have returned. */
const DEEPEST = 200;
let depth = 0;
let deferred: (() => void)[] = [];

export function cancelChain(first: Link, message: string | undefined, origin: unknown): void {
  if (depth === DEEPEST) {
    deferred.push(() => cancelOnce(first, message, origin));
    return;
  }
  depth++;
  try {
    cancelNow(first, message, origin);
  } finally {
    depth--;
    if (depth === 0 && deferred.length > 0) goOnDeferred();
  }
}

/** Those that come to lie too deep again are deferred behind the others. */
function goOnDeferred(): void {
  const cancels = deferred;
  depth++;
  try {
    for (const cancel of cancels) cancel();
  } finally {
    depth--;
    deferred = [];
    comeBy.clear();
  }
}

/** Those that were deferred in this cancel: one that comes again is in a ring. */
const comeBy = new Set<Link>();

function cancelOnce(first: Link, message: string | undefined, origin: unknown): void {
  if (comeBy.has(first)) stopWaiting(first);
  comeBy.add(first);
  cancelNow(first, message, origin);
}

function cancelNow(first: Link, message: string | undefined, origin: unknown): void {
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
    const next = nextOf(last);
    if (next === null) break;
    isRing = chain.has(next) || next._cancelPassing;
    if (isRing) break;
    last = next;
  }
  for (const task of chain) task._countCancel(message, origin);
  if (isRing) stopWaiting(last);
  return last;
}

/** A task on the way of a cancel of many: where the way goes on, and how many came again that were not counted further. */
interface Passed {
  next: Link | null;
  again: number;
}

/**
 * Cancels many tasks, one after the other: the same as `cancelChain` of each, but what tasks have in common of their
 * ways is walked once, as a chain of tasks that await each other has a way as long as itself from each of them.
 */
export function cancelAll(tasks: Iterable<Link>, message: string | undefined, origin: unknown): void {
  const passed = new Map<Link, Passed>();
  const ends = new Map<Link, Link>();
  for (const task of tasks) {
    const known = passed.get(task);
    if (known === undefined) walkOn(task, passed, ends, message, origin);
    else known.again++;
    endOf(task, ends)._deliverCancel(message, origin);
  }
  countAgain(passed);
}

/** Counts the cancel of each task on the way, up to the end or to one that others have passed before. */
function walkOn(
  first: Link,
  passed: Map<Link, Passed>,
  ends: Map<Link, Link>,
  message: string | undefined,
  origin: unknown,
): void {
  const way = new Set<Link>();
  let last = first;
  for (;;) {
    way.add(last);
    passed.set(last, { next: null, again: 0 });
    last._countCancel(message, origin);
    const next = nextOf(last);
    if (next === null) break;
    if (way.has(next) || next._cancelPassing) {
      stopWaiting(last);
      break;
    }
    (passed.get(last) as Passed).next = next;
    const known = passed.get(next);
    last = next;
    if (known === undefined) continue;
    known.again++;
    last = endOf(next, ends);
    break;
  }
  for (const task of way) ends.set(task, last);
}

/** The last one on the way of a task; the way to it is shortened for the next question. */
function endOf(task: Link, ends: Map<Link, Link>): Link {
  let end = task;
  for (let next = ends.get(end); next !== undefined && next !== end; next = ends.get(end)) end = next;
  for (let at = task; at !== end; ) {
    const next = ends.get(at) as Link;
    ends.set(at, end);
    at = next;
  }
  return end;
}

/** Those who came again are counted all the way down, beginning with the tasks that nobody passed on to. */
function countAgain(passed: ReadonlyMap<Link, Passed>): void {
  const incoming = new Map<Link, number>();
  for (const { next } of passed.values())
    if (next !== null) incoming.set(next, (incoming.get(next) ?? 0) + 1);
  const open = [...passed.keys()].filter((task) => !incoming.has(task));
  for (let task = open.pop(); task !== undefined; task = open.pop()) {
    const { next, again } = passed.get(task) as Passed;
    task._cancels += again;
    if (next === null) continue;
    (passed.get(next) as Passed).again += again;
    const left = (incoming.get(next) as number) - 1;
    incoming.set(next, left);
    if (left === 0) open.push(next);
  }
}

/** The task to which a cancel of this one is passed on, or null. */
function nextOf(task: Link): Link | null {
  const next = task._waiter;
  if ((task._more !== null && task._more.size > 0) || !next?._isTask || next.done()) return null;
  return next as unknown as Link;
}
