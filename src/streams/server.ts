/** Serving connections with a task for each, as `asyncio.start_server`. */
import { AsyncResource } from "node:async_hooks";
import type { Socket } from "node:net";
import { got } from "../errors/errors.ts";
import { checkOwnOptions, optionNames } from "../errors/optionnames.ts";
import type { Clients } from "../io/holdsocket.ts";
import { type Accept, type CreateServerOptions, openServer, type Server } from "../io/server.ts";
import type { EventLoop } from "../loop/loop.ts";
import { runningEventLoop } from "../loop/running.ts";
import { copyContext } from "../scheduling/context.ts";
import { isCancelled } from "../task/scope.ts";
import { Transport } from "./protocol.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** Is called for each client, as a task of the loop. */
export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => unknown;

/** Where to serve, as `loop.createServer` takes it, and how the readers are made. */
export interface StartServerOptions extends CreateServerOptions, StreamReaderOptions {}

const OWN_OPTIONS = optionNames<Pick<StartServerOptions, "limit" | "tls" | "startServing" | "cleanupSocket">>(
  {
    cleanupSocket: true,
    limit: true,
    tls: true,
    startServing: true,
  },
);

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
  checkOwnOptions("startServer", options, OWN_OPTIONS);
  const { limit, ...serverOptions } = options;
  const readerOptions = limit === undefined ? {} : { limit };
  return await openServer(loop, serverOptions, taskPerClient(loop, onClient, readerOptions));
}

/** The tasks have the context variables and the async context of the caller of `startServer`. */
function taskPerClient(loop: EventLoop, onClient: ClientHandler, options: StreamReaderOptions): Accept {
  const context = copyContext();
  const resource = new AsyncResource("Server");
  return (socket, server) => {
    const reader = new StreamReader(options);
    const client = attach(loop, socket, reader, server);
    const serve = () => serveClient(loop, onClient, client, reader, server);
    resource.runInAsyncScope(() => context.run(() => loop.createTask(serve)));
  };
}

function attach(loop: EventLoop, socket: Socket, reader: StreamReader, server: Clients): Transport {
  const client: Transport = new Transport(loop, socket, reader, () => server._detach(client));
  server._attach(client.closeWithLoop());
  return client;
}

/** The task of a client. */
async function serveClient(
  loop: EventLoop,
  onClient: ClientHandler,
  client: Transport,
  reader: StreamReader,
  server: Clients,
): Promise<void> {
  try {
    const handled = onClient(reader, new StreamWriter(client, true)) as PromiseLike<unknown> | undefined;
    if (typeof handled?.then !== "function") return;
    await handled;
    client.close();
  } catch (exception) {
    client.close();
    if (isCancelled(exception)) throw exception;
    loop.callExceptionHandler({ message: "Unhandled exception in client handler", exception, server });
  }
}
