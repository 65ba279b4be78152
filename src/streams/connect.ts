/** Opening a connection, as `asyncio.open_connection` and `open_unix_connection`. */
import type { IpcSocketConnectOpts, Socket, TcpSocketConnectOpts } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { checkOwnOptions, optionNames } from "../errors/optionnames.ts";
import { net, tls as nodeTls } from "../io/builtins.ts";
import { ignore, once } from "../io/once.ts";
import { runningEventLoop } from "../loop/running.ts";
import { inRootContext } from "../scheduling/events.ts";
import { Transport } from "./protocol.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** Where to connect to: Node's own options of a socket, with `limit` and `tls` beside them. */
export type OpenConnectionOptions = (TcpSocketConnectOpts | IpcSocketConnectOpts) &
  StreamReaderOptions & {
    /** Speaks TLS from the beginning: true, or Node's options for it. The default `servername` is the host. */
    tls?: boolean | TlsOptions;
  };

const OWN_OPTIONS = optionNames<Pick<OpenConnectionOptions, "limit" | "tls">>({ limit: true, tls: true });

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
  checkOwnOptions("openConnection", options, OWN_OPTIONS);
  const reader = new StreamReader(options.limit === undefined ? {} : { limit: options.limit });
  const socket = inRootContext(makeSocket, options).on("error", ignore);
  try {
    await once(socket, options.tls ? "secureConnect" : "connect");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return { reader, writer: new StreamWriter(new Transport(loop, socket, reader).closeWithLoop()) };
}

function makeSocket(options: OpenConnectionOptions): Socket {
  const { tls, limit: _limit, ...socketOptions } = options;
  if (tls)
    return nodeTls().connect({ noDelay: true, ...socketOptions, ...(tls === true ? {} : tls) } as TlsOptions);
  // As in asyncio, the end of what the other side sends is not the end of what this side may.
  return net().connect({ noDelay: true, allowHalfOpen: true, ...socketOptions });
}
