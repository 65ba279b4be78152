/** A shared queue passes items between the tasks of all threads: it is `Queue`'s twin in shared memory. */
import { inspect } from "node:util";
import { checkOptionNames, got, optionNames, QueueEmpty, QueueFull, QueueShutDown } from "../../src/core.ts";
import { defineCarrier, makeCarrier } from "../shipping/carrier.ts";
import { Area } from "./area.ts";
import { checkMayBlock } from "./blocking.ts";
import type { Gate, WaitKind } from "./gate.ts";
import { encode, type Item } from "./items.ts";
import { create, HOLDERS, type Layout, open, UNBOUNDED } from "./memory.ts";
import { OwnerDiedError } from "./ownerdied.ts";
import * as q from "./queuesections.ts";
import * as s from "./sections.ts";
import { Store } from "./store.ts";

const LAYOUT: Layout = {
  name: "SharedQueue",
  kind: 7,
  own: q.OWN_WORDS,
  gates: [HOLDERS, HOLDERS, HOLDERS, 1],
};
const PUT = Promise.resolve();
const MOST_BYTES = 2 ** 28;

/** How a shared queue is made. */
export interface SharedQueueOptions {
  /** The most memory its items can take, in bytes; the memory is used as it is needed. Default 256 MiB. */
  maxBytes?: number;
}

const QUEUE_OPTIONS = optionNames<SharedQueueOptions>({ maxBytes: true });

/** The memory of a queue. */
interface QueueMemory {
  readonly memory: SharedArrayBuffer;
  readonly area: SharedArrayBuffer;
}

/**
 * A queue from which items come in the order in which they were put, whichever threads put and take them.
 *
 * Items are copied, as structured clone copies, into shared memory and out of it; any number of threads, up to 64, put
 * and take. `put` waits while the queue is full and `get` while it is empty, both first-in first-out across threads: a
 * newcomer never overtakes. `maxsize` 0 is no limit. It can be iterated: `for await` gives items until it is shut down
 * and empty.
 *
 * A thread that dies takes with it only the items that it had taken: `join` throws OwnerDiedError then.
 *
 * @example
 * ```ts
 * import { run, runInExecutor } from "threadloop";
 * import { SharedQueue } from "threadloop/workers";
 *
 * await run(async () => {
 *   const numbers = new SharedQueue<number>(2);
 *   const producer = runInExecutor(async () => {
 *     for (let i = 0; i < 3; i++) await numbers.put(i);
 *     numbers.shutdown();
 *   });
 *   for await (const item of numbers) console.log(item); // 0, 1, 2
 *   await producer;
 * });
 * ```
 */
export class SharedQueue<T = unknown> implements AsyncIterable<T> {
  readonly #m: Int32Array;
  readonly #store: Store;
  readonly #items: Gate;
  readonly #room: Gate;
  /** What each thread has taken and not called done. */
  readonly #hands: Gate;
  readonly #join: Gate;

