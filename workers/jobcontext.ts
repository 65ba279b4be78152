// AsyncLocalStorage values that travel with a job. On the main side they are named in the pool's options; in a worker
// they are read by name, or given to a storage of the worker's own, so that code that knows nothing of pools finds them.

import type { AsyncLocalStorage } from "node:async_hooks";
import { ContextVar } from "../src/index.ts";

export type Stores = Readonly<Record<string, unknown>>;

const stores = new ContextVar<Stores>("threadloop.stores", { default: {} });
const bound = new Map<string, AsyncLocalStorage<unknown>>();

/**
 * Returns, in a job, the value that the AsyncLocalStorage of this name in the pool's `context` option had where the job
 * was submitted; undefined when there was none.
 */
export function jobContext(name: string): unknown {
  return stores.get()[name];
}

/**
 * Makes each job of this worker run inside `storage.run(value)`, with the value that travelled under this name. Call
 * it in the worker: at the top level of a module, or in the pool's `initializer`.
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from "node:async_hooks";
 * import { bindContext } from "threadloop/workers";
 *
 * export const requestId = new AsyncLocalStorage<string>();
 * bindContext("requestId", requestId); // the pool has { context: { requestId } }
 * ```
 */
export function bindContext<T>(name: string, storage: AsyncLocalStorage<T>): void {
  bound.set(name, storage as AsyncLocalStorage<unknown>);
}

/** Main side: the values where a job is submitted; only what is there. */
export function captureStores(context: Readonly<Record<string, AsyncLocalStorage<unknown>>>): Stores {
  const values: Record<string, unknown> = {};
  for (const [name, storage] of Object.entries(context)) {
    const value = storage.getStore();
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Worker side: runs a body with the values of its job. */
export function withStores<T>(values: Stores, body: () => T): T {
  stores.set(values);
  let run = body;
  for (const [name, value] of Object.entries(values)) {
    const storage = bound.get(name);
    const inner = run;
    if (storage !== undefined) run = () => storage.run(value, inner);
  }
  return run();
}
