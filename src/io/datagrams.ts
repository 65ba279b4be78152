/**
 * These are datagrams over a socket of Node's, as asyncio's DatagramTransport and DatagramProtocol.
 *
 *   open --close()--> closing: what was sent is handed over, what comes is dropped --> lost: connectionLost, once
 *   open --abort()-------------------------------------------------------------------> lost
 */
import type { Socket as DatagramSocket, RemoteInfo } from "node:dgram";
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { inRootContext } from "../scheduling/events.ts";
import { isCancelled } from "../task/scope.ts";
import { type AddressInfo, dgram } from "./builtins.ts";
import type { ClosingLoop } from "./holdsocket.ts";
import { checkFamily, checkHost, checkPort, lookUpHost } from "./names.ts";
import { ignore, once } from "./once.ts";
import {
  checkProtocol,
  checkProtocolFactory,
  checkRuns,
  type Tell,
  tellByLoop,
  untilMade,
} from "./protocolcalls.ts";

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
  socket: DatagramSocket;
}

/** Between which addresses. At least one of `localAddress`, `remoteAddress` and `family` is needed. */
export interface DatagramEndpointOptions {
  /** Where it receives; port 0 takes a free one. Default: all addresses of this host, at a free port. */
  localAddress?: DatagramAddress;
  /** The one place from which it receives and to which it sends. */
  remoteAddress?: DatagramAddress;
  /** IPv4 or IPv6; default 0, which goes by the addresses. */
  family?: 0 | 4 | 6;
  /** Whether it may send to broadcast addresses; default false. */
  allowBroadcast?: boolean;
}

/** What came, and from where. */
type Datagram = [data: Buffer, from: RemoteInfo];

const DATAGRAM_OPTIONS = optionNames<DatagramEndpointOptions>({
  localAddress: true,
  remoteAddress: true,
  family: true,
  allowBroadcast: true,
});

/** Sends datagrams: what `connectionMade` gets and `loop.createDatagramEndpoint` returns beside the protocol. */
export class DatagramTransport {
  readonly #loop: ClosingLoop;
  readonly #protocol: DatagramProtocol;
  readonly #tell: Tell;
  readonly #info: DatagramInfo | Omit<DatagramInfo, "peername">;
  #closing = false;
  /** How many datagrams the system has not taken yet. */
  #unsent = 0;
  #ended = false;

  /** @internal Takes over a socket that is open, and what came before that. */
  constructor(
    loop: ClosingLoop,
    protocol: DatagramProtocol,
    socket: DatagramSocket,
    peername: AddressInfo | null,
    early: readonly Datagram[],
  ) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#tell = tellByLoop(loop);
    const sockname = socket.address();
    this.#info = peername === null ? { sockname, socket } : { sockname, peername, socket };
    this.#tell(() => protocol.connectionMade?.(this));
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
    checkReceiver(address, peername);
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
    return Object.hasOwn(this.#info, name) ? (this.#info as DatagramInfo)[name] : otherwise;
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
    if (!this.#closing) this.#tell(() => (this.#closing ? undefined : callback()));
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
    this.#tell(() => this.#protocol.connectionLost?.(null));
  };
}

/** The addresses of one try: of the same family. */
interface Endpoint {
  readonly family: string;
  readonly local: AddressInfo | null;
  readonly remote: AddressInfo | null;
}

/** What came before the protocol was there is kept for it, as the system keeps it for a socket that nobody reads. */
interface Opened {
  readonly socket: DatagramSocket;
  readonly remote: AddressInfo | null;
  readonly early: readonly Datagram[];
}

/** The loop's method of this name: opens the socket at the first addresses at which that is possible. */
export async function createDatagramEndpoint<P extends DatagramProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  options: DatagramEndpointOptions,
): Promise<[DatagramTransport, P]> {
  checkOptionNames("createDatagramEndpoint", options, DATAGRAM_OPTIONS);
  check(loop, protocolFactory, options);
  const { socket, remote, early } = await openFirst(await endpointsOf(loop, options), options);
  let transport: DatagramTransport;
  let protocol: P;
  try {
    protocol = protocolFactory();
    checkProtocol(protocol);
    transport = new DatagramTransport(loop, protocol, socket, remote, early);
  } catch (error) {
    socket.close();
    throw error;
  }
  await untilMade(loop, transport);
  return [transport, protocol];
}

