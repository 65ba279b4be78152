/** AbortSignals, the platform's own cancellation: one given to a task cancels it, and a task's own is aborted. */
import { type CancelledError, CancelReason, cancelledError, got } from "./errors.ts";

/** What a signal does to a task. */
interface Cancellable {
  cancel(message?: string, cause?: unknown): boolean;
  _listen(listen: () => void, settles: null, looks: boolean): void;
}

/** Cancels the task when the signal aborts, with the signal's reason as the cause. Throws TypeError, and the task never starts, when it is none. */
export function linkSignal(task: Cancellable, signal: AbortSignal): void {
  if (typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== "function") {
    task.cancel();
    throw new TypeError(`Expected \`signal\` to be an AbortSignal, got ${got(signal)}`);
  }
  const abort = () => {
    task.cancel(messageOf(signal.reason), signal.reason);
  };
  if (signal.aborted) {
    abort();
    return;
  }
  signal.addEventListener("abort", abort, { once: true });
  task._listen(() => signal.removeEventListener("abort", abort), null, false);
}

/** Aborts with the CancelledError of a reason; the first time counts. */
export function abortWith(
  controller: AbortController,
  reason: CancelReason | CancelledError | undefined,
): void {
  if (controller.signal.aborted) return;
  controller.abort(cancelledError(reason instanceof CancelReason ? reason : undefined));
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : typeof reason === "string" ? reason : undefined;
}
