// pool.broadcast: once in every worker, those born later included.

import type { Engine } from "./engine.ts";
import type { Job } from "./job.ts";
import type { AnyFunction } from "./shipping/recipe.ts";

export async function broadcastJob(
  engine: Engine,
  fn: AnyFunction,
  args: readonly unknown[],
): Promise<unknown[]> {
  engine.checkOpen();
  const code = await engine.codes.of(fn, engine.settings.ship);
  engine.checkOpen();
  const number = engine.broadcasts.length;
  const jobs: Job[] = [];
  // Workers without a session are threads that wait for one: as many hosts open theirs, before this broadcast is
  // on the list that new sessions run through.
  for (const host of engine.hostsWithThreads()) {
    jobs.push(engine.submitTo(host, code, args, { broadcast: number }));
  }
  engine.broadcasts.push({ recipe: code.shipment.recipe, args });
  const outcomes = await Promise.allSettled(jobs.map((job) => job.toPromise()));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value);
}
