/**
 * This is memory that all threads of the process share: it is made by the first thread that loads this module and
 * handed to every thread that is started from there on, through the environment data of `node:worker_threads`.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** Memory that grows, as this thread sees it at the moment. `words` is replaced when the memory has grown. */
export interface Growing {
  words: Int32Array;
  readonly buffer: SharedArrayBuffer;
}

/** The version of the layout: copies of this package with another one have a memory of their own. */
const LAYOUT = 1;

/** The memory of this name, of the process or new. */
export function processMemory(name: string, words: number, most: number): Growing {
  const key = `threadloop.${name}.${LAYOUT}`;
  const known = getEnvironmentData(key) as unknown;
  if (known instanceof SharedArrayBuffer) return { words: viewOf(known), buffer: known };
  const made = growing(words, most);
  setEnvironmentData(key, made.buffer as never);
  return made;
}

/** New memory of so many words that can grow. */
export function growing(words: number, most: number): Growing {
  const buffer = new SharedArrayBuffer(words * 4, { maxByteLength: most * 4 });
  return { words: viewOf(buffer), buffer };
}

/** A view of a fixed length: V8 is five times slower with one that follows the memory's growth. */
export function viewOf(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, buffer.byteLength >> 2);
}

/** Sees what other threads have added. */
export function refresh(memory: Growing): void {
  if (memory.words.byteLength < memory.buffer.byteLength) memory.words = viewOf(memory.buffer);
}

/** Makes the memory at least so long; false when it cannot be. */
export function ensureWords(memory: Growing, words: number): boolean {
  const { buffer } = memory;
  if (words * 4 > buffer.maxByteLength) return false;
  while (buffer.byteLength < words * 4) {
    const length = Math.min(buffer.maxByteLength, Math.max(buffer.byteLength * 2, words * 4));
    try {
      buffer.grow(length);
    } catch (error) {
      // Another thread has made it longer than that meanwhile.
      if (buffer.byteLength < length) throw error;
    }
  }
  refresh(memory);
  return true;
}
