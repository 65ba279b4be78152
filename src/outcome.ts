/** What a future means to the task that waited for it. */
import type { AbstractEventLoop } from "./events.ts";
import type { Future } from "./future.ts";
import { noLoop } from "./noloop.ts";
import { CANCELLED, FINISHED } from "./states.ts";

/** Stands for the absence of an error, as anything can be thrown. */
export const NONE = Symbol("no error");

/** What a future that is done says to the task that waited: its error, or nothing. */
export function outcomeOf(future: Future): unknown {
  if (future._state === FINISHED) return NONE;
  return future._state === CANCELLED ? future._takeCancelledError() : future._takeError();
}

/** Takes over a future that was made while no loop ran; false when it is another loop's. */
export function adopt(future: Future, loop: AbstractEventLoop): boolean {
  if (future._loop === noLoop) future._loop = loop;
  return future._loop === loop;
}
