/** Queues pass items between tasks, as asyncio's: they are bounded or not, first-in first-out, last-in first-out or by priority. */

import { got } from "../errors/errors.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "../errors/syncerrors.ts";
import { inspect } from "../platform/node/inspect.ts";
import { FAILED } from "../task/future.ts";
import { Event } from "./event.ts";
import { Line, type Waiter } from "./line.ts";

const IS_PUT = Promise.resolve();

/** What holds the items of a queue. */
interface Store<T> {
  readonly length: number;
  push(item: T): void;
  take(): T;
}

/**
 * A queue from which items come in the order in which they were put.
 *
 * `put` waits while it is full and `get` while it is empty; both wait first-in first-out, though a woken one whose
 * item somebody took with `getNowait` waits again, at the end of the line. A queue can be iterated: `for await`
 * gives items until it is shut down and empty.
 *
 * @example
 * ```ts
 * import { createTask, Queue, run } from "threadloop";
 *
 * await run(async () => {
 *   const queue = new Queue<number>(2);
 *   const producer = createTask(async () => {
 *     for (let i = 0; i < 3; i++) await queue.put(i);
 *     queue.shutdown();
 *   });
 *   for await (const item of queue) console.log(item); // 0, 1, 2
 *   await producer;
 * });
 * ```
 */
