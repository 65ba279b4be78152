// These are hand-shakes with jobs that use shared objects: words[1] counts how many have come so far.
import { vi } from "vitest";

export function makeWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(256));
}

export async function arrived(words: Int32Array, count: number): Promise<void> {
  await vi.waitUntil(() => Atomics.load(words, 1) >= count, { timeout: 20_000, interval: 1 });
}

/** Waits until so many wait, in whichever thread, as the object shows itself. */
export async function waiting(object: object, count: number): Promise<void> {
  const { inspect } = await import("node:util");
  await vi.waitUntil(() => inspect(object).includes(`${count} waiting`), { timeout: 20_000, interval: 1 });
}
