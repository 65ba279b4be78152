/** TLS over a connection that is open: the client's and the server's half of the handshake. */
import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket, TlsOptions } from "node:tls";
import { isCancelled } from "../errors.ts";
import { inRootContext } from "../events.ts";
import { tls } from "../network/builtins.ts";
import { once } from "../network/once.ts";
import { ignore, type Transport } from "./transport.ts";

/** What `startTls` takes: Node's options of a TLS connection, or of a TLS server on that side. */
export type TlsUpgradeOptions = ConnectionOptions & TlsOptions;

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
  try {
    transport.attach(await (serverSide ? serverHalf(bare, options) : clientHalf(bare, options)));
  } catch (error) {
    transport.abort(isCancelled(error) ? null : (error as Error));
    transport.attach(bare);
    throw error;
  }
}

async function clientHalf(bare: Socket, options: TlsUpgradeOptions): Promise<TLSSocket> {
  const secure = inRootContext(() => tls().connect({ ...options, socket: bare })).on("error", ignore);
  try {
    await once(secure, "secureConnect");
    return secure;
  } catch (error) {
    secure.destroy();
    throw error;
  }
}

/** By a server of Node's that does not listen: a bare TLSSocket would not check the client's certificate. */
async function serverHalf(bare: Socket, options: TlsUpgradeOptions): Promise<TLSSocket> {
  const server = inRootContext(() => tls().createServer(options));
  const end = () => server.emit("close");
  server.on("tlsClientError", (error) => server.emit("error", error)).on("error", ignore);
  bare.once("close", end);
  const secured = once(server, "secureConnection");
  inRootContext(() => server.emit("connection", bare));
  try {
    return (await secured) as TLSSocket;
  } finally {
    bare.off("close", end);
  }
}
