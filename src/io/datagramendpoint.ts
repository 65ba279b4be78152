/** Opening a datagram socket, as asyncio's `loop.create_datagram_endpoint`. */
import type { Socket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { got } from "../errors/errors.ts";
import { inRootContext } from "../scheduling/events.ts";
import { isCancelled } from "../task/scope.ts";
import { dgram } from "./builtins.ts";
import {
  type ClosingLoop,
  checkAddress,
  type Datagram,
  type DatagramAddress,
  type DatagramProtocol,
  DatagramTransport,
} from "./datagrams.ts";
import { checkFamily, lookUpHost } from "./names.ts";
import { ignore, once } from "./once.ts";
import { checkProtocol, checkProtocolFactory, checkRuns, untilMade } from "./protocolcalls.ts";

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

/** The addresses of one try: of the same family. */
interface Endpoint {
  readonly family: string;
  readonly local: AddressInfo | null;
  readonly remote: AddressInfo | null;
}

/** Opens the socket at the first addresses at which that is possible, and tells the protocol. */
export async function openDatagramEndpoint<P extends DatagramProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  options: DatagramEndpointOptions,
): Promise<[DatagramTransport, P]> {
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

/** What came before the protocol was there is kept for it, as the system keeps it for a socket that nobody reads. */
interface Opened {
  readonly socket: Socket;
  readonly remote: AddressInfo | null;
  readonly early: readonly Datagram[];
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
  socket: Socket,
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
