/** SIGINT, as CPython's runner handles it: the first one cancels the main task, the second one ends the process. */
import { isCancelled } from "./errors.ts";
import type { Task } from "./task.ts";

/** Is thrown out of `run` when SIGINT (Ctrl-C) cancelled the main task. */
export class KeyboardInterrupt extends Error {}
KeyboardInterrupt.prototype.name = "KeyboardInterrupt";

/**
 * Runs something with SIGINT cancelling the task. An application that listens to SIGINT itself, from before or since,
 * keeps it to itself, as one in Python that has set a handler does.
 */
export async function interruptible<T>(task: Task<T>, body: () => Promise<T>): Promise<T> {
  if (process.listenerCount("SIGINT") > 0) return await body();
  const interrupt = { requested: false };
  const onInterrupt = () => {
    if (process.listenerCount("SIGINT") > 1) return;
    interrupt.requested = true;
    process.removeListener("SIGINT", onInterrupt); // the next one ends the process
    task.cancel(undefined, new KeyboardInterrupt("SIGINT"));
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await body();
  } catch (error) {
    const alone = interrupt.requested && task.uncancel() === 0;
    if (alone && isCancelled(error)) throw new KeyboardInterrupt("SIGINT", { cause: error });
    throw error;
  } finally {
    process.removeListener("SIGINT", onInterrupt);
  }
}
