// What the threads do that share a lock or a queue.
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

export async function putAll(queue: SharedQueue<Message>, count: number): Promise<void> {
  for (let id = 0; id < count; id++) await queue.put({ id, text: "message" });
}

/** The same by messages, without a bound. */
export function postAll(port: MessagePort, count: number): void {
  for (let id = 0; id < count; id++) port.postMessage({ id, text: "message" });
}
