/** This is what threads share: locks, events, queues and the like on shared memory. */
export { SharedBarrier } from "./barrier.ts";
export { SharedCondition } from "./condition.ts";
export { SharedEvent } from "./event.ts";
export { SharedLock } from "./lock.ts";
export { OwnerDiedError } from "./ownerdied.ts";
export { SharedQueue, type SharedQueueOptions } from "./queue.ts";
export { SharedBoundedSemaphore, SharedSemaphore } from "./semaphore.ts";
