/**
 * This is the memory in which a shared queue keeps its items: chunks of powers of two, in memory that grows and that
 * all threads see. A chunk is used again for items of its size.
 */
import { ensureWords, type Growing, growing, refresh, viewOf } from "./processmemory.ts";

// The words of a chunk, before the item's bytes.
export const NEXT_CHUNK = 0;
export const BYTES = 1;
/** How the item is written: see items.ts. */
export const CODE = 2;
/** Which power of two it is. */
export const CLASS = 3;
export const HEADER = 4;

const FIRST_WORDS = 1 << 12;
const SMALLEST = 16;

/** How many sizes of chunks there are: up to 1 GiB. */
export const CLASSES = 25;

/** The memory as this thread sees it at the moment. */
export class Area {
  readonly memory: Growing;
  bytes: Buffer;

  constructor(memory: Growing) {
    this.memory = memory;
    this.bytes = Buffer.from(memory.buffer, 0, memory.words.byteLength);
  }

  static create(mostBytes: number): Area {
    return new Area(growing(FIRST_WORDS, Math.max(FIRST_WORDS, mostBytes >> 2)));
  }

  static open(buffer: SharedArrayBuffer): Area {
    return new Area({ words: viewOf(buffer), buffer });
  }

  /** Sees what other threads have added. */
  refresh(): void {
    refresh(this.memory);
    this.#view();
  }

  /** Makes it at least so long; false when it cannot be. */
  ensure(words: number): boolean {
    const isLongEnough = ensureWords(this.memory, words);
    this.#view();
    return isLongEnough;
  }

  #view(): void {
    const { words, buffer } = this.memory;
    if (this.bytes.length < words.byteLength) this.bytes = Buffer.from(buffer, 0, words.byteLength);
  }
}

/** Which chunk an item of so many bytes needs. */
export function classOf(bytes: number): number {
  const words = HEADER + ((bytes + 3) >> 2);
  return words <= SMALLEST ? 0 : 32 - Math.clz32((words - 1) >> 4);
}

/** How many words such a chunk has. */
export function wordsOf(chunkClass: number): number {
  return SMALLEST << chunkClass;
}