function check(loop: ClosingLoop, protocolFactory: unknown, options: DatagramEndpointOptions): void {
  checkRuns(loop);
  const { localAddress, remoteAddress, family = 0 } = options;
  checkProtocolFactory(protocolFactory);
  if (localAddress !== undefined) checkAddress(localAddress, "localAddress", 0);
  if (remoteAddress !== undefined) checkAddress(remoteAddress, "remoteAddress", 1);
  checkFamily(family);
  if (localAddress === undefined && remoteAddress === undefined && family === 0)
    throw new RangeError(
      "Expected `localAddress`, `remoteAddress` or `family` to be given, got none of them",
    );
}

async function endpointsOf(loop: ClosingLoop, options: DatagramEndpointOptions): Promise<Endpoint[]> {
  const { localAddress, remoteAddress, family = 0 } = options;
  const lookUp = async ({ address, port }: DatagramAddress) =>
    await lookUpHost(loop, address, port, { family });
  const locals = localAddress === undefined ? [null] : await lookUp(localAddress);
  const remotes = remoteAddress === undefined ? [null] : await lookUp(remoteAddress);
  const endpoints: Endpoint[] = [];
  for (const local of locals) {
    for (const remote of remotes) {
      if (local !== null && remote !== null && local.family !== remote.family) continue;
      endpoints.push({ family: (local ?? remote)?.family ?? `IPv${family}`, local, remote });
    }
  }
  if (endpoints.length === 0)
    throw new RangeError(
      `Expected \`localAddress\` and \`remoteAddress\` to be of one family, got ${got(localAddress?.address)} and ${got(remoteAddress?.address)}`,
    );
  return endpoints;
}

async function openFirst(endpoints: readonly Endpoint[], options: DatagramEndpointOptions): Promise<Opened> {
  const errors: unknown[] = [];
  for (const endpoint of endpoints) {
    const socket = inRootContext(() => dgram().createSocket(endpoint.family === "IPv6" ? "udp6" : "udp4"));
    const early: Datagram[] = [];
    socket.on("message", (...datagram) => early.push(datagram)).on("error", ignore);
    try {
      return { socket, remote: await open(socket, endpoint, options), early };
    } catch (error) {
      socket.close();
      if (isCancelled(error)) throw error;
      errors.push(error);
    }
  }
  throw errors[0];
}

/** Returns the address of the other end as the system writes it. */
async function open(
  socket: DatagramSocket,
  { local, remote }: Endpoint,
  options: DatagramEndpointOptions,
): Promise<AddressInfo | null> {
  inRootContext(() => socket.bind(local?.port ?? 0, local?.address));
  await once(socket, "listening");
  if (options.allowBroadcast) socket.setBroadcast(true);
  if (remote === null) return null;
  inRootContext(() => socket.connect(remote.port, remote.address));
  await once(socket, "connect");
  return socket.remoteAddress();
}

/** Throws unless it is an address as `name` in messages. */
function checkAddress(address: DatagramAddress, name: string, leastPort: number): void {
  if (typeof address !== "object" || address === null)
    throw new TypeError(
      `Expected \`${name}\` to be an object with an address and a port, got ${got(address)}`,
    );
  checkHost(address.address, `${name}.address`);
  checkPort(address.port, `${name}.port`, leastPort);
}

function checkReceiver(address: DatagramAddress | null, peername: AddressInfo | undefined): void {
  if (peername === undefined) checkAddress(address as DatagramAddress, "address", 1);
  else if (address !== null && (address.address !== peername.address || address.port !== peername.port))
    throw new RangeError(`Expected \`address\` to be null or the remote address, got ${got(address)}`);
}
