/**
 * These are readers and writers of connections, of the clients of a server, and of any stream of Node's, as
 * asyncio's `open_connection`, `start_server`, `connect_read_pipe` and their like.
 */
import { got } from "../errors/errors.ts";
import { checkOwnOptions } from "../errors/misspelt.ts";
import { optionNames } from "../errors/optionnames.ts";
import type {
  ConnectionOptions,
  IpcSocketConnectOpts,
  Readable,
  Socket,
  TcpSocketConnectOpts,
  Writable,
} from "../io/builtins.ts";
import { connectSocket } from "../io/connections.ts";
import { checkSource, checkTarget, ReadPipeTransport, WritePipeTransport } from "../io/pipes.ts";
import { boundHere, tellAtOnce } from "../io/protocolcalls.ts";
import { type Accept, type CreateServerOptions, openServer, type Server } from "../io/server.ts";
import { Transport } from "../io/transport.ts";
import { runningEventLoop } from "../loop/currentloop.ts";
import type { EventLoop } from "../loop/loop.ts";
import { isCancelled } from "../task/scope.ts";
import { StreamProtocol } from "./protocol.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** Where to connect to: Node's own options of a socket, with `limit` and `tls` beside them. */
export type OpenConnectionOptions = (TcpSocketConnectOpts | IpcSocketConnectOpts) &
  StreamReaderOptions & {
    /** Speaks TLS from the beginning: true, or Node's options for it. The default `servername` is the host. */
    tls?: boolean | ConnectionOptions;
  };

const TARGET_OPTIONS = optionNames<Pick<OpenConnectionOptions, "limit" | "tls">>({ limit: true, tls: true });

/** The two ends of one's side of a connection. */
export interface Connection {
  reader: StreamReader;
  writer: StreamWriter;
}

/**
 * Opens a connection to a host and port, or to the Unix socket (on Windows: named pipe) of a path.
 *
 * Throws Node's error when that fails: its `code` is ECONNREFUSED, ENOTFOUND and so on. When it is cancelled, the
 * attempt is given up. A connection that is still open when the loop closes is closed with it.
 *
 * @example
 * ```ts
 * import { openConnection, run, startServer } from "threadloop";
 *
 * await run(async () => {
 *   const server = await startServer((_reader, writer) => writer.write("welcome\n"), { host: "127.0.0.1", port: 0 });
 *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
 *   console.log(String(await reader.readLine()).trim()); // welcome
 *   writer.close();
 *   server.close();
 * });
 * ```
 */
export async function openConnection(target: OpenConnectionOptions | string): Promise<Connection> {
  const options = typeof target === "string" ? { path: target } : target;
  const loop = runningEventLoop();
  checkOwnOptions("openConnection", options, TARGET_OPTIONS);
  const { tls, limit, ...where } = options as OpenConnectionOptions;
  const reader = new StreamReader(limit === undefined ? {} : { limit });
  const protocol = new StreamProtocol(reader);
  const socket = await connectSocket(where as TcpSocketConnectOpts | IpcSocketConnectOpts, tls);
  const transport = new Transport(loop, protocol, socket, null, tellAtOnce)._begin();
  return { reader, writer: new StreamWriter(transport, protocol) };
}

/** Is called for each client, as a task of the loop. */
export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => unknown;

/** Where to serve, as `loop.createServer` takes it, and how the readers are made. */
export interface StartServerOptions extends CreateServerOptions, StreamReaderOptions {}

const SERVING_OPTIONS = optionNames<
  Pick<StartServerOptions, "limit" | "tls" | "startServing" | "cleanupSocket">
>({
  cleanupSocket: true,
  limit: true,
  tls: true,
  startServing: true,
});

