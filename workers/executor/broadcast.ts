// pool.broadcast: once in every worker, those born later included.

import { got } from "../../src/core.ts";
import type { Engine } from "../pool/scheduler.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { jobError } from "../wire/clone.ts";
import { functionName } from "../wire/describe.ts";
import { packed, unpacked } from "../wire/message.ts";
import type { Job } from "./job.ts";

export async function broadcastJob(
  engine: Engine,
  fn: AnyFunction,
  given: readonly unknown[],
): Promise<unknown[]> {
  engine.checkOpen();
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
  const args = copyOf(given, functionName(fn));
  const code = await engine.codes.of(fn, engine.settings.ship);
  engine.checkOpen();
  const { broadcasts } = engine;
  const number = broadcasts.nextNumber();
  const jobs: Job[] = [];
  // Workers without a session are threads that wait for one: as many hosts open theirs, before this broadcast is
  // on the list that new sessions run through.
  for (const host of engine.hostsWithThreads()) {
    jobs.push(engine.submitTo(host, code, args, { broadcast: number }));
  }
  broadcasts.add({ number, recipe: code.shipment.recipe, args }, jobs);
  const outcomes = await Promise.allSettled(jobs.map((job) => job.toPromise()));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) {
    broadcasts.withdraw(number);
    throw failed.reason;
  }
  const shipped = jobs.at(-1)?._code ?? code; // the workers may have needed it shipped in another way
  broadcasts.add({ number, recipe: shipped.shipment.recipe, args }, []);
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value);
}

/** Workers born later get the arguments as they are now: one that cannot be cloned then would be the end of each. */
function copyOf(args: readonly unknown[], job: string): readonly unknown[] {
  try {
    return unpacked(structuredClone(packed(args))) as readonly unknown[];
  } catch (error) {
    throw jobError(job, args, undefined, error);
  }
}
