// These are values of AsyncLocalStorages and context variables that travel with a job. On the main side those are
// named in the pool's options; in a worker they are read by name, or given to a storage of the worker's own, so that
// code that knows nothing of pools finds them. A context variable needs no binding: it finds its value by the file
// and name it was made with.

import type { AsyncLocalStorage } from "node:async_hooks";
import {
  type CarriedVariable,
  ContextVar,
  carriedVariables,
  copyContext,
  receiveVariables,
} from "../../src/core.ts";
import { isCloneable } from "../wire/clone.ts";

export type Stores = Readonly<Record<string, unknown>>;

const stores = new ContextVar<Stores>("threadloop.stores", { default: {} });
const bound = new Map<string, AsyncLocalStorage<unknown>>();

/**
 * Returns, in a job, the value that the AsyncLocalStorage or ContextVar of this name in the pool's `context` option had
 * where the job was submitted; undefined when there was none.
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from "node:async_hooks";
 * import { jobContext, WorkerPool } from "threadloop/workers";
 *
 * const requestId = new AsyncLocalStorage<string>();
 * await using pool = new WorkerPool({ context: { requestId } });
 * const job = requestId.run("r-7", () => pool.submit(() => jobContext("requestId")));
 * console.log(await job); // r-7
 * ```
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

/** What a pool's `context` option names. */
export type ContextSource = AsyncLocalStorage<unknown> | ContextVar<unknown>;

/** What travels with a job of the context where it was submitted. */
export interface JobContext {
  readonly stores?: Stores;
  readonly variables?: readonly CarriedVariable[];
}

/** Main side: the values where a job is submitted, of what the pool names; only what is there. */
export function captureContext(sources: Readonly<Record<string, ContextSource>>): JobContext {
  const values: Record<string, unknown> = {};
  const keys = new Set<string>();
  const context = copyContext();
  for (const [name, source] of Object.entries(sources)) {
    const value = source instanceof ContextVar ? context.get(source) : source.getStore();
    if (value === undefined) continue;
    values[name] = value;
    if (source instanceof ContextVar) keys.add(source._key);
  }
  if (keys.size === 0) return { stores: values };
  return { stores: values, variables: carriedVariables().filter(({ key }) => keys.has(key)) };
}

/** The variables that the job which is being submitted carries: those of the `toThread` call that submits it, or null. */
export let carriedNow: readonly CarriedVariable[] | null = null;

/** Main side: the job that `submit` submits carries the context's variables. What cannot be copied is told where it is read. */
export function carryingVariables<T>(submit: () => T): T {
  const variables = carriedVariables();
  return variables.length === 0 ? submit() : carryingThese(variables.map(copied), submit);
}

/** The job that `submit` submits carries these variables. */
export function carryingThese<T>(variables: readonly CarriedVariable[] | null, submit: () => T): T {
  const before = carriedNow;
  carriedNow = variables;
  try {
    return submit();
  } finally {
    carriedNow = before;
  }
}

function copied(variable: CarriedVariable): CarriedVariable {
  const { key, value } = variable;
  if (
    (typeof value !== "object" || value === null) &&
    typeof value !== "function" &&
    typeof value !== "symbol"
  )
    return variable;
  if (isCloneable(value)) return variable;
  const name = key.slice(key.lastIndexOf("#") + 1);
  return { key, missing: `The value of context variable \`${name}\` cannot be copied to another thread` };
}

/** Worker side: runs a body in the context of its job. */
export function inJobContext<T>({ stores: values = {}, variables }: JobContext, body: () => T): T {
  if (variables !== undefined) receiveVariables(variables);
  stores.set(values);
  let run = body;
  for (const [name, value] of Object.entries(values)) {
    const storage = bound.get(name);
    const inner = run;
    if (storage !== undefined) run = () => storage.run(value, inner);
  }
  return run();
}
