/**
 * This is the event loop, as asyncio's: it schedules callbacks, timers and tasks on top of Node's own loop. The
 * order is the pump's; this file is the interface.
 */

import { got, isInstance, RuntimeError, shown } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { DeadlockError } from "../errors/waiterrors.ts";
import type { AddressInfo, FileHandle, Readable, Socket, Writable } from "../io/builtins.ts";
import type { ConnectAcceptedSocketOptions, CreateConnectionOptions } from "../io/connections.ts";
import type { DatagramEndpointOptions, DatagramProtocol, DatagramTransport } from "../io/datagrams.ts";
import type { GetaddrinfoOptions } from "../io/names.ts";
import type {
  ReadPipeProtocol,
  ReadPipeTransport,
  WritePipeProtocol,
  WritePipeTransport,
} from "../io/pipes.ts";
import type { SendfileOptions } from "../io/sendfile.ts";
import type { CreateServerOptions, Server } from "../io/server.ts";
import type { SubprocessProtocol, SubprocessProtocolOptions, SubprocessTransport } from "../io/subprocess.ts";
import type { StartTlsOptions } from "../io/tls.ts";
import type { Protocol, Transport } from "../io/transport.ts";
import { inspect, types } from "../platform/node/inspect.ts";
import { type Clock, checkedClock, milliseconds, monotonicClock } from "../scheduling/clock.ts";
import { type Context, checkContext } from "../scheduling/context.ts";
import {
  debugging,
  describeStuck,
  linesOf,
  rememberOrigin,
  warnSlow,
  withOrigin,
} from "../scheduling/debug.ts";
import {
  type ExceptionContext,
  type FailedFuture,
  type Outcome,
  type Runnable,
  STEPPED,
  type StepObserver,
} from "../scheduling/events.ts";
import { type Callback, type CallbackOptions, contextOf, Handle, TimerHandle } from "../scheduling/handle.ts";
import { Pump } from "../scheduling/pump.ts";
import { settleWith } from "../scheduling/thenable.ts";
import { checkAbortSignal, linkSignal } from "../task/abort.ts";
import type { Startable } from "../task/coroutine.ts";
import { adopt, Future } from "../task/future.ts";
import { checkCallback, discard, discardOnError, starterOf } from "../task/startable.ts";
import type { TaskOptions } from "../task/task.ts";
import { Task } from "../task/task.ts";
import { UnretrievedErrors } from "../task/unretrieved.ts";
import type { DefaultExecutor, Executor } from "./defaultexecutor.ts";
import { type LoopParts, loopPart, loopPartOrNull } from "./loopparts.ts";
import { checkSignal, type SignalHandlers } from "./signalhandlers.ts";

/** Is told of what nobody else can be told: a callback that threw, an error that nobody looked at. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** Makes the tasks of a loop, instead of `new Task`. */
export type TaskFactory = <T>(
  loop: EventLoop,
  startable: Startable<T>,
  options: CreateTaskOptions,
) => Task<T>;

/** What `createTask` takes beside what to run. */
export interface CreateTaskOptions extends TaskOptions {
  /** Cancels the task when it aborts; the reason is the CancelledError's cause. */
  signal?: AbortSignal;
}

/** How a loop is made. */
export interface EventLoopOptions {
  /** Where the time comes from; default the process's monotonic clock. */
  clock?: Clock;
}

/**
 * A task factory that runs the first step of each task at once, as `asyncio.eager_task_factory`; `eagerStart: false`
 * opts out. Await `task.started` before relying on what the first step did.
 *
 * @example
 * ```ts
 * import { createTask, eagerTaskFactory, getRunningLoop, run } from "threadloop";
 *
 * await run(async () => {
 *   getRunningLoop().setTaskFactory(eagerTaskFactory);
 *   const steps = ["before"];
 *   const task = createTask(async () => void steps.push("first step"));
 *   await task.started;
 *   console.log(steps.join(", ")); // before, first step
 * });
 * ```
 */
export const eagerTaskFactory: TaskFactory = (loop, startable, options) =>
  new Task(loop, startable, options, options.eagerStart !== false && loop.isRunning());

/** What a task factory of the program's gave. */
function made<T>(task: Task<T>): Task<T> {
  if (isInstance(task, Future)) return task;
  throw new TypeError(`Expected the task factory to give a Task, got ${got(task)}`);
}

const LOOP_OPTIONS = optionNames<EventLoopOptions>({ clock: true });
const NO_OPTIONS: CreateTaskOptions = Object.freeze({});
const TASK_OPTIONS = optionNames<CreateTaskOptions>({
  name: true,
  context: true,
  eagerStart: true,
  signal: true,
});

