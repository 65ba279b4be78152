import type { Context } from "../scheduling/context.ts";

/** What can be said of a task when it is made. */
export interface TaskOptions {
  /** Its name, for people; default `Task-1`, `Task-2` and so on. */
  name?: string;
  /** The context variables it runs with, used as they are; default a copy of the current ones. */
  context?: Context;
  /** Runs the first step at once, up to the first await; await `task.started` before you rely on it. Default false. */
  eagerStart?: boolean;
}
