/**
 * This is what the loop's methods of names, connections, processes and pipes call: one object with a function for
 * each, of the same name, which takes the loop first. It comes with the functions that give programs a loop
 * (`loops`): a thread whose code imports none of them is the sooner there without it, and a bundle the smaller.
 */
import { RuntimeError } from "../errors/errors.ts";
import type * as methods from "./methods.ts";

let installed: typeof methods | null = null;

/** Gives the loops' methods what they call. */
export function installIo(io: typeof methods): void {
  installed = io;
}

/** Loops can be had in other ways too, of a task, a runner, the class itself; bundlers cannot see that: it throws then. */
export function io(): typeof methods {
  if (installed !== null) return installed;
  throw new RuntimeError(
    "This bundle was made without the loop's connections and processes, as nothing in it imports what gives a loop: " +
      'take the loop from getRunningLoop, getEventLoop or newEventLoop of "threadloop"',
  );
}