/**
 * Runs tasks and callbacks, one at a time, in the order in which they became ready. Programs have one by `run`, and get it
 * by `getRunningLoop`; times are milliseconds of its clock, `time()`.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   loop.callLater(5, () => console.log("later"));
 *   loop.callSoon(() => console.log("soon"));
 *   await sleep(10); // soon, later
 * });
 * ```
 */
export class EventLoop extends Pump {
  /** Milliseconds a callback or a step may take before debug mode reports it; default 100. */
  slowCallbackDuration = 100;
  readonly #unretrieved = new UnretrievedErrors((context) => this.callExceptionHandler(context));
  #signals: SignalHandlers | null = null;
  #executor: DefaultExecutor | null = null;
  /** Its default executor was shut down. */ #isShutDown = false;
  /** @internal Closes the async generators that are to be closed at its end. */
  _closeGenerators: (() => Promise<void>) | null = null;
  #exceptionHandler: ExceptionHandler | null = null;
  #taskFactory: TaskFactory | null = null;
  /** What `runUntilComplete` waits for. */ #until: Future | null = null;
  #debug = process.env.THREADLOOP_DEBUG === "1";
  #observer: StepObserver | null = null;
  /** Debug mode is on, or somebody observes. */ #watched = this.#debug;
  /** Debug mode: when the entry that runs was begun. */ #entryBegan = 0;

  constructor(options: EventLoopOptions = {}) {
    checkOptionNames("EventLoop", options, LOOP_OPTIONS);
    super(options.clock === undefined ? monotonicClock : checkedClock(options.clock));
  }

  /**
   * Calls a function in the next iteration, after all that is ready already; with options before the function, in the
   * context that they name.
   *
   * @example
   * ```ts
   * import { ContextVar, copyContext, getRunningLoop, run, sleep } from "threadloop";
   *
   * const user = new ContextVar("user", { default: "nobody" });
   * const context = copyContext();
   * context.run(() => user.set("ada"));
   * await run(async () => {
   *   getRunningLoop().callSoon({ context }, (greeting) => console.log(greeting, user.get()), "hello"); // hello ada
   *   await sleep(1);
   * });
   * ```
   */
  callSoon<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle;
  callSoon<A extends unknown[]>(
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): Handle;
  callSoon(first: Callback | CallbackOptions, ...args: unknown[]): Handle {
    if (typeof first === "function") return this.#schedule(first, args, undefined);
    const context = contextOf(first, args);
    return this.#schedule(context === undefined ? first : args.shift(), args, context);
  }

