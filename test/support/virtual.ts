// These are tests on virtual time: no test waits, and none can fail because the machine was busy.
import { type EventLoop, getRunningLoop, newEventLoop, run, sleep } from "threadloop";
import { VirtualClock } from "threadloop/testing";

/** Runs a coroutine to its end on a loop whose time jumps when nothing is ready. */
export function virtual<T>(main: () => PromiseLike<T>): Promise<T> {
  return run(main, { clock: new VirtualClock() });
}

/** A loop on virtual time that does not run yet. */
export function virtualLoop(): EventLoop {
  return newEventLoop({ clock: new VirtualClock() });
}

/** What the work fails with; it throws if the work succeeds. */
export async function failureOf(work: (() => unknown) | PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error;
  }
  throw new Error(`Expected a failure, got ${String(value)}`);
}

/** Gives up so many iterations of the loop. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await sleep(0);
}

/** The time of the running loop. */
export function now(): number {
  return getRunningLoop().time();
}
