/**
 * This is the way of a cancel. A task that awaits a task passes a cancel on to it, and so do a gather and what
 * `then` gives, each to what it follows; in the end the cancel reaches what is waited on for itself. CPython does
 * this by recursion (`Task.cancel` calls `_fut_waiter.cancel()`), which a long chain would overflow and a ring would
 * never leave. Here:
 *
 * - the way may be long, so it is walked with a stack of its own;
 * - it may branch and meet again, as of tasks that share what they gather, so everything on it is visited once, and what
 *   comes by another way is only counted;
 * - it may lead round in a ring of tasks that await each other: the task from which it comes round then no longer waits,
 *   and is told itself.
 */
import { CancelReason } from "../errors/errors.ts";
import type { AbstractEventLoop, Runnable } from "../scheduling/events.ts";

/** A future, as a cancel sees it. */
export interface Cancellable {
  readonly _isTask: boolean;
  readonly _loop: AbstractEventLoop;
  cancel(message?: string, cause?: unknown): boolean;
  done(): boolean;
  /** Those to which a cancel of it goes, if it goes to others. */
  readonly _passesTo: readonly Cancellable[] | null;
  /** A cancel has gone to them, and reached one or none; returns whether that cancels this one. */
  _passed(reached: boolean, message: string | undefined, cause: unknown): boolean;
  _removeCallback(entry: Runnable): void;
}

/** A task, as a cancel sees it. */
export interface Link extends Runnable {
  readonly _loop: AbstractEventLoop;
  /** What its own wait waits on. */
  _waiter: Cancellable | null;
  /** Whether it has a wait of its own, which may be over without its having run. */
  readonly _isSuspended: boolean;
  readonly _more: ReadonlySet<{ readonly _future: Cancellable }> | null;
  /** A cancel is on its way to what it waits on. */
  _cancelPassing: boolean;
  /** How many cancels of it were not taken back. */
  _cancels: number;
  /** Who cancels it now, where nobody says so. */
  _canceller(): unknown;
  /** Counts the cancel and aborts the task's signal. */
  _countCancel(message: string | undefined, origin: unknown): void;
  /** Nothing it waits on was cancelled: the cancel is delivered at its next wake-up or await. */
  _cancelLater(reason: CancelReason): void;
}

/** The code that a signal calls may cancel further tasks, in calls; deeper than so many these go on when it has returned. */
const DEEPEST = 100;
let depth = 0;
let deferred: (() => void)[] = [];

/** Cancels a task that is not done. */
export function cancelChain(task: Link, message: string | undefined, origin: unknown): void {
  if (depth === DEEPEST) {
    deferred.push(() => cancelChain(task, message, origin));
    return;
  }
  depth++;
  try {
    if (passesOn(task)) new Way(message, origin).walk([task as unknown as Cancellable]);
    else cancelHere(task, message, origin);
  } finally {
    depth--;
    while (depth === 0 && deferred.length > 0) {
      const cancels = deferred;
      deferred = [];
      for (const cancel of cancels) cancel();
    }
  }
}

/**
 * Cancels many, one after the other, but what they have in common is walked once. Returns whether the first was reached,
 * and whether any was.
 */
export function cancelAll(
  futures: readonly Cancellable[],
  message: string | undefined,
  origin: unknown,
): { first: boolean; any: boolean } {
  return new Way(message, origin).walk(futures);
}

/**
 * Cancels what passes a cancel on to nobody, or is not asked to. A future of the application's own may throw then: that is
 * told, and it counts as one that could not be cancelled, so that whoever waits for it is at its next await.
 */
export function cancelFuture(
  future: Pick<Cancellable, "cancel" | "_loop">,
  message: string | undefined,
  origin: unknown,
): boolean {
  try {
    return future.cancel(message, origin);
  } catch (exception) {
    future._loop.callExceptionHandler({ message: "Exception in cancel() of a future", exception, future });
    return false;
  }
}

/** Takes a task off the future that it waits on, and wakes it. */
export function stopWaiting(task: Link): void {
  task._waiter?._removeCallback(task);
  task._waiter = null;
  task._loop._push(task);
}

function passesOn(task: Link): boolean {
  const waiter = task._waiter;
  if (waiter !== null && (waiter._isTask || waiter._passesTo !== null)) return true;
  return task._more !== null && task._more.size > 0;
}

/** Cancels a task that waits on nothing that passes a cancel on. */
function cancelHere(task: Link, message: string | undefined, origin: unknown): void {
  task._countCancel(message, origin);
  if (task._cancelPassing) stopWaiting(task);
  task._cancelPassing = true;
  let reached = false;
  try {
    reached = task._isSuspended && task._waiter !== null && cancelFuture(task._waiter, message, origin);
  } finally {
    task._cancelPassing = false;
  }
  if (!reached) task._cancelLater(new CancelReason(message, origin));
}

