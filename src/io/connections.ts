/**
 * This is how connections are made: to a host or a path, or by taking over what somebody else has accepted;
 * asyncio's `loop.create_connection`, `create_unix_connection` and `connect_accepted_socket`.
 */
import type { TlsOptions } from "node:tls";
import { got } from "../errors/errors.ts";
import { checkOwnOptions } from "../errors/misspelt.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { inRootContext } from "../scheduling/events.ts";
import {
  type ConnectionOptions,
  type IpcSocketConnectOpts,
  net,
  tls as nodeTls,
  type Socket,
  type TcpSocketConnectOpts,
} from "./builtins.ts";
import type { ClosingLoop } from "./holdsocket.ts";
import { checkHost, checkPath, checkPort } from "./names.ts";
import { ignore, once } from "./once.ts";
import { afterWhatIsReady, checkProtocol, checkProtocolFactory, checkRuns } from "./protocolcalls.ts";
import { secure, type TlsUpgradeOptions } from "./tls.ts";
import { type Protocol, Transport } from "./transport.ts";

/** Node's own options of a socket (`family`, `localAddress`, `timeout`...), and `tls`. */
export interface CreateConnectionOptions extends Omit<TcpSocketConnectOpts, "host" | "port"> {
  /** Speaks TLS from the beginning: true, or Node's options for it. The default `servername` is the host. */
  tls?: boolean | ConnectionOptions;
}

/** What `loop.connectAcceptedSocket` takes. */
export interface ConnectAcceptedSocketOptions {
  /** Speaks TLS, as the server: Node's options for it, with `key` and `cert`. */
  tls?: TlsOptions;
}

/** A transport, and the protocol that was made for it. */
type Connected<P> = Promise<[transport: Transport, protocol: P]>;

// What goes on to Node is Node's.
const CONNECTION_OPTIONS = optionNames<Pick<CreateConnectionOptions, "tls">>({ tls: true });
const ACCEPTED_OPTIONS = optionNames<ConnectAcceptedSocketOptions>({ tls: true });

/** The loop's method of this name. */
export async function createConnection<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  host: string,
  port: number,
  options: CreateConnectionOptions,
): Connected<P> {
  checkHost(host, "host");
  checkPort(port, "port", 1);
  checkOwnOptions("createConnection", options, CONNECTION_OPTIONS);
  const { tls, ...socketOptions } = options;
  return await connect(loop, protocolFactory, { ...socketOptions, host, port }, tls);
}

/** The loop's method of this name. */
export async function createUnixConnection<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  path: string,
  options: Pick<CreateConnectionOptions, "tls">,
): Connected<P> {
  checkPath(path);
  checkOptionNames("createUnixConnection", options, CONNECTION_OPTIONS);
  return await connect(loop, protocolFactory, { path }, options.tls);
}

/** The loop's method of this name. */
export async function connectAcceptedSocket<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  accepted: Socket,
  options: ConnectAcceptedSocketOptions,
): Connected<P> {
  checkOptionNames("connectAcceptedSocket", options, ACCEPTED_OPTIONS);
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  checkConnected(accepted);
  accepted.on("error", ignore).allowHalfOpen = true;
  const { tls } = options;
  try {
    const socket =
      tls === undefined ? accepted : await secure(accepted, Buffer.alloc(0), true, tls as TlsUpgradeOptions);
    return await introduce(loop, protocolFactory, socket.on("error", ignore));
  } catch (error) {
    accepted.destroy();
    throw error;
  }
}

/** Connects a socket; it has a listener of errors. When that fails or is cancelled, the attempt is given up. */
export async function connectSocket(
  target: TcpSocketConnectOpts | IpcSocketConnectOpts,
  tls: boolean | ConnectionOptions = false,
): Promise<Socket> {
  const socket = inRootContext(makeSocket, target, tls).on("error", ignore);
  try {
    await once(socket, tls ? "secureConnect" : "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Connects, makes the protocol, and tells it so. */
async function connect<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  target: TcpSocketConnectOpts | IpcSocketConnectOpts,
  tls: boolean | ConnectionOptions | undefined,
): Connected<P> {
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  const socket = await connectSocket(target, tls);
  try {
    return await introduce(loop, protocolFactory, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Makes the protocol and tells it that the connection is made. */
async function introduce<P extends Protocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  socket: Socket,
): Connected<P> {
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

/** As in asyncio, the end of what the other side sends is not the end of what this side may. */
function makeSocket(
  target: TcpSocketConnectOpts | IpcSocketConnectOpts,
  tls: boolean | ConnectionOptions,
): Socket {
  if (tls)
    return nodeTls().connect({ noDelay: true, ...target, ...(tls === true ? {} : tls) } as ConnectionOptions);
  return net().connect({ noDelay: true, allowHalfOpen: true, ...target });
}
