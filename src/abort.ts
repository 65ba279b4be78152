/** AbortSignals, the other platform's cancellation: one given to a task cancels it. (The way out is `task.signal`.) */
import type { Task } from "./task.ts";

/** Cancels the task when the signal aborts, with the signal's reason as the cause. */
export function linkSignal(task: Task, signal: AbortSignal): void {
  const abort = () => {
    task.cancel(messageOf(signal.reason), signal.reason);
  };
  if (signal.aborted) {
    abort();
    return;
  }
  signal.addEventListener("abort", abort, { once: true });
  task._listen(() => signal.removeEventListener("abort", abort));
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : typeof reason === "string" ? reason : undefined;
}
