/** Connections for protocols, as asyncio's `loop.create_connection` and `connect_accepted_socket` make them. */
import type { IpcSocketConnectOpts, Socket, TcpSocketConnectOpts } from "node:net";
import type { TlsOptions as ServerTlsOptions, ConnectionOptions as TlsOptions } from "node:tls";
import { got } from "../errors/errors.ts";
import { inRootContext } from "../scheduling/events.ts";
import { net, tls as nodeTls } from "./builtins.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { ignore, once } from "./once.ts";
import { afterWhatIsReady, checkProtocol, checkProtocolFactory, checkRuns } from "./protocolcalls.ts";
import { secure, type TlsUpgradeOptions } from "./tls.ts";
import { type Protocol, Transport } from "./transport.ts";

/** Node's own options of a socket (`family`, `localAddress`, `timeout`...), and `tls`. */
export interface CreateConnectionOptions extends Omit<TcpSocketConnectOpts, "host" | "port"> {
  /** Speaks TLS from the beginning: true, or Node's options for it. The default `servername` is the host. */
  tls?: boolean | TlsOptions;
}

/** What `loop.connectAcceptedSocket` takes. */
export interface ConnectAcceptedSocketOptions {
  /** Speaks TLS, as the server: Node's options for it, with `key` and `cert`. */
  tls?: ServerTlsOptions;
}

/** Connects, makes the protocol, and tells it so. */
export async function connect<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  target: TcpSocketConnectOpts | IpcSocketConnectOpts,
  tls: boolean | TlsOptions = false,
): Promise<[Transport, P]> {
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  const socket = inRootContext(makeSocket, target, tls).on("error", ignore);
  try {
    await once(socket, tls ? "secureConnect" : "connect");
    return await introduce(loop, protocolFactory, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Takes over a socket that somebody else has accepted. */
export async function connectAccepted<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  accepted: Socket,
  tls: ServerTlsOptions | undefined,
): Promise<[Transport, P]> {
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  checkConnected(accepted);
  accepted.on("error", ignore).allowHalfOpen = true;
  try {
    const socket =
      tls === undefined ? accepted : await secure(accepted, Buffer.alloc(0), true, tls as TlsUpgradeOptions);
    return await introduce(loop, protocolFactory, socket.on("error", ignore));
  } catch (error) {
    accepted.destroy();
    throw error;
  }
}

/** Makes the protocol and tells it that the connection is made. */
async function introduce<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  socket: Socket,
): Promise<[Transport, P]> {
  const protocol = protocolFactory();
  checkProtocol(protocol);
  const transport = new Transport(loop, protocol, socket)._begin();
  await afterWhatIsReady(loop);
  return [transport, protocol];
}

function checkConnected(socket: Socket): void {
  const expected = "Expected `socket` to be a connected socket of Node's";
  if (!(socket instanceof net().Socket)) throw new TypeError(`${expected}, got ${got(socket)}`);
  if (socket.destroyed) throw new RangeError(`${expected}, got one that is closed`);
  if (socket.connecting || socket.pending) throw new RangeError(`${expected}, got one that still connects`);
}

function makeSocket(target: TcpSocketConnectOpts | IpcSocketConnectOpts, tls: boolean | TlsOptions): Socket {
  if (tls) return nodeTls().connect({ noDelay: true, ...target, ...(tls === true ? {} : tls) } as TlsOptions);
  return net().connect({ noDelay: true, allowHalfOpen: true, ...target });
}