export class Queue<T = unknown> implements AsyncIterable<T> {
  /** How many items it holds at most; 0 is no limit. */
  readonly maxsize: number;
  readonly #items: Store<T>;
  readonly #getters = new Line<T>("get", this, {
    take: (waiter) => {
      if (this.empty() && !this.#shutDown) this.#getters.enter(waiter);
      else settle(waiter, () => this.getNowait());
    },
    passOn: (woken) => {
      if (woken && !this.empty()) this.#getters.wakeAndRemove();
    },
  });
  readonly #putters = new Line<void>("put", this, {
    take: (waiter) => {
      if (this.full() && !this.#shutDown) this.#putters.enter(waiter);
      else settle(waiter, () => this.putNowait(waiter._value as T));
    },
    passOn: (woken) => {
      if (woken && !this.full()) this.#putters.wakeAndRemove();
    },
  });
  readonly #allDone = new Event();
  #unfinished = 0;
  #shutDown = false;

  constructor(maxsize = 0, store: Store<T> = new FirstInFirstOut<T>()) {
    if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
      throw new TypeError(`Expected \`maxsize\` to be a number, got ${got(maxsize)}`);
    }
    this.maxsize = maxsize;
    this.#items = store;
    this.#allDone.set();
  }

  /** Returns the number of items. */
  qsize(): number {
    return this.#items.length;
  }

  /** Tells whether there is no item. */
  empty(): boolean {
    return this.#items.length === 0;
  }

  /** Tells whether it holds `maxsize` items. */
  full(): boolean {
    return this.maxsize > 0 && this.#items.length >= this.maxsize;
  }

  /** Puts an item, waiting for room. Throws QueueShutDown when the queue is shut down, also while it waits. */
  put(item: T): Promise<void> {
    if (this.full() && !this.#shutDown) return this.#putters.wait(item);
    try {
      this.putNowait(item);
      return IS_PUT;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts an item at once. Throws QueueFull when there is no room, QueueShutDown when the queue is shut down. */
  putNowait(item: T): void {
    if (this.#shutDown) throw shutDownError();
    if (this.full())
      throw new QueueFull(`The queue holds its ${this.maxsize} items: await put() to wait for room`);
    this.#items.push(item);
    this.#unfinished++;
    this.#allDone.clear();
    this.#getters.wakeAndRemove();
  }

  /** Takes an item, waiting for one. Throws QueueShutDown when the queue is shut down and empty. */
  get(): Promise<T> {
    if (this.empty() && !this.#shutDown) return this.#getters.wait();
    try {
      return Promise.resolve(this.getNowait());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes an item at once. Throws QueueEmpty when there is none, QueueShutDown when none will come. */
  getNowait(): T {
    if (this.empty()) {
      throw this.#shutDown
        ? shutDownError()
        : new QueueEmpty("The queue is empty: await get() to wait for an item");
    }
    const item = this.#items.take();
    this.#putters.wakeAndRemove();
    return item;
  }

  /** Says that an item that was taken is dealt with. Throws RangeError when called more often than items were put. */
  taskDone(): void {
    if (this.#unfinished <= 0) throw new RangeError("taskDone() called too many times: once for each item");
    if (--this.#unfinished === 0) this.#allDone.set();
  }

  /** Waits until every item that was put is dealt with. */
  async join(): Promise<void> {
    if (this.#unfinished > 0) await this.#allDone.wait();
  }

  /**
   * Shuts the queue down: `put` throws QueueShutDown, `get` does once the queue is empty, and all who wait are woken.
   * With `immediate` the items are dropped and count as dealt with.
   */
  shutdown(immediate = false): void {
    this.#shutDown = true;
    if (immediate) this.#dropItems();
    while (this.#getters.wakeAndRemove());
    while (this.#putters.wakeAndRemove());
  }

  /** Gives items until the queue is shut down and empty; leaving the loop early takes nothing more. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.get() };
        } catch (error) {
          if (error instanceof QueueShutDown) return { done: true, value: undefined };
          throw error;
        }
      },
    };
  }

  #dropItems(): void {
    while (!this.empty()) {
      this.#items.take();
      if (this.#unfinished > 0) this.#unfinished--;
    }
    if (this.#unfinished === 0) this.#allDone.set();
  }

  [inspect.custom](): string {
    const limit = this.maxsize > 0 ? ` of ${this.maxsize}` : "";
    return `<${this.constructor.name} ${this.qsize()}${limit} items, ${this.#unfinished} unfinished${this.#shutDown ? ", shut down" : ""}>`;
  }
}

/**
 * A queue from which the item that was put last comes first. In all else it is a `Queue`: those who wait are served
 * first-in first-out.
 *
 * @example
 * ```ts
 * import { LifoQueue, run } from "threadloop";
 *
 * await run(async () => {
 *   const stack = new LifoQueue<string>();
 *   stack.putNowait("first");
 *   stack.putNowait("last");
 *   console.log(await stack.get()); // last
 * });
 * ```
 */
export class LifoQueue<T = unknown> extends Queue<T> {
  constructor(maxsize = 0) {
    super(maxsize, new LastInFirstOut<T>());
  }
}

/**
 * A queue from which the smallest item comes first, and of equal ones the one that was put first. Entries may be
 * `[priority, item]`; as in Python, equal priorities have their items compared.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "threadloop";
 *
 * const queue = new PriorityQueue<{ cost: number }>(0, (a, b) => a.cost - b.cost);
 * for (const cost of [3, 1, 2]) queue.putNowait({ cost });
 * console.log(queue.getNowait().cost); // 1
 * ```
 */
export class PriorityQueue<T = unknown> extends Queue<T> {
  /**
   * `compare` says which of two items comes first, as for `Array.sort`. By default numbers, strings and dates are
   * compared by `<`, and arrays part by part, so that `[priority, item]` goes by its priority; `put` throws TypeError for
   * what has no order, and the queue is as it was. Throws TypeError when `compare` is no function.
   */
  constructor(maxsize = 0, compare: (a: T, b: T) => number = ascending) {
    if (typeof compare !== "function")
      throw new TypeError(`Expected \`compare\` to be a function, got ${got(compare)}`);
    super(maxsize, new SmallestFirst<T>(compare));
  }
}

/**
 * Numbers, strings, booleans and what has such a value of its own (a Date) by `<`; arrays part by part, as Python
 * compares tuples. What has no order throws, as there is no item that could then come first.
 */
function ascending(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return ascendingByParts(a, b);
  const [left, right] = [orderedValue(a), orderedValue(b)];
  if ((typeof left === "string") !== (typeof right === "string")) throw notComparable(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function ascendingByParts(a: readonly unknown[], b: readonly unknown[]): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    if (Object.is(a[i], b[i])) continue;
    const order = ascending(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function orderedValue(item: unknown): number | bigint | string | boolean {
  const value = typeof item === "object" && !Array.isArray(item) ? item?.valueOf?.() : item;
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  throw notComparable(item);
}

function notComparable(...items: unknown[]): TypeError {
  return new TypeError(
    `Expected items of a PriorityQueue that can be compared, got ${items.map(got).join(" and ")}: ` +
      "put numbers, strings or arrays that begin with them, or give the constructor a `compare` function",
  );
}

class FirstInFirstOut<T> implements Store<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.#cut();
    // A gap at the front that is half of the array is cut off: constant time an item on average.
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#cut();
    return item;
  }

  #cut(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}

class LastInFirstOut<T> implements Store<T> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    return this.#items.pop() as T;
  }
}

interface Ranked<T> {
  readonly item: T;
  readonly age: number;
}

/**
 * A heap does not keep the order of equals, so each item has its age beside it. All that is compared is compared before
 * anything is moved: a comparison that throws leaves the queue as it was.
 */
class SmallestFirst<T> implements Store<T> {
  readonly #heap: Ranked<T>[] = [];
  readonly #compare: (a: T, b: T) => number;
  #age = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#heap.length;
  }

  push(item: T): void {
    const heap = this.#heap;
    const ranked = { item, age: this.#age };
    const path = [heap.length];
    for (let at = heap.length; at > 0; ) {
      at = (at - 1) >> 1;
      if (!this.#isBefore(ranked, heap[at] as Ranked<T>)) break;
      path.push(at);
    }
    this.#age++;
    this.#shift(path, ranked);
  }

  take(): T {
    const heap = this.#heap;
    const first = heap[0] as Ranked<T>;
    const last = heap.at(-1) as Ranked<T>;
    const path = [0];
    const length = heap.length - 1;
    for (let at = 0; 2 * at + 1 < length; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      const hasRight = right < length && this.#isBefore(heap[right] as Ranked<T>, heap[left] as Ranked<T>);
      at = hasRight ? right : left;
      if (!this.#isBefore(heap[at] as Ranked<T>, last)) break;
      path.push(at);
    }
    heap.pop();
    if (length > 0) this.#shift(path, last);
    return first.item;
  }

  /** Moves what is at each place of a path to the one before it, and puts an item at the last one. */
  #shift(path: readonly number[], ranked: Ranked<T>): void {
    const heap = this.#heap;
    for (let i = 1; i < path.length; i++) heap[path[i - 1] as number] = heap[path[i] as number] as Ranked<T>;
    heap[path.at(-1) as number] = ranked;
  }

  #isBefore(a: Ranked<T>, b: Ranked<T>): boolean {
    return (this.#compare(a.item, b.item) || a.age - b.age) < 0;
  }
}

/** Settles a waiter with what a function gives or throws. */
function settle<T>(waiter: Waiter<T>, act: () => T): void {
  let value: T;
  try {
    value = act();
  } catch (error) {
    waiter._settle(FAILED, error);
    return;
  }
  waiter.setResult(value);
}

function shutDownError(): QueueShutDown {
  return new QueueShutDown("The queue is shut down");
}
