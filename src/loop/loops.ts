/**
 * This tells which loop is meant: the running one, or the thread's own, made at first use, as introductions to
 * asyncio teach it. Who has it may call any method of it, so what those need comes along (`loopparts`); a bundle of a
 * program that only runs tasks leaves that out.
 */
import { got } from "../errors/errors.ts";
import { suggestOptionNames } from "../errors/misspelt.ts";
import * as io from "../io/methods.ts";
import { currentLoopOrNull, setCurrentLoop } from "../scheduling/events.ts";
import { runningEventLoop } from "./currentloop.ts";
import { DefaultExecutor } from "./defaultexecutor.ts";
import { EventLoop, type EventLoopOptions } from "./loop.ts";
import { installLoopParts } from "./loopparts.ts";
import { SignalHandlers } from "./signalhandlers.ts";
import { describeTasks } from "./taskdescription.ts";

/**
 * Returns the loop that runs in this thread. Throws RuntimeError when none does.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "threadloop";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   console.log(loop.isRunning()); // true
 * });
 * ```
 */
export const getRunningLoop: () => EventLoop = connected(function getRunningLoop() {
  return runningEventLoop();
});

/**
 * Returns the running loop, else this thread's own, which is made at first use and again after it was closed.
 *
 * @example
 * ```ts
 * import { getEventLoop, sleep } from "threadloop";
 *
 * const loop = getEventLoop();
 * console.log(await loop.runUntilComplete(() => sleep(10, "done"))); // done
 * loop.close();
 * ```
 */
export const getEventLoop: () => EventLoop = connected(function getEventLoop() {
  const current = currentLoopOrNull();
  if (current !== null) return current as EventLoop;
  const own = new EventLoop();
  setCurrentLoop(own, false);
  return own;
});

/**
 * Sets what `getEventLoop` returns while no loop runs, and where `ensureFuture`, `gather` and their like then make
 * tasks; null makes it make a new one.
 */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && !(loop instanceof EventLoop)) {
    throw new TypeError(`Expected \`loop\` to be an EventLoop or null, got ${got(loop)}`);
  }
  setCurrentLoop(loop, true);
}

/**
 * Makes a loop, which does not run yet and is not what `getEventLoop` returns. Close it at the end.
 *
 * @example
 * ```ts
 * import { newEventLoop, sleep } from "threadloop";
 *
 * const loop = newEventLoop();
 * console.log(await loop.runUntilComplete(() => sleep(5, "done"))); // done
 * loop.close();
 * ```
 */
export const newEventLoop: (options?: EventLoopOptions) => EventLoop = connected(function newEventLoop(
  options = {},
) {
  return new EventLoop(options);
});

/** Has all parts of a loop come with a function: a bundler leaves out both, or neither. */
function connected<F>(fn: F): F {
  installLoopParts({ io, DefaultExecutor, SignalHandlers, describeTasks });
  suggestOptionNames();
  return fn;
}
