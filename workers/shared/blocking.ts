/** These waits block the thread, for synchronous code in workers. */
import { isMainThread } from "node:worker_threads";
import { got, monotonicTime, RuntimeError, TimeoutError } from "../../src/core.ts";
import { checkCancelled } from "../executor/currentjob.ts";
import { records, WAITING } from "./records.ts";

/** Milliseconds after which a blocked thread looks whether its job was cancelled, or somebody died. */
const SLICE = 20;

/** Throws when this thread must not be blocked, or the limit is none. */
export function checkMayBlock(method: string, timeout: number | null): void {
  if (isMainThread) {
    const twin = method.replace("Sync", "");
    throw new RuntimeError(
      `${method}() would block the main thread and its loop: use \`await ${twin}()\` there`,
    );
  }
  if (timeout !== null && !(typeof timeout === "number" && timeout >= 0)) {
    throw new RangeError(`Expected \`timeout\` to be milliseconds >= 0 or null, got ${got(timeout)}`);
  }
}

/** How a wait that blocks may end before its turn has come. */
interface Limits {
  readonly timeout: number | null;
  readonly isCancellable: boolean;
  /** Is asked now and then. */
  readonly isOver: () => boolean;
}

/**
 * Blocks until the wait of a record has ended, or `isOver` says so. Throws TimeoutError at the limit and CancelledError
 * when the job that waits is cancelled; the record is then still in its line.
 */
export function block(record: number, { timeout, isCancellable, isOver }: Limits): void {
  const deadline = timeout === null ? Infinity : monotonicTime() + timeout;
  while (Atomics.load(records.words, record) === WAITING) {
    if (isCancellable) checkCancelled();
    const left = deadline - monotonicTime();
    if (left <= 0) throw new TimeoutError(`The wait did not end within ${timeout} ms`);
    if (Atomics.wait(records.words, record, WAITING, Math.min(left, SLICE)) === "timed-out" && isOver())
      return;
  }
}
