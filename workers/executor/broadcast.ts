// executor.broadcast runs a function once wherever jobs run, in places that come later too.

import { got } from "../../src/core.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { jobError } from "../wire/clone.ts";
import { functionName } from "../wire/describe.ts";
import { packed, unpacked } from "../wire/message.ts";
import type { Calls } from "./calls.ts";

export async function broadcastJob(
  calls: Calls,
  fn: AnyFunction,
  given: readonly unknown[],
): Promise<unknown[]> {
  calls.checkOpen();
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
  return calls.runEverywhere(fn, copyOf(given, functionName(fn)));
}

/** Workers born later get the arguments as they are now: one that cannot be cloned then would be the end of each. */
function copyOf(args: readonly unknown[], job: string): readonly unknown[] {
  try {
    return unpacked(structuredClone(packed(args))) as readonly unknown[];
  } catch (error) {
    throw jobError(job, args, undefined, error);
  }
}
