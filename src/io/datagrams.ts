/**
 * Datagrams over a socket of Node's, as asyncio's DatagramTransport and DatagramProtocol.
 *
 *   open --close()--> closing: what was sent is handed over, what comes is dropped --> lost: connectionLost, once
 *   open --abort()-------------------------------------------------------------------> lost
 */
import type { RemoteInfo, Socket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import { type AbstractEventLoop, inRootContext } from "../scheduling/events.ts";
import { checkHost, checkPort } from "./names.ts";
import { ProtocolCalls } from "./protocolcalls.ts";

/** Where a datagram goes to: the name or address of a host, and a port. */
export interface DatagramAddress {
  address: string;
  port: number;
}

/** Is told what happens on a datagram socket. Each method runs as a callback of the loop; none must be there. */
export interface DatagramProtocol {
  /** The socket is open; comes first. */
  connectionMade?(transport: DatagramTransport): unknown;
  /** A datagram came, from this address, to which `sendTo` can answer. */
  datagramReceived?(data: Buffer, address: AddressInfo): unknown;
  /** A datagram could not be sent, or a peer refused one: Node's error. The socket stays open. */
  errorReceived?(error: Error): unknown;
  /** The socket is closed; comes last. The error is null when it was ended. */
  connectionLost?(error: Error | null): unknown;
}

/** What `getExtraInfo` of a DatagramTransport knows. */
export interface DatagramInfo {
  /** The address of this end. */
  sockname: AddressInfo;
  /** The address of the other end, where there is one. */
  peername: AddressInfo;
  /** Node's own socket, for what is not here: multicast, sizes of buffers. */
  socket: Socket;
}

/** What came, and from where. */
export type Datagram = [data: Buffer, from: RemoteInfo];

/** A loop that closes what is open when it closes itself. */
export interface ClosingLoop extends AbstractEventLoop {
  readonly _atClose: Set<() => void>;
}

/** Sends datagrams: what `connectionMade` gets and `loop.createDatagramEndpoint` returns beside the protocol. */
export class DatagramTransport {
  readonly #loop: ClosingLoop;
  readonly #protocol: DatagramProtocol;
  readonly #calls: ProtocolCalls;
  readonly #info: DatagramInfo | Omit<DatagramInfo, "peername">;
  #closing = false;
  /** How many datagrams the system has not taken yet. */
  #unsent = 0;
  #ended = false;

  /** @internal Takes over a socket that is open, and what came before that. */
  constructor(
    loop: ClosingLoop,
    protocol: DatagramProtocol,
    socket: Socket,
    peername: AddressInfo | null,
    early: readonly Datagram[],
  ) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    const sockname = socket.address();
    this.#info = peername === null ? { sockname, socket } : { sockname, peername, socket };
    this.#calls.soon(() => protocol.connectionMade?.(this));
    socket.removeAllListeners("message").on("message", this.#receive);
    socket.on("error", this.#fail).once("close", this.#lose);
    loop._atClose.add(this.abort);
    for (const datagram of early) this.#receive(...datagram);
  }

  /**
   * Sends a datagram, a string as UTF-8; never waits. After `close` it is dropped. An endpoint that was made with a
   * remote address sends there and nowhere else, any other one needs an address. What goes wrong on the way is told to
   * the protocol's `errorReceived`.
   *
   * Throws TypeError unless it gets bytes or text, and an address where it needs one; RangeError for another address
   * than the remote one.
   */
  sendTo(data: string | Uint8Array, address: DatagramAddress | null = null): void {
    if (typeof data !== "string" && !(data instanceof Uint8Array))
      throw new TypeError(`Expected \`data\` to be a string or a Uint8Array, got ${got(data)}`);
    const { peername, socket } = this.#info as DatagramInfo;
    checkTarget(address, peername);
    if (this.#closing) return;
    this.#unsent++;
    if (peername !== undefined) inRootContext(() => socket.send(data, this.#sent));
    else inRootContext(() => socket.send(data, address?.port, address?.address, this.#sent));
  }

  /** Hands over to the system what was sent, and closes. What comes from now on is dropped. Twice is fine. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#unsent === 0) this.#end();
  }

  /** Closes at once; what the system has not taken yet is dropped. */
  abort = (): void => {
    this.#closing = true;
    this.#end();
  };

  /** Tells whether it is closed, or is about to be. */
  isClosing(): boolean {
    return this.#closing;
  }

  /** Returns a fact about the socket, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof DatagramInfo>(name: K): DatagramInfo[K] | undefined;
  getExtraInfo<K extends keyof DatagramInfo, D>(name: K, otherwise: D): DatagramInfo[K] | D;
  getExtraInfo(name: keyof DatagramInfo, otherwise?: unknown): unknown {
    return (this.#info as DatagramInfo)[name] ?? otherwise;
  }

  [inspect.custom](): string {
    const { sockname, peername } = this.#info as DatagramInfo;
    const peer = peername === undefined ? "" : ` to ${peername.address}:${peername.port}`;
    const state = this.#closing ? ", closing" : "";
    return `<DatagramTransport at ${sockname.address}:${sockname.port}${peer}${state}>`;
  }

  #receive = (data: Buffer, { address, family, port }: RemoteInfo): void => {
    this.#whileOpen(() => this.#protocol.datagramReceived?.(data, { address, family, port }));
  };

  #fail = (error: Error): void => {
    this.#whileOpen(() => this.#protocol.errorReceived?.(error));
  };

  #whileOpen(callback: () => unknown): void {
    if (!this.#closing) this.#calls.soon(() => (this.#closing ? undefined : callback()));
  }

  #sent = (error: Error | null): void => {
    this.#unsent--;
    if (error !== null) this.#fail(error);
    if (this.#closing && this.#unsent === 0) this.#end();
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#info.socket.close();
  }

  #lose = (): void => {
    this.#closing = true;
    this.#ended = true;
    this.#loop._atClose.delete(this.abort);
    this.#calls.soon(() => this.#protocol.connectionLost?.(null));
  };
}

/** Throws unless it is an address as `name` in messages. */
export function checkAddress(address: DatagramAddress, name: string, leastPort: number): void {
  if (typeof address !== "object" || address === null)
    throw new TypeError(
      `Expected \`${name}\` to be an object with an address and a port, got ${got(address)}`,
    );
  checkHost(address.address, `${name}.address`);
  checkPort(address.port, `${name}.port`, leastPort);
}

function checkTarget(address: DatagramAddress | null, peername: AddressInfo | undefined): void {
  if (peername === undefined) checkAddress(address as DatagramAddress, "address", 1);
  else if (address !== null && (address.address !== peername.address || address.port !== peername.port))
    throw new RangeError(`Expected \`address\` to be null or the remote address, got ${got(address)}`);
}
