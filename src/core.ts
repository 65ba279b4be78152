/**
 * This is the inner contract of the runtime: all that `workers/` imports of it, what users see (`index`) and what they
 * do not. It is never re-exported.
 */

export { awaitingTasks } from "./debug/awaiters.ts";
export { rootsOf } from "./debug/roots.ts";
export { reportTasks, type TaskReport, taskId } from "./debug/taskreport.ts";
export {
  CancelReason,
  cancelledError,
  got,
  isErrorClass,
  isInstance,
  named,
  shown,
} from "./errors/errors.ts";
export { checkOptionNames } from "./errors/misspelt.ts";
export { type OptionNames, optionNames } from "./errors/optionnames.ts";
export { printable, printableLines } from "./errors/printable.ts";
export { emitWarning } from "./errors/warning.ts";
export * from "./index.ts";
export { DefaultExecutor, setDefaultExecutorFactory } from "./loop/defaultexecutor.ts";
export { installLoopParts } from "./loop/loopparts.ts";
export { describeTasks } from "./loop/taskdescription.ts";
export { monotonicTime } from "./platform/node/monotonic.ts";
export { isBundled, isOwn, PACKAGE_ROOT, requireFrom, stackScripts } from "./platform/node/place.ts";
export {
  type CarriedVariable,
  type ContextVarDefinition,
  carriedVariables,
  currentOwner,
  receiveVariables,
  variableOf,
} from "./scheduling/context.ts";
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
} from "./scheduling/events.ts";
export { followSignal } from "./task/abort.ts";
export { CANCELLED, FAILED, FINISHED, PENDING } from "./task/future.ts";
export { starterOf } from "./task/startable.ts";
