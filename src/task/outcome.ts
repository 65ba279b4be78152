/** What a future means to the task that waited for it. */
import type { AbstractEventLoop } from "../scheduling/events.ts";
import { noLoop } from "../scheduling/noloop.ts";
import { CANCELLED, FINISHED, PENDING } from "../scheduling/states.ts";
import type { Future } from "./future.ts";

/** Stands for the absence of an error, as anything can be thrown. */
export const NONE = Symbol("no error");

/** Stands for an outcome that is not there yet, though the task was woken: somebody else was quicker. */
export const AGAIN = Symbol("wait again");

/**
 * What a future says to the task that waited: its error, or nothing. A place in a line is taken only now, unless the
 * task was cancelled after it was woken.
 */
export function outcomeOf(future: Future, cancelled: boolean): unknown {
  if (future._state === FINISHED) return NONE;
  if (future._state === PENDING) {
    if (!future._resume(cancelled)) return AGAIN;
    return cancelled ? NONE : outcomeOf(future, false);
  }
  return future._state === CANCELLED ? future._takeCancelledError() : future._takeError();
}

/** Takes over a future that was made while no loop ran; false when it is another loop's. */
export function adopt(future: Future, loop: AbstractEventLoop): boolean {
  if (future._loop === noLoop) future._loop = loop;
  return future._loop === loop;
}
