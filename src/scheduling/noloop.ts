/**
 * This is what stands in for the loop of a future that is made while no loop runs, so that a pool can be used in a
 * program without `run`: its callbacks run as microtasks, and a failure nobody looks at is an unhandled rejection,
 * as a promise's is. The first task that awaits such a future takes it over to its own loop.
 */

import { monotonicClock } from "./clock.ts";
import { type AbstractEventLoop, type ExceptionContext, type FailedFuture, inRootContext } from "./events.ts";

const unretrieved = new Set<FailedFuture>();
const immediate = setImmediate;

function reportIfStill(future: FailedFuture): void {
  if (unretrieved.delete(future)) Promise.reject(future._value);
}

export const noLoop: AbstractEventLoop = {
  _tasks: { size: 0, add: () => {}, remove: () => {}, [Symbol.iterator]: () => [].values() },
  _atClose: new Set(),
  _tick: 0,
  time: () => monotonicClock.now(),
  getDebug: () => false,
  isClosed: () => false,
  callExceptionHandler: (context: ExceptionContext) => {
    Promise.reject("exception" in context ? context.exception : new Error(context.message));
  },
  _rememberOrigin: () => {},
  _reportOf: (_made, context) => noLoop.callExceptionHandler(context),
  _push: (entry) => queueMicrotask(() => entry._run(noLoop)),
  _stepInto: () => {},
  _stepOver: () => {},
  _waitsForForeign: () => false,
  _timerCancelled: () => {},
  _waitOutside: () => {},
  _waitForPromise: () => {},
  _bring: (take, what) => take(what),
  _keepUnretrieved: (future, keep) => {
    if (!keep) unretrieved.delete(future);
    else if (!unretrieved.has(future))
      inRootContext(() => immediate(reportIfStill, unretrieved.add(future) && future));
  },
};
