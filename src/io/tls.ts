/** TLS over a socket that is connected: the client's and the server's half of the handshake. */
import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket, TlsOptions } from "node:tls";
import { inRootContext } from "../scheduling/events.ts";
import { OutsideFuture } from "../task/outside.ts";
import { tls } from "./builtins.ts";
import { connectionLost, ignore, once } from "./once.ts";

/** What `startTls` takes: Node's options of a TLS connection, or of a TLS server on that side. */
export type TlsUpgradeOptions = ConnectionOptions & TlsOptions;

/**
 * Does the handshake and returns the secure socket. `early` is what was read of the bare one already: the other end's
 * part of the handshake. However it fails, the bare socket is of no use any more.
 */
export async function secure(
  bare: Socket,
  early: Buffer,
  serverSide: boolean,
  options: TlsUpgradeOptions,
): Promise<TLSSocket> {
  if (bare.writableLength > 0) await flushed(bare);
  if (bare.destroyed || bare.readableEnded) throw connectionLost();
  bare.allowHalfOpen = false; // TLS has no half-closed connections
  if (early.length > 0) bare.unshift(early);
  return await (serverSide ? serverHalf(bare, options) : clientHalf(bare, options));
}

/** Waits until the system has taken all that was written: TLS writes past the buffer of the bare socket. */
async function flushed(bare: Socket): Promise<void> {
  const taken = new OutsideFuture<void>();
  bare.write("", (error) => {
    if (taken.done()) return;
    if (error) taken.setException(error);
    else taken.setResult();
  });
  await taken;
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
