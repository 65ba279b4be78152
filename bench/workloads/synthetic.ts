// These are jobs of a known size, without packages, so that a worker loads them at once. Every job takes one
// argument, because some of the pools under test pass only one.
import { readFile } from "node:fs/promises";

/** Returns its argument: what is left is the price of the call. */
export function noop(value: number): number {
  return value;
}

/**
 * Burns CPU for a number of iterations and returns a value that depends on each of them. It takes as long in the code of
 * each of V8's compilers: one long loop loses its best code whenever the garbage is collected, and after some twenty times
 * V8 makes it no more, for a thread here and there; a multiplication (as in most hashes) then takes three times as long.
 */
export function work(iterations: number): number {
  let hash = 1;
  for (let i = 0; i < iterations; i++) {
    hash ^= hash << 13;
    hash ^= hash >>> 17;
    hash ^= hash << 5;
  }
  return hash;
}

/** Burns CPU for `ms` milliseconds by the clock, and returns when it ended, on the clock of all threads. */
export function spin(ms: number): number {
  const end = performance.now() + ms;
  let now = performance.now();
  while (now < end) now = performance.now();
  return performance.timeOrigin + now;
}

/** Waits on one timer. (`async`, because poolifier tells by that word what to wait for.) */
export async function nap(ms: number): Promise<number> {
  return await new Promise((resolve) => setTimeout(resolve, ms, ms));
}

/** Reads a file and returns its size. */
export async function readSize(path: string): Promise<number> {
  return (await readFile(path)).byteLength;
}

/** Tells how many bytes arrived, having read the first and the last one. */
export function receive(bytes: Uint8Array): number {
  return bytes[0] === bytes[bytes.byteLength - 1] ? bytes.byteLength : -1;
}
