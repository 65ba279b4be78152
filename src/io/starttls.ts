/** Making a connection of a protocol a secure one, as asyncio's `loop.start_tls`. */
import type { ConnectionOptions, TlsOptions } from "node:tls";
import { got, RuntimeError } from "../errors/errors.ts";
import { isCancelled } from "../task/scope.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { holdSocket } from "./holdsocket.ts";
import { ignore } from "./once.ts";
import { checkProtocol, checkRuns } from "./protocolcalls.ts";
import { secure, type TlsUpgradeOptions } from "./tls.ts";
import { type Protocol, Transport } from "./transport.ts";

/** Node's own options of a TLS connection; on the side of a server `serverSide: true`, and those of a TLS server. */
export type StartTlsOptions =
  | (ConnectionOptions & { serverSide?: false })
  | (TlsOptions & { /** This end is the server, which needs `key` and `cert`. */ serverSide: true });

/** Does the handshake, and gives the protocol another transport. */
export async function startTls(
  loop: ClosingLoop,
  transport: Transport,
  protocol: Protocol,
  options: StartTlsOptions,
): Promise<Transport> {
  checkRuns(loop);
  checkOpen(transport);
  transport._checkNotSendingFile("make it secure");
  checkProtocol(protocol, "`protocol` to be a protocol");
  const { serverSide = false, ...tlsOptions } = options;
  const { _socket: bare, _server: server } = transport;
  const letGo = holdSocket(loop, bare, server);
  try {
    const socket = await secure(bare, transport._letGo(), serverSide, tlsOptions as TlsUpgradeOptions);
    return new Transport(loop, protocol, socket.on("error", ignore), server)._takeOver();
  } catch (error) {
    const lost = new Transport(loop, protocol, bare, server);
    lost._break(isCancelled(error) ? null : (error as Error));
    lost._takeOver();
    throw error;
  } finally {
    letGo();
  }
}

/** Throws unless it is a transport that can still be used. */
export function checkOpen(transport: Transport): void {
  if (!(transport instanceof Transport))
    throw new TypeError(`Expected \`transport\` to be a Transport of a connection, got ${got(transport)}`);
  if (transport.isClosing())
    throw new RuntimeError(`Expected \`transport\` to be open, got one that is closing: ${got(transport)}`);
}
