/** Everything of the runtime: what the package exports, and at the end what only `workers/` uses. */

// Running a program
export { Runner, type RunOptions, run } from "./runner.ts";
export { KeyboardInterrupt, SignalInterrupt } from "./signals.ts";

// Tasks and futures
export { createTask } from "./ensure.ts";
export { type AsTaskOptions, asTask } from "./astask.ts";
export { Coroutine, coroutine, isCoroutine, isCoroutineFunction, type Startable } from "./coroutine.ts";
export { Task } from "./task.ts";
export type { TaskOptions } from "./taskoptions.ts";
export { Future } from "./future.ts";
export { type Awaitable, ensureFuture, isFuture, type ResultOf, wrapPromise } from "./ensure.ts";
export { runCoroutineThreadsafe, wrapFuture } from "./chain.ts";
export { allTasks, currentTask } from "./running.ts";

// Waiting
export { sleep } from "./sleep.ts";
export { type GatherOptions, gather } from "./gather.ts";
export { type AsCompletedOptions, asCompleted, type ReturnWhen, type WaitOptions, wait } from "./wait.ts";
export { any, race } from "./wait.ts";
export { type StaggeredRace, staggeredRace } from "./staggered.ts";
export { shield } from "./shield.ts";
export { moveOnAfter, Timeout, timeout, timeoutAt, waitFor } from "./timeout.ts";
export { TaskGroup, taskGroup } from "./taskgroup.ts";

// Between tasks
export { Lock, type Lockable } from "./lock.ts";
export { Event } from "./event.ts";
export { Condition } from "./condition.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { Barrier } from "./barrier.ts";
export { LifoQueue, PriorityQueue, Queue } from "./queues.ts";
export { Context, ContextVar, copyContext, type Token } from "./context.ts";

// Streams and processes
export { type Connection, type OpenConnectionOptions, openConnection } from "./streams/connect.ts";
export { type ClientHandler, type StartServerOptions, startServer } from "./streams/server.ts";
export { type CreateServerOptions, Server } from "./io/server.ts";
export { StreamReader, type StreamReaderOptions } from "./streams/reader.ts";
export { type ExtraInfo, StreamWriter } from "./streams/writer.ts";
export type { TlsUpgradeOptions } from "./io/tls.ts";
export { connectReadPipe, connectWritePipe } from "./streams/pipes.ts";
export { createSubprocess, createSubprocessShell } from "./streams/subprocess.ts";
export type { SubprocessOptions } from "./streams/subprocess.ts";
export type { NodeSpawnOptions, Stdio } from "./io/spawn.ts";
export { Process } from "./streams/process.ts";

// The loop
export type { GetaddrinfoOptions } from "./io/names.ts";
export type { ConnectAcceptedSocketOptions, CreateConnectionOptions } from "./io/connections.ts";
export type { StartTlsOptions } from "./io/starttls.ts";
export type { SendfileOptions } from "./io/sendfile.ts";
export { Transport } from "./io/transport.ts";
export type { Protocol } from "./io/transport.ts";
export type { TransportInfo } from "./io/socketinfo.ts";
export type { WriteBufferLimits } from "./io/writebuffer.ts";
export type { DatagramEndpointOptions } from "./io/datagramendpoint.ts";
export type { DatagramAddress, DatagramInfo, DatagramProtocol } from "./io/datagrams.ts";
export { DatagramTransport } from "./io/datagrams.ts";
export type { SubprocessProtocolOptions } from "./io/opensubprocess.ts";
export type { SubprocessInfo, SubprocessProtocol } from "./io/subprocess.ts";
export { SubprocessTransport } from "./io/subprocess.ts";
export { type PipeInfo, type ReadPipeProtocol, ReadPipeTransport } from "./io/pipes.ts";
export { type WritePipeProtocol, WritePipeTransport } from "./io/writepipe.ts";
export { type CreateTaskOptions, EventLoop, type EventLoopOptions, eagerTaskFactory } from "./loop.ts";
export type { ExceptionHandler, TaskFactory } from "./loop.ts";
export { getEventLoop, getRunningLoop, newEventLoop, setEventLoop } from "./loops.ts";
export { type CallbackOptions, Handle, TimerHandle } from "./handle.ts";
export type { ExceptionContext } from "./events.ts";
export type { Clock } from "./clock.ts";
export type { Executor } from "./executor.ts";
export { trackAsyncGenerator } from "./generators.ts";

// Looking inside
export { captureCallGraph, type FutureCallGraph, formatCallGraph, printCallGraph } from "./callgraph.ts";
export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy } from "./callgraph.ts";
export { captureTaskTree, formatTaskTree, printTaskTree, type TaskTree } from "./callgraph.ts";

// Errors
export {
  CancelledError,
  DeadlockError,
  InvalidStateError,
  RuntimeError,
  TimeoutError,
} from "./errors.ts";
export { isCancelled } from "./scope.ts";
export { BrokenBarrierError, QueueEmpty, QueueFull, QueueShutDown } from "./errors.ts";
export { IncompleteReadError, LimitOverrunError, SendfileNotAvailableError } from "./errors.ts";
export { type ErrorFilter, ExceptionGroup } from "./exceptiongroup.ts";