  /** Throws TypeError when `maxsize` is not a number. */
  constructor(maxsize?: number, options?: SharedQueueOptions);
  /** @internal */
  constructor(memory: QueueMemory);
  constructor(maxsize: number | QueueMemory = 0, options: SharedQueueOptions = {}) {
    checkOptionNames("SharedQueue", options, QUEUE_OPTIONS);
    const { maxBytes = MOST_BYTES } = options;
    const { memory, area } =
      typeof maxsize === "object" && maxsize !== null ? maxsize : memoryFor(maxsize, maxBytes);
    const { m, gates } = open(LAYOUT, memory);
    this.#m = m;
    this.#store = new Store(m, Area.open(area));
    [this.#items, this.#room, this.#hands, this.#join] = gates as [Gate, Gate, Gate, Gate];
    this.#items.named("get", this);
    this.#room.named("put", this);
    this.#join.named("join", this);
    this.#hands.reclaim = (entry) => q.lose(m, this.#join.at, entry);
    this.#join.afterDeath = () => {
      if (this.#hands.recover()) this.#join.serve();
    };
    for (const gate of [this.#items, this.#room]) {
      // The thread that died may have been shutting the queue down.
      gate.afterDeath = () => {
        if (Atomics.load(m, s.CLOSED) === 1) gate.shut();
      };
    }
    makeCarrier(this, () => [LAYOUT.name, memory, area]);
  }

  /** How many items it holds at most; 0 is no limit. */
  get maxsize(): number {
    return this.#m[q.MAXSIZE]!;
  }

  /** Returns the number of items that can be taken. */
  qsize(): number {
    return Math.max(0, this.#items.value);
  }

  /** Tells whether there is no item. */
  empty(): boolean {
    return this.qsize() === 0;
  }

  /** Tells whether there is no room for another item. */
  full(): boolean {
    return this.maxsize > 0 && this.#room.value <= 0;
  }

  /**
   * Puts an item, waiting for room; the item is copied at once. Throws QueueShutDown when the queue is shut down, also
   * while it waits, RangeError when `maxBytes` are used up, and CloneError for what cannot be copied.
   */
  put(item: T): Promise<void> {
    try {
      const encoded = encode(item);
      const outcome = this.#room.enter();
      if (outcome === s.MUST_WAIT) return this.#putLater(encoded);
      this.#append(encoded, outcome);
      return PUT;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts an item at once. Throws QueueFull when there is no room, and else as `put`. */
  putNowait(item: T): void {
    const encoded = encode(item);
    const outcome = this.#room.enter();
    if (outcome === s.MUST_WAIT) {
      throw new QueueFull(`The queue holds its ${this.maxsize} items: await put() to wait for room`);
    }
    this.#append(encoded, outcome);
  }

  /**
   * Puts an item, blocking the thread while it waits, with everything else in it: for synchronous code in workers.
   * `timeout` is in milliseconds; null is no limit. Throws TimeoutError when it has passed, CancelledError when the job
   * that waits is cancelled, RuntimeError on the main thread, which must not be blocked, and else as `put`.
   */
  putSync(item: T, timeout: number | null = null): void {
    checkMayBlock("queue.putSync", timeout);
    const encoded = encode(item);
    const outcome = this.#room.enter();
    this.#append(encoded, outcome === s.MUST_WAIT ? this.#room.waitSync(timeout, this.#forRoom) : outcome);
  }

  /** Takes an item, waiting for one. Throws QueueShutDown when the queue is shut down and empty. */
  get(): Promise<T> {
    try {
      const outcome = this.#items.enter();
      if (outcome === s.MUST_WAIT) return this.#getLater();
      return Promise.resolve(this.#take(outcome));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes an item at once. Throws QueueEmpty when there is none, QueueShutDown when none will come. */
  getNowait(): T {
    const outcome = this.#items.enter();
    if (outcome === s.MUST_WAIT) throw new QueueEmpty("The queue is empty: await get() to wait for an item");
    return this.#take(outcome);
  }

  /** Takes an item, blocking the thread while it waits, with everything else in it; see `putSync`. */
  getSync(timeout: number | null = null): T {
    checkMayBlock("queue.getSync", timeout);
    const outcome = this.#items.enter();
    return this.#take(outcome === s.MUST_WAIT ? this.#items.waitSync(timeout, this.#forItem) : outcome);
  }

  /** Says that an item that was taken is dealt with. Throws RangeError when called more often than items were put. */
  taskDone(): void {
    this.#finish(this.#hands.entryToGive());
  }

  /**
   * Waits until every item that was put is dealt with. Throws OwnerDiedError when a thread has died with items that it
   * had taken; these count as dealt with afterwards.
   */
  async join(): Promise<void> {
    let outcome = this.#join.enter();
    if (outcome === s.MUST_WAIT) outcome = await this.#join.wait({ passOn: () => {} });
    if (outcome === s.OWNER_DIED) {
      throw new OwnerDiedError("A thread died with items of the queue that it had taken and not called done");
    }
  }

  /**
   * Shuts the queue down: `put` throws QueueShutDown, `get` does once the queue is empty, and all who wait are woken.
   * With `immediate` the items are dropped and count as dealt with.
   */
  shutdown(immediate = false): void {
    Atomics.store(this.#m, s.CLOSED, 1);
    if (immediate) this.#dropItems();
    this.#items.shut();
    this.#room.shut();
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

  async #putLater(item: Item): Promise<void> {
    this.#append(item, await this.#room.wait(this.#forRoom));
  }

  async #getLater(): Promise<T> {
    return this.#take(await this.#items.wait(this.#forItem));
  }

  readonly #forRoom: WaitKind = {
    passOn: (outcome) => {
      if (outcome === s.GRANTED) this.#room.give(this.#room.entry);
    },
  };

  readonly #forItem: WaitKind = {
    passOn: (outcome) => {
      if (outcome === s.GRANTED) this.#items.give(this.#items.entry);
    },
  };

  /** Appends an item for which there is room. */
  #append(item: Item, outcome: number): void {
    if (outcome !== s.GRANTED) throw shutDownError();
    let waiter = s.REFUSED;
    try {
      const chunk = this.#store.write(item);
      waiter = this.#store.append(chunk, this.#items.at, this.#join.at, this.#room.entry);
    } finally {
      if (waiter === s.REFUSED) this.#room.give(this.#room.entry);
    }
    if (waiter === s.REFUSED) throw shutDownError();
    if (waiter > 0) this.#items.serve();
  }

  /** Takes the item that was promised. */
  #take(outcome: number): T {
    if (outcome !== s.GRANTED) throw shutDownError();
    const entries = [this.#items.entry, this.#room.entry, this.#hands.entry] as const;
    const chunk = this.#store.take(...entries);
    if (chunk === 0) throw shutDownError();
    this.#room.give(entries[1]);
    return this.#store.read(chunk) as T;
  }

  #finish(handsEntry: number): void {
    const joiner = q.finish(this.#m, this.#join.at, handsEntry);
    if (joiner === s.REFUSED) throw new RangeError("taskDone() called too many times: once for each item");
    if (joiner > 0) this.#join.serve();
  }

  #dropItems(): void {
    const nobody = this.#join.entry;
    while (this.#store.drop(this.#items.at)) {
      this.#finish(nobody);
      this.#room.give(nobody);
    }
  }

  [inspect.custom](): string {
    const limit = this.maxsize > 0 ? ` of ${this.maxsize}` : "";
    const unfinished = Atomics.load(this.#m, q.UNFINISHED);
    const shut = Atomics.load(this.#m, s.CLOSED) === 1 ? ", shut down" : "";
    const waiting = this.#items.size + this.#room.size;
    return `<SharedQueue ${this.qsize()}${limit} items, ${unfinished} unfinished, ${waiting} waiting${shut}>`;
  }
}

defineCarrier(
  LAYOUT.name,
  (memory: SharedArrayBuffer, area: SharedArrayBuffer) => new SharedQueue({ memory, area }),
);

function memoryFor(maxsize: number, maxBytes: number): QueueMemory {
  if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
    throw new TypeError(`Expected \`maxsize\` to be a number, got ${got(maxsize)}`);
  }
  if (!(Number.isInteger(maxBytes) && maxBytes > 0 && maxBytes <= 2 ** 32)) {
    throw new RangeError(`Expected \`maxBytes\` to be an integer from 1 to 4 GiB, got ${got(maxBytes)}`);
  }
  const limit = maxsize > 0 && maxsize < UNBOUNDED ? Math.ceil(maxsize) : 0;
  const room = limit > 0 ? limit : UNBOUNDED;
  const memory = create(LAYOUT, [
    { value: 0 },
    { value: room, bound: room },
    { value: 0 },
    { value: 1, cost: 0 },
  ]);
  const { buffer, words } = Area.create(maxBytes).memory;
  q.setUp(new Int32Array(memory), limit, words.length);
  return { memory, area: buffer };
}

function shutDownError(): QueueShutDown {
  return new QueueShutDown("The queue is shut down");
}
