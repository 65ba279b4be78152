/** The loop's methods of names and datagrams, as asyncio's over Node's own `dns` and `dgram`. */
import type { AddressInfo } from "node:net";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { Pump } from "../scheduling/pump.ts";
import type { Future } from "../task/future.ts";
import type { DatagramEndpointOptions } from "./datagramendpoint.ts";
import type { DatagramProtocol, DatagramTransport } from "./datagrams.ts";
import { network } from "./implementation.ts";
import { type GetaddrinfoOptions, lookUpAddress, lookUpHost } from "./names.ts";

const LOOKUP_OPTIONS = optionNames<GetaddrinfoOptions>({ family: true });
const DATAGRAM_OPTIONS = optionNames<DatagramEndpointOptions>({
  localAddress: true,
  remoteAddress: true,
  family: true,
  allowBroadcast: true,
});

export abstract class DatagramLoop extends Pump {
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
    checkOptionNames("getaddrinfo", options, LOOKUP_OPTIONS);
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
    checkOptionNames("createDatagramEndpoint", options, DATAGRAM_OPTIONS);
    return await network.openDatagramEndpoint(this, protocolFactory, options);
  }
}
