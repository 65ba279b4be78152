/** The loop's methods of the network, as asyncio's over Node's own `dns`, `dgram`, `net` and `tls`. */
import type { AddressInfo, Socket } from "node:net";
import type { Future } from "../future.ts";
import { Pump } from "../pump.ts";
import {
  type ConnectAcceptedSocketOptions,
  type CreateConnectionOptions,
  connect,
  connectAccepted,
} from "./connect.ts";
import type { Protocol, Transport } from "./connections.ts";
import { type DatagramEndpointOptions, openDatagramEndpoint } from "./datagramendpoint.ts";
import type { DatagramProtocol, DatagramTransport } from "./datagrams.ts";
import { checkHost, checkPort, type GetaddrinfoOptions, lookUpAddress, lookUpHost } from "./names.ts";
import { checkPath, serveProtocols } from "./protocolserver.ts";
import type { CreateServerOptions, Server } from "./server.ts";
import { type StartTlsOptions, startTls } from "./starttls.ts";

export abstract class NetworkLoop extends Pump {
  /** @internal What holds something outside the loop open: a socket, a process. Each is called when the loop closes. */
  readonly _atClose = new Set<() => void>();

  /**
   * Looks up the addresses of a host by the system's own resolver, in the order in which it gives them; each comes with
   * the port, as a socket's address does. Cancelling ends the wait at once.
   *
   * Throws Node's error when there is none: its `code` is ENOTFOUND, EAI_AGAIN and so on.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [found] = await getRunningLoop().getaddrinfo("localhost", 80, { family: 4 });
   *   console.log(found); // { address: '127.0.0.1', family: 'IPv4', port: 80 }
   * });
   * ```
   */
  getaddrinfo(host: string, port: number, options: GetaddrinfoOptions = {}): Future<AddressInfo[]> {
    this._checkClosed();
    return lookUpHost(this, host, port, options);
  }

  /**
   * Looks up the name of the host at an IP address, and that of the service at a port. Cancelling ends the wait at once.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [host, service] = await getRunningLoop().getnameinfo("127.0.0.1", 80);
   *   console.log(host, service);
   * });
   * ```
   */
  getnameinfo(address: string, port: number): Future<[host: string, service: string]> {
    this._checkClosed();
    return lookUpAddress(this, address, port);
  }

  /**
   * Opens a socket for datagrams and returns its transport and the protocol that the factory made for it, once that was
   * told that the connection is made. What is open when the loop closes is closed with it.
   *
   * The methods of the protocol run as callbacks of the loop, in the order of the events and with the context variables
   * of the caller; what one throws goes to the exception handler. Throws Node's error (code EADDRINUSE and so on) when no
   * socket can be opened. When it is cancelled, none is left open.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run, type DatagramTransport } from "threadloop";
   *
   * class Echo {
   *   transport!: DatagramTransport;
   *   connectionMade(transport: DatagramTransport) {
   *     this.transport = transport;
   *   }
   *   datagramReceived(data: Buffer, address: { address: string; port: number }) {
   *     this.transport.sendTo(data, address);
   *   }
   * }
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const localAddress = { address: "127.0.0.1", port: 0 };
   *   const [server] = await loop.createDatagramEndpoint(() => new Echo(), { localAddress });
   *
   *   const answer = new Future<Buffer>();
   *   const client = { datagramReceived: (data: Buffer) => answer.setResult(data) };
   *   const remoteAddress = server.getExtraInfo("sockname");
   *   const [transport] = await loop.createDatagramEndpoint(() => client, { remoteAddress });
   *   transport.sendTo("hello");
   *   console.log(String(await answer)); // hello
   * });
   * ```
   */
  async createDatagramEndpoint<P extends DatagramProtocol>(
    protocolFactory: () => P,
    options: DatagramEndpointOptions = {},
  ): Promise<[transport: DatagramTransport, protocol: P]> {
    this._checkClosed();
    return await openDatagramEndpoint(this, protocolFactory, options);
  }

  /**
   * Connects to a host and port and returns the transport, and the protocol that the factory made for it, once that was
   * told that the connection is made. `openConnection` gives a reader and a writer instead. What is open when the loop
   * closes is closed with it.
   *
   * Throws Node's error when it cannot connect (code ECONNREFUSED, ENOTFOUND and so on). When it is cancelled, the attempt
   * is given up.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run, startServer } from "threadloop";
   *
   * await run(async () => {
   *   const server = await startServer(async (_reader, writer) => writer.write("welcome"), { host: "127.0.0.1", port: 0 });
   *   const over = new Future<string>();
   *   let text = "";
   *   const protocol = {
   *     dataReceived: (data: Buffer) => { text += data; },
   *     connectionLost: () => over.setResult(text),
   *   };
   *   await getRunningLoop().createConnection(() => protocol, "127.0.0.1", server.port);
   *   console.log(await over); // welcome
   *   server.close();
   * });
   * ```
   */
  async createConnection<P extends Protocol>(
    protocolFactory: () => P,
    host: string,
    port: number,
    options: CreateConnectionOptions = {},
  ): Promise<[transport: Transport, protocol: P]> {
    this._checkClosed();
    checkHost(host, "host");
    checkPort(port, "port", 1);
    const { tls, ...socketOptions } = options;
    return await connect(this, protocolFactory, { ...socketOptions, host, port }, tls);
  }

