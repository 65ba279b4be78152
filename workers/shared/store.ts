/** A store has the items of a shared queue in its area, as one thread puts them there and takes them out. */
import { type Area, BYTES, CLASS, CODE, classOf, HEADER } from "./area.ts";
import { type Item, readItem, writeItem } from "./items.ts";
import * as q from "./queuesections.ts";
import { REFUSED } from "./sections.ts";

export class Store {
  readonly #m: Int32Array;
  readonly #area: Area;

  constructor(m: Int32Array, area: Area) {
    this.#m = m;
    this.#area = area;
  }

  /** Writes an item into a chunk that nobody else sees yet. Throws RangeError when the area is full. */
  write(item: Item): number {
    const chunk = this.#allocate(classOf(item.bytes));
    const { words } = this.#area.memory;
    words[chunk + BYTES] = item.bytes;
    words[chunk + CODE] = item.code;
    words[chunk + CLASS] = classOf(item.bytes);
    writeItem(item, this.#area.bytes, (chunk + HEADER) * 4);
    return chunk;
  }

  /** Appends a chunk to the queue; returns what `append` of queuesections.ts does. */
  append(chunk: number, items: number, join: number, roomEntry: number): number {
    const waiter = this.#seeing((a) => q.append(this.#m, a, chunk, items, join, roomEntry));
    if (waiter === REFUSED) this.#release(chunk);
    return waiter;
  }

  /** Takes the first item, which this thread was promised: its chunk, or 0 when it was dropped meanwhile. */
  take(itemsEntry: number, roomEntry: number, handsEntry: number): number {
    return this.#seeing((a) => q.take(this.#m, a, itemsEntry, roomEntry, handsEntry));
  }

  /** Reads an item that was taken, and frees its chunk. */
  read(chunk: number): unknown {
    // Another thread may have made the area longer to put it there.
    this.#area.refresh();
    const { memory, bytes } = this.#area;
    const length = memory.words[chunk + BYTES]!;
    try {
      return readItem(memory.words[chunk + CODE]!, bytes, (chunk + HEADER) * 4, length);
    } finally {
      this.#release(chunk);
    }
  }

  /** Drops the first item; false when there is none. */
  drop(items: number): boolean {
    const chunk = this.#seeing((a) => q.drop(this.#m, a, items));
    if (chunk !== 0) this.#release(chunk);
    return chunk !== 0;
  }

  #allocate(chunkClass: number): number {
    for (;;) {
      const chunk = this.#seeing((a) => q.allocate(this.#m, a, chunkClass));
      if (chunk === 0) {
        this.#grow(chunkClass);
        continue;
      }
      this.#area.refresh();
      return chunk;
    }
  }

  #grow(chunkClass: number): void {
    if (!this.#area.ensure(q.lengthFor(this.#m, chunkClass))) {
      const { maxByteLength } = this.#area.memory.buffer;
      throw new RangeError(
        `The queue's memory is full: its items take more than maxBytes = ${maxByteLength}`,
      );
    }
    const { length } = this.#area.memory.words;
    let known = Atomics.load(this.#m, q.AREA_LENGTH);
    while (known < length) known = Atomics.compareExchange(this.#m, q.AREA_LENGTH, known, length);
  }

  #release(chunk: number): void {
    const { words } = this.#area.memory;
    q.release(this.#m, words, chunk, words[chunk + CLASS]!);
  }

  /** Does a section that needs to see all of the area that it touches. */
  #seeing(section: (a: Int32Array) => number): number {
    let result = section(this.#area.memory.words);
    while (result === q.STALE) {
      this.#area.refresh();
      result = section(this.#area.memory.words);
    }
    return result;
  }
}
