// This marks a result whose buffers or ports move to the caller instead of being copied.

import { types } from "node:util";
import type { Transferable } from "node:worker_threads";

class Transfer<T> {
  readonly value: T;
  readonly list: readonly Transferable[];
  #mark = null;

  constructor(value: T, list: readonly Transferable[]) {
    this.value = value;
    this.list = list;
  }

  /** By a private field: `instanceof` runs the traps of a Proxy. */
  static is(value: unknown): value is Transfer<unknown> {
    return typeof value === "object" && value !== null && #mark in value;
  }
}

/**
 * Returns a job's result so that the listed objects in it move to the caller instead of being copied, as in
 * `postMessage`: no copy is made, and they are gone in the worker. It does the same for what a stream yields, for the
 * results of a map, and for the arguments and the result of a callback.
 *
 * @example
 * ```ts
 * import { transfer } from "threadloop/workers";
 *
 * export function noise(size: number): Float64Array<ArrayBuffer> {
 *   const samples = Float64Array.from({ length: size }, Math.random);
 *   return transfer(samples, [samples.buffer]);
 * }
 * ```
 */
export function transfer<T>(value: T, list: readonly Transferable[]): T {
  if (!Array.isArray(list))
    throw new TypeError(
      "Expected `list` to be an array of transferable objects: transfer(value, [value.buffer])",
    );
  return new Transfer(value, list) as T;
}

export function isTransfer(
  value: unknown,
): value is { readonly value: unknown; readonly list: readonly Transferable[] } {
  return Transfer.is(value);
}

/**
 * Throws a DataCloneError for a buffer that was moved before: Node 20 would let an empty one take its place.
 */
export function checkAttached(list: readonly Transferable[]): void {
  for (const item of list) {
    if (types.isArrayBuffer(item) && item.byteLength === 0 && isDetached(item))
      throw new DOMException("An ArrayBuffer in the transfer list is detached already.", "DataCloneError");
  }
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** The value without its mark; what was listed with it is added to `list`. */
export function unmarked(value: unknown, list: Transferable[]): unknown {
  if (!isTransfer(value)) return value;
  list.push(...value.list);
  return value.value;
}
