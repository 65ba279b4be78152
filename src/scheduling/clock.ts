/**
 * A clock is where a loop's time comes from. Node's is captured at load, so that fake timers of a test runner do not
 * stop the loop.
 */

import { got } from "../errors/errors.ts";
import { monotonicTime } from "../platform/node/monotonic.ts";

/** A source of time that can be given to `run(main, { clock })`. */
export interface Clock {
  /** Returns the time in milliseconds; it never goes backwards. */
  now(): number;
  /**
   * Is asked when nothing is ready: `deadline` is that of the earliest timer, null without one. Returns true when the
   * loop shall go on at once, as time has jumped or something was made ready. A clock without it is a real one.
   */
  idle?(deadline: number | null): boolean;
  /** Is called at the begin of each iteration of the loop. */
  iteration?(): void;
}

/** The process's monotonic clock, the default. */
export const monotonicClock: Clock = { now: monotonicTime };

/** Milliseconds since a tick, which is a whole number of 32 bits that wraps around. */
export function ticksSince(tick: number): number {
  return Math.max(0, ((monotonicClock.now() | 0) - tick) | 0);
}

/** Returns a time given by the user; throws TypeError that names the argument when it is none. */
export function milliseconds(value: number, name: string): number {
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  throw new TypeError(`Expected \`${name}\` to be a number of milliseconds, got ${got(value)}`);
}

/** Returns a clock given by the user; throws TypeError when it is none, or does not tell a number of milliseconds. */
export function checkedClock(clock: Clock): Clock {
  if (typeof (clock as Partial<Clock> | null)?.now !== "function")
    throw new TypeError(`Expected \`clock\` to have a function \`now\`, got ${got(clock)}`);
  const now: unknown = clock.now();
  if (typeof now === "number" && !Number.isNaN(now)) return clock;
  throw new TypeError(`Expected \`clock.now()\` to give a number of milliseconds, got ${got(now)}`);
}