/**
 * Serves each client that connects with a task of its own, and returns the server, which listens by then.
 *
 * The task runs `onClient(reader, writer)` with the context variables of the caller of `startServer`. When an async
 * handler ends, its connection is closed, after what it wrote is sent; a plain function's connection stays open until
 * its writer is closed. A handler's error goes to the loop's exception handler, and its connection is closed. Port 0
 * takes a free one: see `server.port`.
 *
 * Throws Node's error (code EADDRINUSE and so on) when it cannot listen.
 *
 * @example
 * ```ts
 * import { openConnection, run, startServer } from "threadloop";
 *
 * await run(async () => {
 *   const server = await startServer(async (reader, writer) => {
 *     for await (const line of reader.lines()) {
 *       writer.write(`${line.toUpperCase()}\n`);
 *       await writer.drain();
 *     }
 *   }, { host: "127.0.0.1", port: 0 });
 *
 *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
 *   writer.write("hello\n");
 *   console.log(String(await reader.readLine()).trim()); // HELLO
 *   writer.close();
 *   server.close();
 *   await server.waitClosed();
 * });
 * ```
 */
export async function startServer(
  onClient: ClientHandler,
  options: StartServerOptions,
): Promise<Server<EventLoop>> {
  if (typeof onClient !== "function") {
    throw new TypeError(`Expected \`onClient\` to be a function of (reader, writer), got ${got(onClient)}`);
  }
  const loop = runningEventLoop();
  checkOwnOptions("startServer", options, SERVING_OPTIONS);
  const { limit, ...serverOptions } = options;
  const readerOptions = limit === undefined ? {} : { limit };
  return await openServer(loop, serverOptions, taskPerClient(loop, onClient, readerOptions));
}

/**
 * Reads a stream of Node's: standard input, a file, a request's body. From now on the stream belongs to the reader,
 * until the loop closes, which pauses it.
 *
 * Throws TypeError unless it is a readable stream of bytes or text.
 *
 * @example
 * ```ts
 * import { createReadStream } from "node:fs";
 * import { connectReadPipe, run } from "threadloop";
 *
 * await run(async () => {
 *   const reader = connectReadPipe(createReadStream("package.json"));
 *   console.log(String(await reader.readLine()).trim()); // {
 * });
 * ```
 */
export function connectReadPipe(source: Readable, options: StreamReaderOptions = {}): StreamReader {
  checkSource(source);
  const loop = runningEventLoop();
  const reader = new StreamReader(options);
  new ReadPipeTransport(loop, new StreamProtocol(reader), source, tellAtOnce, "leave open");
  return reader;
}

/**
 * Writes to a stream of Node's: standard output, a file, a response. The loop does not close it at its end.
 *
 * Throws TypeError unless it is a writable stream of bytes or text.
 *
 * @example
 * ```ts
 * import { connectWritePipe, run } from "threadloop";
 *
 * await run(async () => {
 *   const writer = connectWritePipe(process.stdout);
 *   writer.write("progress\n");
 *   await writer.drain();
 * });
 * ```
 */
export function connectWritePipe(target: Writable): StreamWriter {
  checkTarget(target);
  const protocol = new StreamProtocol(null);
  const transport = new WritePipeTransport(runningEventLoop(), protocol, target, tellAtOnce);
  return new StreamWriter(transport, protocol);
}

/** The tasks have the context variables and the async context of the caller of `startServer`. */
function taskPerClient(loop: EventLoop, onClient: ClientHandler, options: StreamReaderOptions): Accept {
  const fromHere = boundHere();
  return (socket, server) => {
    const client = acceptClient(loop, socket, server, options);
    fromHere(() => loop.createTask(() => serveClient(loop, onClient, client, server)));
  };
}

function acceptClient(
  loop: EventLoop,
  socket: Socket,
  server: Server,
  options: StreamReaderOptions,
): Connection {
  const reader = new StreamReader(options);
  const protocol = new StreamProtocol(reader);
  const transport = new Transport(loop, protocol, socket, server, tellAtOnce)._begin();
  return { reader, writer: new StreamWriter(transport, protocol, true) };
}

/** The task of a client. */
async function serveClient(
  loop: EventLoop,
  onClient: ClientHandler,
  { reader, writer }: Connection,
  server: Server,
): Promise<void> {
  try {
    const handled = onClient(reader, writer) as PromiseLike<unknown> | undefined;
    if (typeof handled?.then !== "function") return;
    await handled;
    writer.close();
  } catch (exception) {
    writer.close();
    if (isCancelled(exception)) throw exception;
    loop.callExceptionHandler({ message: "Unhandled exception in client handler", exception, server });
  }
}
