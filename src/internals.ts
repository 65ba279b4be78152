/** What only `workers/` uses of the runtime: not of the package's interface. */
export { awaitingTasks } from "./callgraph.ts";
export { starterOf } from "./coroutine.ts";
export { CancelReason, cancelledError, got } from "./errors.ts";
export {
  type AbstractEventLoop,
  inRootContext,
  type Outcome,
  type Runnable,
  runningLoopOrNull,
  type StepObserver,
} from "./events.ts";
export { setDefaultExecutorFactory } from "./executor.ts";
export { CANCELLED, FAILED, FINISHED, PENDING } from "./states.ts";
export { reportTasks, type TaskReport, taskId } from "./taskreport.ts";
