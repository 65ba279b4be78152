// This is what the machines of bench/cluster run.

import { randomBytes } from "node:crypto";

export function add(a: number, b: number): number {
  return a + b;
}

/** Keeps its thread for so many milliseconds. */
export function spin(milliseconds: number): number {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
}

let noise: Buffer = Buffer.alloc(0);

/** Bytes that nobody can compress, as those of a picture. */
export function bytes(length: number): Uint8Array {
  if (noise.length !== length) noise = randomBytes(length);
  return noise;
}
