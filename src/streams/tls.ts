/** TLS over a connection that is open: the client's and the server's half of the handshake. */
import type { Socket } from "node:net";
import { type ConnectionOptions, connect, type SecureContextOptions, TLSSocket } from "node:tls";
import { inRootContext } from "../events.ts";
import { once } from "./once.ts";
import { ignore, type Transport } from "./transport.ts";

/** What `startTls` takes: Node's options of a secure context, and of the handshake. */
export type TlsUpgradeOptions = SecureContextOptions &
  Pick<
    ConnectionOptions,
    "servername" | "rejectUnauthorized" | "ALPNProtocols" | "checkServerIdentity" | "requestCert"
  >;

/** Does the handshake and gives the transport the secure stream in place of the bare one. */
export async function upgrade(
  transport: Transport,
  serverSide: boolean,
  options: TlsUpgradeOptions,
): Promise<void> {
  const bare = transport.stream as Socket;
  transport.detach();
  bare.allowHalfOpen = false; // TLS has no half-closed connections
  const early = transport.reader?._takeAll();
  if (early !== undefined && early.length > 0) bare.unshift(early); // the other end's part of the handshake
  const secure = inRootContext(() => (serverSide ? serverHalf(bare, options) : clientHalf(bare, options)));
  secure.on("error", ignore);
  try {
    await once(secure, serverSide ? "secure" : "secureConnect");
  } catch (error) {
    secure.destroy();
    bare.destroy();
    throw error;
  } finally {
    transport.attach(secure);
  }
}

function clientHalf(socket: Socket, options: TlsUpgradeOptions): TLSSocket {
  return connect({ ...options, socket });
}

function serverHalf(socket: Socket, options: TlsUpgradeOptions): TLSSocket {
  return new TLSSocket(socket, { ...options, isServer: true });
}
