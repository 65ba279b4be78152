/** These are the errors of what tasks share: barriers and queues. */
import { named, RuntimeError } from "./errors.ts";

/**
 * Is thrown to those who wait at a barrier that was reset or aborted.
 *
 * @example
 * ```ts
 * import { Barrier, BrokenBarrierError, createTask, run } from "threadloop";
 *
 * await run(async () => {
 *   const barrier = new Barrier(2);
 *   const waiting = createTask(() => barrier.wait());
 *   await waiting.started;
 *   await barrier.abort();
 *   await waiting.catch((error) => console.log(error instanceof BrokenBarrierError)); // true
 * });
 * ```
 */
export class BrokenBarrierError extends RuntimeError {}
named(BrokenBarrierError, "BrokenBarrierError");

/**
 * Is thrown by `getNowait()` on an empty queue.
 *
 * @example
 * ```ts
 * import { Queue, QueueEmpty } from "threadloop";
 *
 * try {
 *   new Queue().getNowait();
 * } catch (error) {
 *   console.log(error instanceof QueueEmpty); // true
 * }
 * ```
 */
export class QueueEmpty extends Error {}
named(QueueEmpty, "QueueEmpty");

/**
 * Is thrown by `putNowait()` on a full queue.
 *
 * @example
 * ```ts
 * import { Queue, QueueFull } from "threadloop";
 *
 * const queue = new Queue<number>(1);
 * queue.putNowait(1);
 * try {
 *   queue.putNowait(2);
 * } catch (error) {
 *   console.log(error instanceof QueueFull); // true
 * }
 * ```
 */
export class QueueFull extends Error {}
named(QueueFull, "QueueFull");

/**
 * Is thrown by `put()` on a queue that was shut down, and by `get()` once it is empty too.
 *
 * @example
 * ```ts
 * import { Queue, QueueShutDown, run } from "threadloop";
 *
 * await run(async () => {
 *   const queue = new Queue<number>();
 *   queue.shutdown();
 *   await queue.get().catch((error) => console.log(error instanceof QueueShutDown)); // true
 * });
 * ```
 */
export class QueueShutDown extends Error {}
named(QueueShutDown, "QueueShutDown");
