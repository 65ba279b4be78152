// This is the way of a worker thread up to the process's default pool: what its code gives to the default executor
// goes to the main side of its session, which gives it to the default executor there. So there is one such pool,
// with as many threads as it has, however deep the calls are nested.

import type { MessagePort, Transferable } from "node:worker_threads";
import type { CarriedVariable } from "../../src/core.ts";
import type { Recipe } from "../shipping/recipe.ts";

/** A call on its way up. */
export interface NestedCall {
  /** The slot of the job that makes it, 0 when it is none's. */
  readonly slot: number;
  readonly name: string;
  readonly recipe: Recipe;
  readonly args: readonly unknown[];
  /** Positions of the arguments that are functions of the thread, and the port over which they are called. */
  readonly callbacks: { readonly at: readonly number[]; readonly port: MessagePort } | null;
  readonly variables: readonly CarriedVariable[] | null;
  /** The answer goes down over it, and a cancel, as its message, goes up. */
  readonly port: MessagePort;
}

type Send = (call: NestedCall, moving: readonly Transferable[]) => void;

let send: Send | null = null;

/** The thread has a session, or none any more. */
export function connectUplink(way: Send | null): void {
  send = way;
}

/** How calls get up; null on the main thread, and in a thread without a session. */
export function uplink(): Send | null {
  return send;
}
