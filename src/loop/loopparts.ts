/**
 * These are the parts of a loop that a program does without which only runs tasks: its connections, processes and pipes
 * (`io`, one object with a function for each method, which takes the loop first), its default executor, its handlers of
 * signals, the words for what its tasks wait on. They come with the functions that give programs a loop (`loops`): a
 * thread whose code imports none of them is the sooner there without them, and a bundle the smaller.
 */
import { RuntimeError } from "../errors/errors.ts";
import type * as methods from "../io/methods.ts";
import type { DefaultExecutor } from "./defaultexecutor.ts";
import type { SignalHandlers } from "./signalhandlers.ts";
import type { describeTasks } from "./taskdescription.ts";

export interface LoopParts {
  readonly io: typeof methods;
  readonly DefaultExecutor: typeof DefaultExecutor;
  readonly SignalHandlers: typeof SignalHandlers;
  readonly describeTasks: typeof describeTasks;
}

const installed: Partial<LoopParts> = {};

/** Gives them to the loops. */
export function installLoopParts(parts: Partial<LoopParts>): void {
  Object.assign(installed, parts);
}

/** One that a loop can do without. */
export function loopPartOrNull<Name extends keyof LoopParts>(name: Name): LoopParts[Name] | null {
  return (installed[name] as LoopParts[Name] | undefined) ?? null;
}

/** Loops can be had in other ways too, of a task, a runner, the class itself; bundlers cannot see that: it throws then. */
export function loopPart<Name extends keyof LoopParts>(name: Name): LoopParts[Name] {
  const part = loopPartOrNull(name);
  if (part !== null) return part;
  throw new RuntimeError(
    "This bundle was made without the loop's connections, processes, executor and signal handlers, as nothing in it " +
      'imports what gives a loop: take the loop from getRunningLoop, getEventLoop or newEventLoop of "threadloop"',
  );
}
