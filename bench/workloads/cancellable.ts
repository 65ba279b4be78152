// These are jobs that go on until they are cancelled.
import { sleep } from "threadloop";
import { checkCancelled } from "threadloop/workers";

/** A coroutine at an await. */
export async function waitForEver(): Promise<never> {
  for (;;) await sleep(60_000);
}

/** Synchronous code that asks now and then. */
export function computeForEver(): never {
  for (;;) checkCancelled();
}
