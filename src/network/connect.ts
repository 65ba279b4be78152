/** Opening a connection for a protocol, as asyncio's `loop.create_connection` and `create_unix_connection`. */
import type { IpcSocketConnectOpts, Socket, TcpSocketConnectOpts } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { inRootContext } from "../events.ts";
import { net, tls as nodeTls } from "./builtins.ts";
import { type Protocol, Transport } from "./connections.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { once } from "./once.ts";
import { afterWhatIsReady, checkProtocol, checkProtocolFactory, checkRuns } from "./protocolcalls.ts";

/** Node's own options of a socket (`family`, `localAddress`, `timeout`...), and `tls`. */
export interface CreateConnectionOptions extends Omit<TcpSocketConnectOpts, "host" | "port"> {
  /** Speaks TLS from the beginning: true, or Node's options for it. The default `servername` is the host. */
  tls?: boolean | TlsOptions;
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
    const protocol = protocolFactory();
    checkProtocol(protocol);
    const transport = new Transport(loop, protocol, socket);
    await afterWhatIsReady(loop);
    return [transport, protocol];
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function makeSocket(target: TcpSocketConnectOpts | IpcSocketConnectOpts, tls: boolean | TlsOptions): Socket {
  if (tls) return nodeTls().connect({ noDelay: true, ...target, ...(tls === true ? {} : tls) } as TlsOptions);
  return net().connect({ noDelay: true, allowHalfOpen: true, ...target });
}

/** What broke a connection is looked at when it closes. */
function ignore(): void {}
