// This is the main side of nested calls (`uplink`): it gives them to the default executor, as the thread's own code
// would here.

import type { Future } from "../../src/core.ts";
import { callable } from "../executor/callbacks.ts";
import { carryingThese } from "../executor/jobcontext.ts";
import { LruMap } from "../shipping/lrumap.ts";
import type { AnyFunction, Recipe } from "../shipping/recipe.ts";
import { standIn } from "../shipping/standin.ts";
import { resultError } from "../wire/clone.ts";
import { packed } from "../wire/message.ts";
import { encodeThrown } from "../wire/serialize.ts";
import type { NestedCall } from "../wire/uplink.ts";

type Run = (fn: AnyFunction, args: unknown[]) => Future<unknown>;

let run: Run | null = null;

/** Says what the default executor is. */
export function setDefaultRun(way: Run): void {
  run = way;
}

/** Runs a call and answers it; settles, and never fails, when that is done. */
export async function answerNested(call: NestedCall): Promise<void> {
  const { port, name } = call;
  let value: unknown;
  try {
    const future = start(call);
    port.on("message", (message: string | undefined) => void future.cancel(message));
    port.once("close", () => void future.cancel("The thread whose job has called it has ended"));
    value = await future.toPromise();
  } catch (error) {
    port.postMessage(packed({ thrown: encodeThrown(error) }));
    port.close();
    return;
  }
  try {
    port.postMessage(packed({ value }));
  } catch (cause) {
    port.postMessage(packed({ thrown: encodeThrown(resultError(name, value, cause)) }));
  }
  port.close();
}

function start({ name, recipe, args, callbacks, variables }: NestedCall): Future<unknown> {
  const fn = standInFor(name, recipe);
  const call = run as Run;
  if (callbacks === null) return carryingThese(variables, () => call(fn, [...args]));
  const { complete, close } = callable(name, args, callbacks);
  const future = carryingThese(variables, () => call(fn, complete));
  future._listen(close, null, false);
  return future;
}

/** Stand-ins of functions that go by reference, so that a pool ships each once. */
const known = new LruMap<string, AnyFunction>(256);

function standInFor(name: string, recipe: Recipe): AnyFunction {
  if (recipe.kind === "copy") return standIn(name, () => ({ recipe, stable: false }));
  const key = JSON.stringify(recipe);
  const fn = known.get(key) ?? standIn(name, () => ({ recipe, stable: true }));
  known.set(key, fn);
  return fn;
}
