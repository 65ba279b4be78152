/** Serving connections with a protocol for each, as asyncio's `loop.create_server` and `create_unix_server`. */
import type { Socket } from "node:net";
import { got } from "../errors/errors.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { holdSocket } from "./holdsocket.ts";
import { checkHost, checkPort } from "./names.ts";
import { checkProtocol, checkProtocolFactory, checkRuns, ProtocolCalls } from "./protocolcalls.ts";
import { type Accept, type CreateServerOptions, openServer, type Server } from "./server.ts";
import { type Protocol, Transport } from "./transport.ts";

/** Opens a server whose factory is called for each client, as a callback of the loop. */
export async function serveProtocols<L extends ClosingLoop>(
  loop: L,
  protocolFactory: () => Protocol,
  options: CreateServerOptions,
): Promise<Server<L>> {
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  checkPlace(options);
  return await openServer(loop, options, protocolPerClient(loop, protocolFactory));
}

function protocolPerClient(loop: ClosingLoop, protocolFactory: () => Protocol): Accept {
  const calls = new ProtocolCalls(loop);
  return (socket, server) => {
    const letGo = holdSocket(loop, socket, server);
    calls.soon(() => {
      try {
        if (!socket.destroyed) beginClient(loop, protocolFactory, socket, server);
      } finally {
        letGo();
      }
    });
  };
}

function beginClient(
  loop: ClosingLoop,
  protocolFactory: () => Protocol,
  socket: Socket,
  server: Server,
): void {
  try {
    const protocol = protocolFactory();
    checkProtocol(protocol);
    new Transport(loop, protocol, socket, server)._begin();
  } catch (exception) {
    socket.destroy();
    const message = "Error on transport creation for incoming connection";
    loop.callExceptionHandler({ message, exception, server });
  }
}

function checkPlace(options: CreateServerOptions): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected \`options\` to be an object with a port or a path, got ${got(options)}`);
  const { host, path, port } = options;
  if (path !== undefined) checkPath(path);
  else checkPort(port, "port");
  if (host !== undefined && !Array.isArray(host)) checkHost(host, "host");
}

/** Throws unless it can be the path of a Unix socket. */
export function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "")
    throw new TypeError(`Expected \`path\` to be the path of a socket, got ${got(path)}`);
}
