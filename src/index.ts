/** This is all that the package exports of the runtime, by what it is for. What `workers/` uses beside it is `core`. */

// Running a program
export { Runner, type RunOptions, run } from "./run/runner.ts";
export { KeyboardInterrupt, SignalInterrupt } from "./errors/interrupts.ts";

// Tasks and futures
export { createTask } from "./combine/ensure.ts";
export { type AsTaskOptions, asTask } from "./combine/astask.ts";
export { Coroutine, coroutine, isCoroutine, isCoroutineFunction, type Startable } from "./task/coroutine.ts";
export { Task, type TaskOptions } from "./task/task.ts";
export { Future } from "./task/future.ts";
export { type Awaitable, ensureFuture, isFuture, type ResultOf, wrapPromise } from "./combine/ensure.ts";
export { runCoroutineThreadsafe, wrapFuture } from "./combine/chain.ts";
export { allTasks, currentTask } from "./loop/currentloop.ts";

// Waiting
export { sleep } from "./combine/sleep.ts";
export { type GatherOptions, gather } from "./combine/gather.ts";
export {
  type AsCompletedOptions,
  asCompleted,
  type ReturnWhen,
  type WaitOptions,
  wait,
} from "./combine/wait.ts";
export { any, race } from "./combine/wait.ts";
export { type StaggeredRace, staggeredRace } from "./combine/staggered.ts";
export { shield } from "./combine/shield.ts";
export { moveOnAfter, Timeout, timeout, timeoutAt, waitFor } from "./combine/timeout.ts";
export { TaskGroup, taskGroup } from "./combine/taskgroup.ts";

// Between tasks
export { Lock, type Lockable } from "./sync/lock.ts";
export { Event } from "./sync/event.ts";
export { Condition } from "./sync/condition.ts";
export { BoundedSemaphore, Semaphore } from "./sync/semaphore.ts";
export { Barrier } from "./sync/barrier.ts";
export { LifoQueue, PriorityQueue, Queue } from "./sync/queues.ts";
export { Context, ContextVar, copyContext, type Token } from "./scheduling/context.ts";

// Streams and processes
export { type Connection, type OpenConnectionOptions, openConnection } from "./streams/connect.ts";
export { type ClientHandler, type StartServerOptions, startServer } from "./streams/connect.ts";
export { type CreateServerOptions, Server } from "./io/server.ts";
export { StreamReader, type StreamReaderOptions } from "./streams/reader.ts";
export { type ExtraInfo, StreamWriter } from "./streams/writer.ts";
export type { TlsUpgradeOptions } from "./io/tls.ts";
export { connectReadPipe, connectWritePipe } from "./streams/connect.ts";
export {
  createSubprocess,
  createSubprocessShell,
  Process,
  type SubprocessOptions,
} from "./streams/process.ts";
export type { NodeSpawnOptions, Stdio } from "./io/subprocess.ts";

// The loop
export type { GetaddrinfoOptions } from "./io/names.ts";
export type { ConnectAcceptedSocketOptions, CreateConnectionOptions } from "./io/connections.ts";
export type { StartTlsOptions } from "./io/tls.ts";
export type { SendfileOptions } from "./io/sendfile.ts";
export { Transport } from "./io/transport.ts";
export type { Protocol, TransportInfo, WriteBufferLimits } from "./io/transport.ts";
export { DatagramTransport } from "./io/datagrams.ts";
export type {
  DatagramAddress,
  DatagramEndpointOptions,
  DatagramInfo,
  DatagramProtocol,
} from "./io/datagrams.ts";
export { SubprocessTransport } from "./io/subprocess.ts";
export type { SubprocessInfo, SubprocessProtocol, SubprocessProtocolOptions } from "./io/subprocess.ts";
export { type PipeInfo, type ReadPipeProtocol, ReadPipeTransport } from "./io/pipes.ts";
export { type WritePipeProtocol, WritePipeTransport } from "./io/pipes.ts";
export { type CreateTaskOptions, EventLoop, type EventLoopOptions, eagerTaskFactory } from "./loop/loop.ts";
export type { ExceptionHandler, TaskFactory } from "./loop/loop.ts";
export type { Executor } from "./loop/defaultexecutor.ts";
export { getEventLoop, getRunningLoop, newEventLoop, setEventLoop } from "./loop/loops.ts";
export { type CallbackOptions, Handle, TimerHandle } from "./scheduling/handle.ts";
export type { ExceptionContext } from "./scheduling/events.ts";
export type { Clock } from "./scheduling/clock.ts";
export { trackAsyncGenerator } from "./loop/generators.ts";

// Looking inside
export {
  captureCallGraph,
  type FutureCallGraph,
  formatCallGraph,
  printCallGraph,
} from "./debug/callgraph.ts";
export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy } from "./debug/awaiters.ts";
export { captureTaskTree, formatTaskTree, printTaskTree, type TaskTree } from "./debug/callgraph.ts";

// Errors
export { CancelledError, InvalidStateError, RuntimeError } from "./errors/errors.ts";
export { DeadlockError, TimeoutError } from "./errors/waiterrors.ts";
export { isCancelled } from "./task/scope.ts";
export { BrokenBarrierError, QueueEmpty, QueueFull, QueueShutDown } from "./errors/syncerrors.ts";
export { IncompleteReadError, LimitOverrunError, SendfileNotAvailableError } from "./errors/ioerrors.ts";
export { type ErrorFilter, ExceptionGroup } from "./errors/exceptiongroup.ts";
