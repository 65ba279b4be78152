/**
 * This is TLS over a connection: the client's and the server's half of the handshake, and what becomes of the
 * transport; asyncio's `loop.start_tls`.
 */
import type { TlsOptions } from "node:tls";
import { got, RuntimeError } from "../errors/errors.ts";
import { inRootContext } from "../scheduling/events.ts";
import { OutsideFuture } from "../task/outside.ts";
import { isCancelled } from "../task/scope.ts";
import { type ConnectionOptions, type Socket, type TLSSocket, tls } from "./builtins.ts";
import { type ClosingLoop, holdSocket } from "./holdsocket.ts";
import { connectionLost, ignore, once } from "./once.ts";
import { checkProtocol, checkRuns, type Tell, tellByLoop } from "./protocolcalls.ts";
import { type Protocol, Transport } from "./transport.ts";

/** What `startTls` takes: Node's options of a TLS connection, or of a TLS server on that side. */
export type TlsUpgradeOptions = ConnectionOptions & TlsOptions;

/** Node's own options of a TLS connection; on the side of a server `serverSide: true`, and those of a TLS server. */
export type StartTlsOptions =
  | (ConnectionOptions & { serverSide?: false })
  | (TlsOptions & { /** This end is the server, which needs `key` and `cert`. */ serverSide: true });

/** The loop's method of this name. */
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
  const halves = { serverSide, options: tlsOptions as TlsUpgradeOptions, tell: tellByLoop(loop) };
  return await upgrade(loop, transport, protocol, halves);
}

/** How a connection is made secure, and how its protocol is told of it afterwards. */
export interface Upgrade {
  readonly serverSide: boolean;
  readonly options: TlsUpgradeOptions;
  readonly tell: Tell;
  /** What was read of the other end's part of the handshake already. */
  readonly early?: Buffer | undefined;
}

/** Does the handshake, and gives the protocol another transport; when that fails, one that is lost. */
export async function upgrade(
  loop: ClosingLoop,
  transport: Transport,
  protocol: Protocol,
  { serverSide, options, tell, early = Buffer.alloc(0) }: Upgrade,
): Promise<Transport> {
  const { _stream: bare, _server: server } = transport;
  const letGo = holdSocket(loop, bare, server);
  try {
    const untold = transport._letGo();
    const socket = await secure(bare, Buffer.concat([early, untold]), serverSide, options);
    return new Transport(loop, protocol, socket.on("error", ignore), server, tell)._takeOver();
  } catch (error) {
    const lost = new Transport(loop, protocol, bare, server, tell);
    lost._break(isCancelled(error) ? null : (error as Error));
    lost._takeOver();
    throw error;
  } finally {
    letGo();
  }
}

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

/** Throws unless it is a transport that can still be used. */
export function checkOpen(transport: Transport): void {
  if (!(transport instanceof Transport))
    throw new TypeError(`Expected \`transport\` to be a Transport of a connection, got ${got(transport)}`);
  if (transport.isClosing())
    throw new RuntimeError(`Expected \`transport\` to be open, got one that is closing: ${got(transport)}`);
}
