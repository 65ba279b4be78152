/** These are the errors of what tasks share: barriers and queues. */
import { named, RuntimeError } from "./errors.ts";

/** Is thrown to those who wait at a barrier that was reset or aborted. */
export class BrokenBarrierError extends RuntimeError {}
named(BrokenBarrierError, "BrokenBarrierError");

/** Is thrown by `getNowait()` on an empty queue. */
export class QueueEmpty extends Error {}
named(QueueEmpty, "QueueEmpty");

/** Is thrown by `putNowait()` on a full queue. */
export class QueueFull extends Error {}
named(QueueFull, "QueueFull");

/** Is thrown by `put()` on a queue that was shut down, and by `get()` once it is empty too. */
export class QueueShutDown extends Error {}
named(QueueShutDown, "QueueShutDown");
