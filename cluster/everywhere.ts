// This is a broadcast to machines: a function runs once in every thread of every machine there is. Each machine is sent one
// call for all its threads, and answers with what each of them gave. In threads that it starts later it runs the function too,
// before their first job, for as long as the client is there; so it is told when that is not to be, as another one failed.

import type { AnyFunction } from "../workers/shipping/recipe.ts";
import { type DirectPosting, machinesThere } from "./direct.ts";
import { FORGET_BROADCAST } from "./protocol.ts";

let count = 0;

/** What the function gave: by machines in the order of `workers()`, and by their threads. Rejects with the first error. */
export async function runInAllMachines(
  posting: DirectPosting,
  fn: AnyFunction,
  args: readonly unknown[],
): Promise<unknown[]> {
  const code = await posting.shipped(fn);
  const machines = await machinesThere(posting, `the broadcast of ${code.name}`);
  const number = ++count;
  const jobs = machines.map(({ id }) =>
    posting.postTo(id, {
      code,
      args,
      kind: { is: "broadcast", number },
      attached: {},
      turns: { next: 0 },
    }),
  );
  const outcomes = await Promise.allSettled(jobs.map((job) => job.toPromise()));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined)
    return outcomes.flatMap((outcome) => (outcome as PromiseFulfilledResult<unknown[]>).value);
  for (const { id } of machines) posting.tell(id, [FORGET_BROADCAST, number]);
  throw failed.reason;
}