/** What passes a cancel on: a task, or a future that follows others. */
interface Node {
  readonly task: Link | null;
  readonly future: Cancellable;
  readonly targets: readonly Cancellable[];
  at: number;
  isOpen: boolean;
  /** Whether the task has a wait of its own, which then must be reached, and whether that is the first target. */
  readonly hasOwn: boolean;
  readonly ownIsFirst: boolean;
  reached: boolean;
  /** How often the cancel came, beside those that came by the ones before it. */
  times: number;
  /** Those it was passed on to, as often as it was. */
  readonly next: Node[];
}

class Way {
  readonly #message: string | undefined;
  #origin: unknown;
  readonly #nodes = new Map<Cancellable, Node>();
  readonly #open: Node[] = [];
  /** In the order in which the cancel had gone through them. */
  readonly #passed: Node[] = [];
  #meets = false;

  constructor(message: string | undefined, origin: unknown) {
    this.#message = message;
    this.#origin = origin;
  }

  walk(futures: readonly Cancellable[]): { first: boolean; any: boolean } {
    const reached = { first: false, any: false };
    try {
      for (const [i, future] of futures.entries()) {
        if (!this.#cancel(future)) continue;
        reached.any = true;
        if (i === 0) reached.first = true;
      }
      if (this.#meets) this.#countAgain();
    } finally {
      for (const { task } of this.#open) if (task !== null) task._cancelPassing = false; // something threw
    }
    return reached;
  }

  #cancel(root: Cancellable): boolean {
    const first = this.#enter(root, null);
    if (typeof first === "boolean") return first;
    first.times++;
    for (let node = this.#open.at(-1); node !== undefined; node = this.#open.at(-1)) {
      const target = node.targets[node.at];
      if (target === undefined) this.#leave(node);
      else {
        node.at++;
        this.#passOn(target, node);
      }
    }
    return first.task !== null || first.reached;
  }

  #passOn(target: Cancellable, from: Node): void {
    const entered = this.#enter(target, from);
    if (typeof entered === "boolean") {
      if (entered) reach(from);
      return;
    }
    from.next.push(entered);
    if (!entered.isOpen && (entered.task !== null || entered.reached)) reach(from); // else it will say so
  }

  /** Cancels a future that passes nothing on and says whether it was pending; of any other one gives the node. */
  #enter(future: Cancellable, from: Node | null): Node | boolean {
    const passesTo = future._passesTo;
    if ((!future._isTask && passesTo === null) || future.done())
      return cancelFuture(future, this.#message, this.#origin);
    const task = future._isTask ? (future as unknown as Link) : null;
    const known = this.#nodes.get(future);
    if (known?.isOpen || task?._cancelPassing) return this.#comeRound(task, from);
    if (known !== undefined) {
      this.#meets = true;
      return known;
    }
    if (task !== null) {
      this.#origin ??= task._canceller();
      task._countCancel(this.#message, this.#origin);
    }
    const node = nodeOf(future, task, passesTo ?? []);
    if (task !== null) task._cancelPassing = true;
    this.#nodes.set(future, node);
    this.#open.push(node);
    return node;
  }

  /** The way leads to what it came through. */
  #comeRound(task: Link | null, from: Node | null): boolean {
    if (from?.task && from.ownIsFirst && from.at === 1) {
      stopWaiting(from.task);
      return false;
    }
    if (task === null) return true;
    task._countCancel(this.#message, this.#origin);
    stopWaiting(task);
    task._cancelLater(new CancelReason(this.#message, this.#origin));
    return true;
  }

  #leave(node: Node): void {
    this.#open.pop();
    this.#passed.push(node);
    node.isOpen = false;
    const { task, future } = node;
    if (task === null) node.reached = future._passed(node.reached, this.#message, this.#origin);
    else {
      task._cancelPassing = false;
      if (!node.reached) task._cancelLater(new CancelReason(this.#message, this.#origin));
    }
    const outer = this.#open.at(-1);
    if (outer !== undefined && (task !== null || node.reached)) reach(outer);
  }

  /** What the cancel came to several times was told once: it counts as often as one cancel after the other would. */
  #countAgain(): void {
    for (let i = this.#passed.length - 1; i >= 0; i--) {
      const { task, times, next } = this.#passed[i] as Node;
      if (task !== null) task._cancels += times - 1;
      for (const node of next) node.times += times;
    }
  }
}

/** The target of a node was reached. A task with a wait of its own must be reached there. */
function reach(node: Node): void {
  if (!node.hasOwn || (node.ownIsFirst && node.at === 1)) node.reached = true;
}

function nodeOf(future: Cancellable, task: Link | null, passesTo: readonly Cancellable[]): Node {
  const hasOwn = task?._isSuspended ?? false;
  const own = hasOwn && task?._waiter ? [task._waiter] : [];
  const more = task?._more ? Array.from(task._more, (wait) => wait._future) : [];
  return {
    task,
    future,
    targets: task === null ? passesTo : [...own, ...more],
    at: 0,
    isOpen: true,
    hasOwn,
    ownIsFirst: own.length > 0,
    reached: false,
    times: 0,
    next: [],
  };
}
