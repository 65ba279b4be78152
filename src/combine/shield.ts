/** `shield` protects a future from the cancel of the one that awaits it. */

import type { Future } from "../task/future.ts";
import { FAILED, Waiting } from "../task/future.ts";
import { type Awaitable, ensureFuture } from "./ensure.ts";

/**
 * Gives the same result, but cancelling the wait does not cancel what is waited for.
 *
 * The awaiting task still gets its CancelledError. When the protected future fails after that, its error goes to the
 * loop's exception handler. When it is itself cancelled, so is the wait.
 *
 * @example
 * ```ts
 * import { createTask, run, shield, sleep, TimeoutError, timeout } from "threadloop";
 *
 * await run(async () => {
 *   const save = createTask(() => sleep(20, "saved"));
 *   await timeout(5, () => shield(save)).catch((error) => console.log(error instanceof TimeoutError)); // true
 *   console.log(await save); // saved
 * });
 * ```
 */
export function shield<T>(awaitable: Awaitable<T>): Future<T> {
  const inner = ensureFuture(awaitable);
  if (inner.done()) return inner;
  const outer = new Waiting<T>(`shielded ${inner._what()}`, inner._loop);
  // It looks, unless the outer one is cancelled by then.
  const passing = inner._listen((future) => passOn(future as Future<T>, outer), outer as Future, false);
  outer._listen(
    () => {
      if (inner.done()) return;
      inner._removeCallback(passing);
      reportFailureOf(inner as Future);
    },
    null,
    false,
  );
  return outer;
}

function passOn<T>(inner: Future<T>, outer: Future<T>): void {
  if (outer.cancelled()) return;
  if (inner.cancelled()) {
    outer.cancel();
    return;
  }
  if (inner._failed) outer._settle(FAILED, inner._takeError());
  else outer.setResult(inner.result());
}

/** Futures of which a wait was cancelled, so that nobody may look at their failure. */
const reported = new WeakSet<Future>();

function reportFailureOf(inner: Future): void {
  if (reported.has(inner)) return;
  reported.add(inner);
  inner._listen(reportFailure);
}

function reportFailure(inner: Future): void {
  if (!inner._failed) return;
  const exception = inner._takeError();
  inner._loop.callExceptionHandler({ message: "exception in shielded future", exception, future: inner });
}
