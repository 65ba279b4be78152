// This is what the threads do that share a lock or a queue.
import type { MessagePort } from "node:worker_threads";
import type { SharedLock, SharedQueue } from "threadloop/workers";

export interface Message {
  readonly id: number;
  readonly text: string;
}

/** Adds to a number under the lock, so that a lock that does not exclude is found out. */
export async function addUnderLock(lock: SharedLock, total: Int32Array, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await lock.acquire();
    total[0] = total[0]! + 1;
    lock.release();
  }
}

/**
 * Takes the lock again and again. Returns how many turns came although the other thread had waited before this one
 * began to wait, and waited still. `waits` has for each of both the number of its wait, 0 when it does not wait, and
 * behind these whether it has come.
 */
export async function countOvertaking(
  lock: SharedLock,
  waits: Int32Array,
  me: number,
  times: number,
): Promise<number> {
  let overtaken = 0;
  Atomics.store(waits, 2 + me, 1);
  while (Atomics.load(waits, 3 - me) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  for (let wait = 1; wait <= times; wait++) {
    const before = Atomics.load(waits, 1 - me);
    const taken = lock.acquire();
    Atomics.store(waits, me, wait);
    await taken;
    Atomics.store(waits, me, 0);
    if (before !== 0 && Atomics.load(waits, 1 - me) === before) overtaken++;
    lock.release();
  }
  return overtaken;
}

export async function putAll(queue: SharedQueue<Message>, count: number): Promise<void> {
  for (let id = 0; id < count; id++) await queue.put({ id, text: "message" });
}

/** The same by messages, without a bound. */
export function postAll(port: MessagePort, count: number): void {
  for (let id = 0; id < count; id++) port.postMessage({ id, text: "message" });
}
