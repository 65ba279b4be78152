/** What is known of the socket of a connection. */
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** What `getExtraInfo` of a Transport knows. */
export interface TransportInfo {
  /** The address of this end; not of a Unix socket. */
  sockname: AddressInfo;
  /** The address of the other end; not of a Unix socket. */
  peername: AddressInfo;
  /** Node's own socket, a TLSSocket under TLS. */
  socket: Socket;
}

/** Tells whether a socket speaks TLS. */
export function isTls(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** Asked for at the beginning, as a socket that is closed knows them no more. */
export function infoOf(socket: Socket): TransportInfo {
  const { localAddress, localFamily, localPort, remoteAddress, remoteFamily, remotePort } = socket;
  return {
    socket,
    ...(localAddress && { sockname: { address: localAddress, family: localFamily, port: localPort } }),
    ...(remoteAddress && { peername: { address: remoteAddress, family: remoteFamily, port: remotePort } }),
  } as TransportInfo;
}