  /** Connects to the Unix socket (on Windows: named pipe) of a path, as `createConnection` does to a host. */
  async createUnixConnection<P extends Protocol>(
    protocolFactory: () => P,
    path: string,
    options: Pick<CreateConnectionOptions, "tls"> = {},
  ): Promise<[transport: Transport, protocol: P]> {
    this._checkClosed();
    checkPath(path);
    return await connect(this, protocolFactory, { path }, options.tls);
  }

  /**
   * Serves each client with a protocol of its own, and returns the server, which listens by then. `startServer` gives
   * each client a reader and a writer instead. Port 0 takes a free one: see `server.port`.
   *
   * The factory and the methods of the protocols run as callbacks of the loop, with the context variables of the caller.
   * When the factory throws, the exception handler is told and that client's connection is closed. Throws Node's error
   * (code EADDRINUSE and so on) when it cannot listen. When it is cancelled, it listens nowhere.
   *
   * @example
   * ```ts
   * import { getRunningLoop, openConnection, run, type Transport } from "threadloop";
   *
   * class Echo {
   *   transport!: Transport;
   *   connectionMade(transport: Transport) {
   *     this.transport = transport;
   *   }
   *   dataReceived(data: Buffer) {
   *     this.transport.write(data);
   *   }
   * }
   *
   * await run(async () => {
   *   const server = await getRunningLoop().createServer(() => new Echo(), { host: "127.0.0.1", port: 0 });
   *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
   *   writer.write("hello\n");
   *   console.log(String(await reader.readLine()).trim()); // hello
   *   writer.close();
   *   server.close();
   *   await server.waitClosed();
   * });
   * ```
   */
  async createServer(protocolFactory: () => Protocol, options: CreateServerOptions): Promise<Server<this>> {
    this._checkClosed();
    return await serveProtocols(this, protocolFactory, options);
  }

  /** Serves at the Unix socket (on Windows: named pipe) of a path, as `createServer` does at a port. */
  async createUnixServer(
    protocolFactory: () => Protocol,
    path: string,
    options: Omit<CreateServerOptions, "host" | "path" | "port"> = {},
  ): Promise<Server<this>> {
    this._checkClosed();
    checkPath(path);
    return await serveProtocols(this, protocolFactory, { ...options, path });
  }

  /**
   * Takes over a connection that something else has accepted, a server of Node's for instance, and returns the
   * transport and the protocol as `createConnection` does. It is closed with the loop.
   *
   * However it fails, also when it is cancelled, the socket is closed. Throws the error of the handshake with `tls`.
   *
   * @example
   * ```ts
   * import { once } from "node:events";
   * import { createServer, type Socket } from "node:net";
   * import { getRunningLoop, openConnection, run } from "threadloop";
   *
   * await run(async () => {
   *   const listener = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
   *   await once(listener, "listening");
   *   const { port } = listener.address() as { port: number };
   *   const accepted = once(listener, "connection") as Promise<[Socket]>;
   *   const { reader } = await openConnection({ host: "127.0.0.1", port });
   *   const [socket] = await accepted;
   *   const [transport] = await getRunningLoop().connectAcceptedSocket(() => ({}), socket);
   *   transport.write("welcome");
   *   transport.close();
   *   console.log(String(await reader.read())); // welcome
   *   listener.close();
   * });
   * ```
   */
  async connectAcceptedSocket<P extends Protocol>(
    protocolFactory: () => P,
    socket: Socket,
    options: ConnectAcceptedSocketOptions = {},
  ): Promise<[transport: Transport, protocol: P]> {
    this._checkClosed();
    return await connectAccepted(this, protocolFactory, socket, options.tls);
  }

  /**
   * Makes the connection of a transport a TLS connection, and returns the transport that takes its place; the old one is
   * of no use from the call on. The protocol may be another one than before; it is told of what comes, and of the end,
   * but not again that the connection is made.
   *
   * Throws the error of the handshake, and RuntimeError when the transport is closing. When the handshake fails or is
   * cancelled, the connection is lost, which the protocol is told.
   *
   * @example
   * ```ts
   * import { Event, getRunningLoop, run, startServer } from "threadloop";
   *
   * await run(async () => {
   *   const psk = Buffer.from("known to both, in place of a cert");
   *   const options = { ciphers: "PSK", maxVersion: "TLSv1.2" } as const;
   *   const server = await startServer(async (_reader, writer) => {
   *     await writer.startTls({ ...options, pskCallback: () => psk as never });
   *     writer.write("a secret");
   *   }, { host: "127.0.0.1", port: 0 });
   *   const loop = getRunningLoop();
   *   const over = new Event();
   *   const protocol = {
   *     dataReceived: (data: Buffer) => console.log(String(data)), // a secret
   *     connectionLost: () => over.set(),
   *   };
   *   const [bare] = await loop.createConnection(() => protocol, "127.0.0.1", server.port);
   *   const pskCallback = () => ({ psk, identity: "me" });
   *   await loop.startTls(bare, protocol, { ...options, pskCallback, checkServerIdentity: () => undefined });
   *   await over.wait();
   *   server.close();
   * });
   * ```
   */
  async startTls(
    transport: Transport,
    protocol: Protocol,
    options: StartTlsOptions = {},
  ): Promise<Transport> {
    this._checkClosed();
    return await startTls(this, transport, protocol, options);
  }
}
