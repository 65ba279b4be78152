/** The loop's methods of the network, as asyncio's over Node's own `dns`, `dgram`, `net` and `tls`. */
import type { AddressInfo } from "node:net";
import { got } from "../errors.ts";
import type { Future } from "../future.ts";
import { Pump } from "../pump.ts";
import { type CreateConnectionOptions, connect } from "./connect.ts";
import type { Protocol, Transport } from "./connections.ts";
import { type DatagramEndpointOptions, openDatagramEndpoint } from "./datagramendpoint.ts";
import type { DatagramProtocol, DatagramTransport } from "./datagrams.ts";
import { checkHost, checkPort, type GetaddrinfoOptions, lookUpAddress, lookUpHost } from "./names.ts";

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
  ): Promise<[transport: Transport, protocol: P]> {
    this._checkClosed();
    if (typeof path !== "string" || path === "")
      throw new TypeError(`Expected \`path\` to be the path of a socket, got ${got(path)}`);
    return await connect(this, protocolFactory, { path });
  }
}
