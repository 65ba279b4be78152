/**
 * The inner contract of the runtime: what `workers/` imports of it. It is never re-exported: the package's interface is
 * `index`, which lies in here as well.
 */

export { followSignal } from "./abort.ts";
export { awaitingTasks } from "./callgraph.ts";
export {
  type CarriedVariable,
  type ContextVarDefinition,
  carriedVariables,
  currentOwner,
  receiveVariables,
  variableOf,
} from "./context.ts";
export { starterOf } from "./coroutine.ts";
export { CancelReason, cancelledError, got, isErrorClass, isInstance, named, shown } from "./errors.ts";
export {
  type AbstractEventLoop,
  type ContextRunner,
  inRootContext,
  type Outcome,
  type Runnable,
  type RunnerContext,
  runAs,
  runAsInRoot,
  runningLoopOrNull,
  type StepObserver,
  setProgramGuard,
  UNTRACKED,
} from "./events.ts";
export { setDefaultExecutorFactory } from "./executor.ts";
export * from "./index.ts";
export { checkOptionNames, type OptionNames, optionNames } from "./optionnames.ts";
export { isBundled, isOwn, PACKAGE_ROOT, requireFrom } from "./place.ts";
export { printable, printableLines } from "./printable.ts";
export { rootsOf } from "./roots.ts";
export { CANCELLED, FAILED, FINISHED, PENDING } from "./states.ts";
export { reportTasks, type TaskReport, taskId } from "./taskreport.ts";
