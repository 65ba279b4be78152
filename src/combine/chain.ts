/** The bridge between futures that belong to another loop, or to none, and those of this one is here, as `wrap_future` and its like. */

import { CancelledError, got, isInstance } from "../errors/errors.ts";
import type { EventLoop } from "../loop/loop.ts";
import type { Startable } from "../task/coroutine.ts";
import { Detached, FAILED, Future } from "../task/future.ts";
import { loopFor } from "./ensure.ts";

/**
 * Returns a future of a loop (default: the running one) that follows a future of another loop: it settles as that one
 * does, and cancelling it cancels that one. A future of the same loop is returned as it is. Throws RuntimeError when no
 * loop runs and none was set by `setEventLoop`.
 *
 * @example
 * ```ts
 * import { Future, run, wrapFuture } from "threadloop";
 *
 * const answer = new Future<number>(); // made where no loop runs
 * setTimeout(() => answer.setResult(42), 5);
 * await run(async () => console.log(await wrapFuture(answer))); // 42
 * ```
 */
export function wrapFuture<T>(future: Future<T>, loop?: EventLoop): Future<T> {
  if (!(future instanceof Future))
    throw new TypeError(
      `Expected \`future\` to be a future, got ${got(future)}: wrapPromise() takes promises`,
    );
  const home = loop ?? loopFor([]);
  if (future._loop === home) return future;
  const wrapped = new Future<T>(home);
  follow(future, wrapped);
  return wrapped;
}

/**
 * Starts a coroutine in a loop from code that is not of that loop, and returns a future of no loop that follows it.
 * Cancelling the future cancels the task. Code of another thread submits a job to it instead.
 *
 * @example
 * ```ts
 * import { newEventLoop, runCoroutineThreadsafe, sleep } from "threadloop";
 *
 * const loop = newEventLoop();
 * const future = runCoroutineThreadsafe(() => sleep(5, "done"), loop);
 * await loop.runUntilComplete(() => sleep(10));
 * console.log(await future); // done
 * loop.close();
 * ```
 */
export function runCoroutineThreadsafe<T>(startable: Startable<T>, loop: EventLoop): Future<T> {
  const task = loop.createTask(startable);
  const outside = new Detached<T>(loop);
  follow(task, outside);
  return outside;
}

/** Has the destination settle as the source does, and the source be cancelled when the destination is. */
function follow<T>(source: Future<T>, destination: Future<T>): void {
  source._listen(() => {
    if (destination.done() || destination._loop.isClosed()) return;
    source._deliver(
      (value) => destination.setResult(value),
      (error) =>
        isInstance(error, CancelledError)
          ? destination._settleCancelled(error)
          : destination._settle(FAILED, error),
    );
  }, destination as Future);
  destination._listen(
    () => {
      if (!destination.cancelled()) return;
      const reason = destination._reason;
      source.cancel(reason?.message, reason?.cause);
    },
    null,
    false,
  );
}