  #schedule(callback: unknown, args: unknown[], context: Context | undefined): Handle {
    this.#check(callback, "callSoon");
    const handle = new Handle(this, callback as Callback, args, context);
    this._push(handle);
    return handle;
  }

  /** The same as `callSoon`: code of one thread is never interrupted, and another thread reaches it by a message. */
  callSoonThreadsafe<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle;
  callSoonThreadsafe<A extends unknown[]>(
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): Handle;
  callSoonThreadsafe(first: Callback | CallbackOptions, ...args: unknown[]): Handle {
    return this.callSoon(first as Callback, ...args);
  }

  /**
   * Calls a function after so many milliseconds; equal deadlines first-in first-out. 0 or less is the next iteration.
   * Options may stand before the function, as for `callSoon`.
   */
  callLater<A extends unknown[]>(delay: number, callback: (...args: A) => unknown, ...args: A): TimerHandle;
  callLater<A extends unknown[]>(
    delay: number,
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle;
  callLater(delay: number, first: Callback | CallbackOptions, ...args: unknown[]): TimerHandle {
    return this.callAt(this.time() + milliseconds(delay, "delay"), first as Callback, ...args);
  }

  /** Calls a function when `loop.time()` has reached `when`, in milliseconds. Options may stand before the function. */
  callAt<A extends unknown[]>(when: number, callback: (...args: A) => unknown, ...args: A): TimerHandle;
  callAt<A extends unknown[]>(
    when: number,
    options: CallbackOptions,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle;
  callAt(when: number, first: Callback | CallbackOptions, ...args: unknown[]): TimerHandle {
    const context = contextOf(first, args);
    const callback = context === undefined ? first : args.shift();
    this.#check(callback, "callAt");
    const deadline = milliseconds(when, "when");
    const handle = new TimerHandle(this, deadline, callback as Callback, args, context);
    this._pushTimer(handle, deadline);
    return handle;
  }

  /** Makes a pending future of this loop. */
  createFuture<T = unknown>(): Future<T> {
    return new Future<T>(this);
  }

  /**
   * Schedules a coroutine: its first step runs in the next iteration, in the order of creation. Throws TypeError when
   * given a promise, which has started already, and RuntimeError when the loop is closed.
   */
  createTask<T>(startable: Startable<T>, options: CreateTaskOptions = NO_OPTIONS): Task<T> {
    if (this.isClosed()) discard(startable);
    this._checkClosed();
    starterOf(startable, "createTask");
    // A factory of the program's may know more of them.
    const factory = this.#taskFactory;
    if (options !== NO_OPTIONS && (factory === null || factory === eagerTaskFactory))
      checkTaskOptions(startable, options);
    if (options.signal !== undefined || options.context !== undefined) checkOptions(startable, options);
    const task =
      factory !== null
        ? discardOnError(startable, () =>
            made(factory(this, startable, options === NO_OPTIONS ? {} : options)),
          )
        : new Task(this, startable, options, options.eagerStart === true && this.isRunning());
    if (options.signal !== undefined) linkSignal(task, options.signal);
    return task;
  }

  /** Returns its tasks that are not done, in the order of creation. */
  allTasks(): Task[] {
    return [...this._tasks] as unknown[] as Task[];
  }

  /** Replaces how tasks are made; null goes back to the default. `createTask` throws TypeError when it gives no task. */
  setTaskFactory(factory: TaskFactory | null): void {
    if (factory !== null && typeof factory !== "function") {
      throw new TypeError(`Expected \`factory\` to be a function or null, got ${got(factory)}`);
    }
    this.#taskFactory = factory;
  }

  /** Returns the task factory, or null for the default. */
  getTaskFactory(): TaskFactory | null {
    return this.#taskFactory;
  }

  /**
   * Calls a function, as a callback of the loop, each time the process gets a signal; it replaces the one that was
   * added before. While SIGINT has one, Ctrl-C does not cancel the main task. Signals reach the main thread only.
   *
   * Throws RangeError when there is no such signal, RuntimeError when it cannot be caught (SIGKILL, SIGSTOP).
   *
   * @example
   * ```ts
   * import { Event, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const stop = new Event();
   *   getRunningLoop().addSignalHandler("SIGTERM", () => stop.set());
   *   process.kill(process.pid, "SIGTERM");
   *   await stop.wait();
   *   console.log("stopped");
   * });
   * ```
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => unknown,
    ...args: A
  ): void {
    this.#check(callback, "addSignalHandler");
    if (this.#signals === null) {
      const Signals = loopPart("SignalHandlers");
      this.#signals = new Signals(this, this.isRunning());
    }
    this.#signals.add(signal, new Handle(this, callback as Callback, args));
  }

  /** Gives a signal back to whom it belonged before; returns false when the loop had no handler for it. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    checkSignal(signal);
    return this.#signals?.remove(signal) ?? false;
  }

  override async runForever(): Promise<void> {
    this.#signals?.setRunning(true);
    try {
      await super.runForever();
    } finally {
      this.#signals?.setRunning(this.isRunning());
    }
  }

  /**
   * Runs until the coroutine or future is done and returns its result, or throws what it failed with. A future or job
   * that was made while no loop ran becomes one of this loop. Throws RuntimeError when a loop of this thread runs, and
   * the coroutine then never starts, or when the loop is stopped before the end; RangeError for a future of another
   * loop; DeadlockError when nothing is left that could ever wake it.
   */
  async runUntilComplete<T>(main: Startable<T> | Future<T>): Promise<T> {
    discardOnError(main, () => this._checkCanRun());
    const future = main instanceof Future ? main : this.createTask(main);
    if (!adopt(future, this))
      throw new RangeError(`Expected a future of this loop, got ${shown(future)} of another one`);
    const stop = () => this.stop();
    const stopping = future._listen(stop);
    this.#until = future as Future;
    try {
      await this.runForever();
    } finally {
      this.#until = null;
      future._removeCallback(stopping);
    }
    if (!future.done()) throw new RuntimeError("Event loop stopped before Future completed");
    return future.result();
  }

  /** Closes the loop and reports the errors nobody looked at. What is scheduled is dropped; twice is fine. */
  override close(): void {
    if (this.isClosed()) return;
    super.close();
    for (const task of this._tasks)
      this._reportOf(task, { message: "Task was destroyed but it is pending!", task });
    this.#signals?.clear();
    for (const release of [...this._atClose])
      this.#closing("What the loop holds failed to be released", release);
    this.#unretrieved.reportAll();
    this.#closing("The default executor failed to close", () => this.#executor?.close());
  }

  /** Does a part of the close; what it throws, or what its promise rejects with, is told, and the close goes on. */
  #closing(message: string, close: () => unknown): void {
    const failed = (exception: unknown) => this.callExceptionHandler({ message, exception });
    try {
      settleWith(close(), () => {}, failed);
    } catch (exception) {
      failed(exception);
    }
  }

  /**
   * Runs a function in an executor and returns its Future; null is the default executor, made at first use. Cancelling
   * the future cancels the job. Throws RuntimeError after `shutdownDefaultExecutor`.
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | null,
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>> {
    this._checkClosed();
    return (executor ?? this.#ownExecutor().get()).submit(fn, ...args);
  }

  /** Sets what `runInExecutor(null, ...)` uses. */
  setDefaultExecutor(executor: Executor): void {
    this.#ownExecutor().set(executor);
  }

  #ownExecutor(): DefaultExecutor {
    if (this.#executor === null) {
      const Made = loopPart("DefaultExecutor");
      this.#executor = new Made(this.#isShutDown);
    }
    return this.#executor;
  }

  /** Closes the default executor and waits until its jobs are done, at most `timeout` milliseconds (default: no limit). */
  async shutdownDefaultExecutor(timeout: number | null = null): Promise<void> {
    this.#isShutDown = true;
    await this.#executor?.shutdown(timeout);
  }

  /** Closes the async generators that were given to `trackAsyncGenerator`, at the same time; `run` does it at its end. */
  async shutdownAsyncgens(): Promise<void> {
    await this._closeGenerators?.();
  }

  /**
   * Looks up the addresses of a host by the system's own resolver, in the order in which it gives them; each comes with
   * the port, as a socket's address does. Cancelling ends the wait at once.
   *
   * Throws Node's error when there is none: its `code` is ENOTFOUND, EAI_AGAIN and so on.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [found] = await getRunningLoop().getaddrinfo("localhost", 80, { family: 4 });
   *   console.log(found); // { address: '127.0.0.1', family: 'IPv4', port: 80 }
   * });
   * ```
   */
  getaddrinfo(host: string, port: number, options: GetaddrinfoOptions = {}): Future<AddressInfo[]> {
    return this.#io().getaddrinfo(this, host, port, options);
  }

  /**
   * Looks up the name of the host at an IP address, and that of the service at a port. Cancelling ends the wait at once.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [host, service] = await getRunningLoop().getnameinfo("127.0.0.1", 80);
   *   console.log(host, service);
   * });
   * ```
   */
  getnameinfo(address: string, port: number): Future<[host: string, service: string]> {
    return this.#io().getnameinfo(this, address, port);
  }

  /**
   * Opens a socket for datagrams and returns its transport and the protocol that the factory made for it, once that was
   * told that the connection is made. What is open when the loop closes is closed with it.
   *
   * The methods of the protocol run as callbacks of the loop, in the order of the events and with the context variables
   * of the caller; what one throws goes to the exception handler. Throws Node's error (code EADDRINUSE and so on) when no
   * socket can be opened. When it is cancelled, none is left open.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run, type DatagramTransport } from "threadloop";
   *
   * class Echo {
   *   transport!: DatagramTransport;
   *   connectionMade(transport: DatagramTransport) {
   *     this.transport = transport;
   *   }
   *   datagramReceived(data: Buffer, address: { address: string; port: number }) {
   *     this.transport.sendTo(data, address);
   *   }
   * }
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const localAddress = { address: "127.0.0.1", port: 0 };
   *   const [server] = await loop.createDatagramEndpoint(() => new Echo(), { localAddress });
   *
   *   const answer = new Future<Buffer>();
   *   const client = { datagramReceived: (data: Buffer) => answer.setResult(data) };
   *   const remoteAddress = server.getExtraInfo("sockname");
   *   const [transport] = await loop.createDatagramEndpoint(() => client, { remoteAddress });
   *   transport.sendTo("hello");
   *   console.log(String(await answer)); // hello
   * });
   * ```
   */
  async createDatagramEndpoint<P extends DatagramProtocol>(
    protocolFactory: () => P,
    options: DatagramEndpointOptions = {},
  ): Promise<[transport: DatagramTransport, protocol: P]> {
    return await this.#io().createDatagramEndpoint(this, protocolFactory, options);
  }

  /**
   * Connects to a host and port and returns the transport, and the protocol that the factory made for it, once that was
   * told that the connection is made. `openConnection` gives a reader and a writer instead. What is open when the loop
   * closes is closed with it.
   *
   * Throws Node's error when it cannot connect (code ECONNREFUSED, ENOTFOUND and so on). When it is cancelled, the attempt
   * is given up.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run, startServer } from "threadloop";
   *
   * await run(async () => {
   *   const server = await startServer(async (_reader, writer) => writer.write("welcome"), { host: "127.0.0.1", port: 0 });
   *   const over = new Future<string>();
   *   let text = "";
   *   const protocol = {
   *     dataReceived: (data: Buffer) => { text += data; },
   *     connectionLost: () => over.setResult(text),
   *   };
   *   await getRunningLoop().createConnection(() => protocol, "127.0.0.1", server.port);
   *   console.log(await over); // welcome
   *   server.close();
   * });
   * ```
   */
  async createConnection<P extends Protocol>(
    protocolFactory: () => P,
    host: string,
    port: number,
    options: CreateConnectionOptions = {},
  ): Promise<[transport: Transport, protocol: P]> {
    return await this.#io().createConnection(this, protocolFactory, host, port, options);
  }

  /**
   * Connects to the Unix socket (on Windows: named pipe) of a path, as `createConnection` does to a host. With `tls` the
   * `servername` is up to you.
   *
   * Throws Node's error when it cannot connect: its `code` is ENOENT, ECONNREFUSED and so on. When it is cancelled, the
   * attempt is given up.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const connecting = getRunningLoop().createUnixConnection(() => ({}), "/run/nobody/is/there");
   *   await connecting.catch((error) => console.log(error.code)); // ENOENT
   * });
   * ```
   */
  async createUnixConnection<P extends Protocol>(
    protocolFactory: () => P,
    path: string,
    options: Pick<CreateConnectionOptions, "tls"> = {},
  ): Promise<[transport: Transport, protocol: P]> {
    return await this.#io().createUnixConnection(this, protocolFactory, path, options);
  }

  /**
   * Serves each client with a protocol of its own, and returns the server, which listens by then. `startServer` gives
   * each client a reader and a writer instead. Port 0 takes a free one: see `server.port`.
   *
   * The factory and the methods of the protocols run as callbacks of the loop, with the context variables of the caller.
   * When the factory throws, the exception handler is told and that client's connection is closed. Throws Node's error
   * (code EADDRINUSE and so on) when it cannot listen. When it is cancelled, it listens nowhere.
   *
   * @example
   * ```ts
   * import { getRunningLoop, openConnection, run, type Transport } from "threadloop";
   *
   * class Echo {
   *   transport!: Transport;
   *   connectionMade(transport: Transport) {
   *     this.transport = transport;
   *   }
   *   dataReceived(data: Buffer) {
   *     this.transport.write(data);
   *   }
   * }
   *
   * await run(async () => {
   *   const server = await getRunningLoop().createServer(() => new Echo(), { host: "127.0.0.1", port: 0 });
   *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
   *   writer.write("hello\n");
   *   console.log(String(await reader.readLine()).trim()); // hello
   *   writer.close();
   *   server.close();
   *   await server.waitClosed();
   * });
   * ```
   */
  async createServer(protocolFactory: () => Protocol, options: CreateServerOptions): Promise<Server<this>> {
    return await this.#io().createServer(this, protocolFactory, options);
  }

  /**
   * Serves at the Unix socket (on Windows: named pipe) of a path, as `createServer` does at a port. The file of the socket
   * is removed when the server is closed; one that was left there is not: that throws Node's error (code EADDRINUSE).
   *
   * @example
   * ```ts
   * import { mkdtempSync, rmdirSync } from "node:fs";
   * import { tmpdir } from "node:os";
   * import { join } from "node:path";
   * import { Event, getRunningLoop, run, type Transport } from "threadloop";
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const folder = mkdtempSync(join(tmpdir(), "example-"));
   *   const path = process.platform === "win32" ? join("\\\\.\\pipe", folder) : join(folder, "socket");
   *   const greeter = { connectionMade: (transport: Transport) => transport.write("welcome") };
   *   const server = await loop.createUnixServer(() => greeter, path);
   *
   *   const greeted = new Event();
   *   const client = {
   *     dataReceived(data: Buffer) {
   *       console.log(String(data)); // welcome
   *       greeted.set();
   *     },
   *   };
   *   const [transport] = await loop.createUnixConnection(() => client, path);
   *   await greeted.wait();
   *   transport.close();
   *   server.close();
   *   await server.waitClosed();
   *   rmdirSync(folder);
   * });
   * ```
   */
  async createUnixServer(
    protocolFactory: () => Protocol,
    path: string,
    options: Omit<CreateServerOptions, "host" | "path" | "port"> = {},
  ): Promise<Server<this>> {
    return await this.#io().createUnixServer(this, protocolFactory, path, options);
  }

  /**
   * Takes over a connection that something else has accepted, a server of Node's for instance, and returns the
   * transport and the protocol as `createConnection` does. It is closed with the loop.
   *
   * However it fails, also when it is cancelled, the socket is closed. Throws the error of the handshake with `tls`.
   *
   * @example
   * ```ts
   * import { once } from "node:events";
   * import { createServer, type Socket } from "node:net";
   * import { getRunningLoop, openConnection, run } from "threadloop";
   *
   * await run(async () => {
   *   const listener = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
   *   await once(listener, "listening");
   *   const { port } = listener.address() as { port: number };
   *   const accepted = once(listener, "connection") as Promise<[Socket]>;
   *   const { reader } = await openConnection({ host: "127.0.0.1", port });
   *   const [socket] = await accepted;
   *   const [transport] = await getRunningLoop().connectAcceptedSocket(() => ({}), socket);
   *   transport.write("welcome");
   *   transport.close();
   *   console.log(String(await reader.read())); // welcome
   *   listener.close();
   * });
   * ```
   */
  async connectAcceptedSocket<P extends Protocol>(
    protocolFactory: () => P,
    socket: Socket,
    options: ConnectAcceptedSocketOptions = {},
  ): Promise<[transport: Transport, protocol: P]> {
    return await this.#io().connectAcceptedSocket(this, protocolFactory, socket, options);
  }

  /**
   * Makes the connection of a transport a TLS connection, and returns the transport that takes its place; the old one is
   * of no use from the call on. The protocol may be another one than before; it is told of what comes, and of the end,
   * but not again that the connection is made.
   *
   * Throws the error of the handshake, and RuntimeError when the transport is closing. When the handshake fails or is
   * cancelled, the connection is lost, which the protocol is told.
   *
   * @example
   * ```ts
   * import { Event, getRunningLoop, run, startServer } from "threadloop";
   *
   * await run(async () => {
   *   const psk = Buffer.from("known to both, in place of a cert");
   *   const options = { ciphers: "PSK", maxVersion: "TLSv1.2" } as const;
   *   const server = await startServer(async (_reader, writer) => {
   *     await writer.startTls({ ...options, pskCallback: () => psk as never });
   *     writer.write("a secret");
   *   }, { host: "127.0.0.1", port: 0 });
   *   const loop = getRunningLoop();
   *   const over = new Event();
   *   const protocol = {
   *     dataReceived: (data: Buffer) => console.log(String(data)), // a secret
   *     connectionLost: () => over.set(),
   *   };
   *   const [bare] = await loop.createConnection(() => protocol, "127.0.0.1", server.port);
   *   const pskCallback = () => ({ psk, identity: "me" });
   *   await loop.startTls(bare, protocol, { ...options, pskCallback, checkServerIdentity: () => undefined });
   *   await over.wait();
   *   server.close();
   * });
   * ```
   */
  async startTls(
    transport: Transport,
    protocol: Protocol,
    options: StartTlsOptions = {},
  ): Promise<Transport> {
    return await this.#io().startTls(this, transport, protocol, options);
  }

  /**
   * Sends a file, from `offset` on and at most `count` bytes, and returns how many it sent. Meanwhile the protocol is told
   * nothing of what comes, as reading is paused, and a slow receiver holds up the reading of the file. The position of the
   * file stays where it is.
   *
   * Node has no sendfile of the system: the bytes go through memory, and with `fallback: false` it throws
   * SendfileNotAvailableError. Throws RuntimeError when the transport is closing, and an error with the code ECONNRESET,
   * or what broke the connection, when that ends within. When it is cancelled, what was sent until then is sent.
   *
   * @example
   * ```ts
   * import { open } from "node:fs/promises";
   * import { getRunningLoop, openConnection, run, type Transport } from "threadloop";
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const send = async (transport: Transport) => {
   *     const file = await open("LICENSE");
   *     await loop.sendfile(transport, file, { count: 11 });
   *     await file.close();
   *     transport.close();
   *   };
   *   const server = await loop.createServer(() => ({ connectionMade: send }), { host: "127.0.0.1", port: 0 });
   *   const { reader } = await openConnection({ host: "127.0.0.1", port: server.port });
   *   console.log(String(await reader.read())); // MIT License
   *   server.close();
   * });
   * ```
   */
  async sendfile(transport: Transport, file: FileHandle, options: SendfileOptions = {}): Promise<number> {
    return await this.#io().sendfile(this, transport, file, options);
  }

  /**
   * Starts a program, without a shell, for a protocol, and returns its transport, and the protocol that the factory made,
   * once that was told that the connection is made. `createSubprocess` gives streams instead. As in asyncio its input and
   * outputs are pipes unless the options say otherwise. `connectionLost` comes after the process has ended and all of its
   * pipes are closed.
   *
   * Throws Node's error when it cannot be started (code ENOENT, EACCES). When it is cancelled, the program is
   * killed, and its end waited for. A process that still runs when the loop closes is killed, unless it was started with
   * `detached`.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<string>();
   *   let text = "";
   *   const protocol = {
   *     pipeDataReceived: (_fd: number, data: Buffer) => { text += data; },
   *     connectionLost: () => over.setResult(text),
   *   };
   *   const [transport] = await getRunningLoop().subprocessExec(() => protocol, "tr", ["a-z", "A-Z"]);
   *   const stdin = transport.getPipeTransport(0);
   *   stdin?.write("hello");
   *   stdin?.close();
   *   console.log(await over, transport.getReturncode()); // HELLO 0
   * });
   * ```
   */
  async subprocessExec<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    command: string,
    args: readonly string[] = [],
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    return await this.#io().subprocessExec(this, protocolFactory, command, args, options);
  }

  /**
   * Runs a command line in the shell (`/bin/sh`, or `cmd.exe` on Windows), otherwise as `subprocessExec` does. What comes
   * from elsewhere must be quoted by the caller: better give it to `subprocessExec` as an argument.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<void>();
   *   const protocol = {
   *     pipeDataReceived: (fd: number, data: Buffer) => console.log(fd, String(data).trim()),
   *     connectionLost: () => over.setResult(),
   *   };
   *   await getRunningLoop().subprocessShell(() => protocol, "echo oh >&2"); // 2 oh
   *   await over;
   * });
   * ```
   */
  async subprocessShell<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    commandLine: string,
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    return await this.#io().subprocessShell(this, protocolFactory, commandLine, options);
  }

  /**
   * Has a protocol told what comes from a readable stream of Node's, and returns the transport, and the protocol that the
   * factory made, once that was told that the connection is made. The function `connectReadPipe` gives a reader instead.
   * The stream is closed at its end, or by the transport; when the loop closes before, it is paused and let go.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { createReadStream } from "node:fs";
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<number>();
   *   let size = 0;
   *   const protocol = {
   *     dataReceived: (data: Buffer) => { size += data.length; },
   *     connectionLost: () => over.setResult(size),
   *   };
   *   await getRunningLoop().connectReadPipe(() => protocol, createReadStream("package.json"));
   *   console.log((await over) > 0); // true
   * });
   * ```
   */
  async connectReadPipe<P extends ReadPipeProtocol>(
    protocolFactory: () => P,
    source: Readable,
  ): Promise<[transport: ReadPipeTransport, protocol: P]> {
    return await this.#io().connectReadPipe(this, protocolFactory, source);
  }

  /**
   * Gives a writable stream of Node's a transport and a protocol, and returns both once the protocol was told that the
   * connection is made. The function `connectWritePipe` gives a writer instead. The transport's `close` closes the stream;
   * the loop does not close it at its end.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [transport] = await getRunningLoop().connectWritePipe(() => ({}), process.stdout);
   *   transport.write("progress\n"); // progress
   * });
   * ```
   */
  async connectWritePipe<P extends WritePipeProtocol>(
    protocolFactory: () => P,
    target: Writable,
  ): Promise<[transport: WritePipeTransport, protocol: P]> {
    return await this.#io().connectWritePipe(this, protocolFactory, target);
  }

  /** Sets who is told of errors that nobody else can be told of; null goes back to the default, which prints them. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(`Expected \`handler\` to be a function or null, got ${got(handler)}`);
    }
    this.#exceptionHandler = handler;
  }

  /** Returns the exception handler, or null for the default. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  /** Prints the error and what it happened in. */
  defaultExceptionHandler(context: ExceptionContext): void {
    const { message, exception, ...details } = context;
    const lines = Object.entries(details).map(
      ([key, value]) => `${key}: ${typeof value === "string" ? value : shown(value, { depth: 0 })}`,
    );
    if ("exception" in context) lines.push(shown(exception));
    console.error([message, ...lines].join("\n"));
  }

  /**
   * Tells the exception handler, in the context of what it is about. One that throws, or whose promise rejects, is told
   * to the default one. Never throws, as there is nobody left who could be told.
   */
  callExceptionHandler(context: ExceptionContext): void {
    const handler = this.#exceptionHandler;
    if (handler === null) {
      this.#printSafely(context);
      return;
    }
    const failed = (exception: unknown) =>
      this.#printSafely({ message: "Unhandled error in exception handler", exception, context });
    try {
      const owner = [context.task, context.future, context.handle].find(
        (it) => isInstance(it, Task) || isInstance(it, Handle),
      ) as Task | Handle | undefined;
      const call = (): unknown => handler(this, context);
      const result = owner === undefined ? call() : owner.getContext().run(call);
      if (types.isPromise(result)) settleWith(result, () => {}, failed);
    } catch (exception) {
      failed(exception);
    }
  }

  /** Prints it by the default handler, which a subclass may have replaced; where that fails, in the plainest way. */
  #printSafely(context: ExceptionContext): void {
    try {
      this.defaultExceptionHandler(context);
    } catch (exception) {
      printPlainly(`Exception in default exception handler\n${shown(exception)}\nwhile telling of:`, context);
    }
  }

  /** Tells whether debug mode is on. */
  getDebug(): boolean {
    return this.#debug;
  }

  /**
   * Turns debug mode on or off. It keeps where tasks were made and awaited and who cancelled them, and emits a process
   * warning for a callback or step longer than `slowCallbackDuration`, a cancel that was swallowed, and a cancel that
   * came late because the task awaited a promise that is not the runtime's.
   */
  setDebug(enabled: boolean): void {
    if (!this.#watched) this.#entryBegan = this.time(); // the step that turns it on is timed from here
    this.#debug = enabled;
    if (enabled) debugging.everOn = true;
    this.#watched = enabled || this.#observer !== null;
  }

  [inspect.custom](): string {
    const state = this.isClosed() ? "closed" : this.isRunning() ? "running" : "stopped";
    return `<EventLoop ${state}, ${this._tasks.size} tasks${this.#debug ? ", debug" : ""}>`;
  }

  /** @internal Has every entry that runs told, from now on; null ends that. */
  _observe(observer: StepObserver | null): void {
    this.#observer = observer;
    this.#watched = this.#debug || observer !== null;
  }

  /** @internal */ override _runEntry(entry: Runnable): Outcome {
    if (!this.#watched) return entry._run(this);
    this.#entryBegan = this.time();
    this.#observer?.began();
    const outcome = entry._run(this);
    if (outcome !== STEPPED) this._stepEnded(entry);
    return outcome;
  }

  /** @internal */ override _stepEnded(entry: Runnable): void {
    if (!this.#watched) return;
    this.#observer?.ended(entry);
    const took = this.time() - this.#entryBegan;
    if (this.#debug && took >= this.slowCallbackDuration) warnSlow(entry, took);
  }

  /** @internal */ _rememberOrigin(made: object): void {
    rememberOrigin(made);
  }

  /** @internal */ _reportOf(made: object, context: ExceptionContext): void {
    this.callExceptionHandler(withOrigin(context, made));
  }

  /** @internal */ _keepUnretrieved(future: FailedFuture, keep: boolean): void {
    if (keep) this.#unretrieved.keep(future);
    else this.#unretrieved.forget(future);
  }

  /** @internal Reports the error of a future at once, if nobody has looked at it. */
  _reportUnretrieved(future: FailedFuture): void {
    this.#unretrieved.report(future);
  }

  /** @internal Says what its tasks wait on, or nothing when there are none. */
  _describeTasks(): string {
    if (this._tasks.size === 0) return "";
    const describe = loopPartOrNull("describeTasks");
    return describe === null ? `its tasks:${linesOf(this._tasks)}` : describe(this);
  }

  /** @internal */ _stuck(): Error | null {
    if (this._tasks.size === 0 && this.#until === null) return null;
    const until = this.#until === null || this.#until._isTask ? [] : [this.#until];
    return new DeadlockError(describeStuck([...this._tasks, ...until]));
  }

  #io(): LoopParts["io"] {
    this._checkClosed();
    return loopPart("io");
  }

  #check(callback: unknown, method: string): void {
    this._checkClosed();
    checkCallback(callback, method);
  }
}

/** Throws TypeError when one of them is none, before anything is made. */
function checkOptions(startable: unknown, { signal, context }: CreateTaskOptions): void {
  discardOnError(startable, () => {
    if (signal !== undefined) checkAbortSignal(signal);
    if (context !== undefined) checkContext(context);
  });
}

/** Cheap, as it comes with every task that has a name. */
function checkTaskOptions(startable: Startable<unknown>, options: CreateTaskOptions): void {
  try {
    checkOptionNames("createTask", options, TASK_OPTIONS);
  } catch (error) {
    discard(startable);
    throw error;
  }
}

/** For what could not be told in any other way: by a stream of Node's, as `console.error` may be what fails. */
function printPlainly(message: string, context: ExceptionContext): void {
  try {
    process.stderr.write(`${message}\n${shown(context)}\n`);
  } catch {
    // there is nothing left by which it could be told
  }
}
