/** Protecting a future from the cancel of the one that awaits it. */
import { type Awaitable, ensureFuture } from "./ensure.ts";
import type { Future } from "./future.ts";
import { currentTask } from "./running.ts";
import { FAILED } from "./states.ts";
import { Waiting } from "./waiting.ts";

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
  const pass = (future: Future) => passOn(future as Future<T>, outer);
  if (currentTask() !== null) inner._listen(() => {}, outer as Future, false); // the edge of who awaits whom
  inner._listen(pass, outer as Future, false); // it looks, unless the outer one is cancelled by then
  outer._listen(
    () => {
      if (inner.done()) return;
      inner._unlisten(pass);
      inner._unlisten(reportFailure);
      inner._listen(reportFailure);
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

function reportFailure(inner: Future): void {
  if (!inner._failed) return;
  const exception = inner._takeError();
  inner._loop.callExceptionHandler({ message: "exception in shielded future", exception, future: inner });
}
