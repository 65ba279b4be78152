// This says where the limits of jobs take their time from: the process's clock, whatever the clock of a loop shows,
// as jobs that run elsewhere take real time; or the clock of the loop, where they run on it.

import { clearTimeout, setTimeout } from "node:timers";
import { type EventLoop, inRootContext, monotonicTime } from "../../src/core.ts";

/** A clock with timers, in milliseconds. */
export interface Time {
  now(): number;
  /** Calls a function after so long; returns what calls that off. */
  after(milliseconds: number, fn: () => void): () => void;
  /** The same for what the process need not be kept alive for. */
  inBackground(milliseconds: number, fn: () => void): () => void;
}

/** The longest that Node's timers can wait; anything longer is as good as for ever. */
export const LONGEST: number = 2 ** 31 - 1;

const nothing = (): void => {};

/** The timers are those that the process has at the moment of a call: a test may replace them. */
export const realTime: Time = {
  now: () => monotonicTime(),
  after: (milliseconds, fn) => {
    if (milliseconds > LONGEST) return nothing;
    const timer = setTimeout(fn, milliseconds);
    return () => clearTimeout(timer);
  },
  inBackground: (milliseconds, fn) => {
    if (milliseconds > LONGEST) return nothing;
    const timer = setTimeout(fn, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

/** The time of a loop, which may be virtual. What its timers call belongs to no task, and they keep no process alive. */
export function timeOf(loop: EventLoop): Time {
  const after = (milliseconds: number, fn: () => void): (() => void) => {
    if (milliseconds === Number.POSITIVE_INFINITY) return nothing;
    const handle = inRootContext(() => loop.callLater(milliseconds, fn));
    return () => handle.cancel();
  };
  return { now: () => loop.time(), after, inBackground: after };
}
