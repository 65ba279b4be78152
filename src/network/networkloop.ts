/** The loop's methods of the network, as asyncio's over Node's own `dns`, `dgram`, `net` and `tls`. */
import type { AddressInfo } from "node:net";
import type { Readable, Writable } from "node:stream";
import { got } from "../errors.ts";
import type { Future } from "../future.ts";
import { Pump } from "../pump.ts";
import { type CreateConnectionOptions, connect } from "./connect.ts";
import type { Protocol, Transport } from "./connections.ts";
import { connectPipe } from "./connectpipe.ts";
import { type DatagramEndpointOptions, openDatagramEndpoint } from "./datagramendpoint.ts";
import type { DatagramProtocol, DatagramTransport } from "./datagrams.ts";
import { checkHost, checkPort, type GetaddrinfoOptions, lookUpAddress, lookUpHost } from "./names.ts";
import { openSubprocess, type SubprocessProtocolOptions } from "./opensubprocess.ts";
import { checkSource, type ReadPipeProtocol, ReadPipeTransport } from "./readpipe.ts";
import type { SubprocessProtocol, SubprocessTransport } from "./subprocesses.ts";
import { checkTarget, type WritePipeProtocol, WritePipeTransport } from "./writepipe.ts";

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

  /**
   * Starts a program, without a shell, for a protocol, and returns its transport, and the protocol that the factory made,
   * once that was told that the connection is made. `createSubprocess` gives streams instead. As in asyncio its input and
   * outputs are pipes unless the options say otherwise. `connectionLost` comes after the process has ended and all of its
   * pipes are closed.
   *
   * Throws Node's error when it cannot be started (code ENOENT, EACCES). When it is cancelled, the program is
   * killed, and its end waited for. A process that still runs when the loop closes is killed, unless it was started with
   * `detached`.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<string>();
   *   let text = "";
   *   const protocol = {
   *     pipeDataReceived: (_fd: number, data: Buffer) => { text += data; },
   *     connectionLost: () => over.setResult(text),
   *   };
   *   const [transport] = await getRunningLoop().subprocessExec(() => protocol, "tr", ["a-z", "A-Z"]);
   *   const stdin = transport.getPipeTransport(0);
   *   stdin?.write("hello");
   *   stdin?.close();
   *   console.log(await over, transport.getReturncode()); // HELLO 0
   * });
   * ```
   */
  async subprocessExec<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    command: string,
    args: readonly string[] = [],
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    this._checkClosed();
    return await openSubprocess(this, protocolFactory, { program: command, args }, options);
  }

  /**
   * Runs a command line in the shell (`/bin/sh`, or `cmd.exe` on Windows), otherwise as `subprocessExec` does. What comes
   * from elsewhere must be quoted by the caller: better give it to `subprocessExec` as an argument.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<void>();
   *   const protocol = {
   *     pipeDataReceived: (fd: number, data: Buffer) => console.log(fd, String(data).trim()),
   *     connectionLost: () => over.setResult(),
   *   };
   *   await getRunningLoop().subprocessShell(() => protocol, "echo oh >&2"); // 2 oh
   *   await over;
   * });
   * ```
   */
  async subprocessShell<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    commandLine: string,
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    this._checkClosed();
    return await openSubprocess(this, protocolFactory, { commandLine }, options);
  }

  /**
   * Has a protocol told what comes from a readable stream of Node's, and returns the transport, and the protocol that the
   * factory made, once that was told that the connection is made. The function `connectReadPipe` gives a reader instead.
   * The stream is closed at its end, or by the transport; when the loop closes before, it is paused and let go.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { createReadStream } from "node:fs";
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<number>();
   *   let size = 0;
   *   const protocol = {
   *     dataReceived: (data: Buffer) => { size += data.length; },
   *     connectionLost: () => over.setResult(size),
   *   };
   *   await getRunningLoop().connectReadPipe(() => protocol, createReadStream("package.json"));
   *   console.log((await over) > 0); // true
   * });
   * ```
   */
  async connectReadPipe<P extends ReadPipeProtocol>(
    protocolFactory: () => P,
    source: Readable,
  ): Promise<[transport: ReadPipeTransport, protocol: P]> {
    this._checkClosed();
    checkSource(source);
    return await connectPipe(this, protocolFactory, (made) => new ReadPipeTransport(this, made, source));
  }

  /**
   * Gives a writable stream of Node's a transport and a protocol, and returns both once the protocol was told that the
   * connection is made. The function `connectWritePipe` gives a writer instead. The transport's `close` closes the stream;
   * the loop does not close it at its end.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [transport] = await getRunningLoop().connectWritePipe(() => ({}), process.stdout);
   *   transport.write("progress\n"); // progress
   * });
   * ```
   */
  async connectWritePipe<P extends WritePipeProtocol>(
    protocolFactory: () => P,
    target: Writable,
  ): Promise<[transport: WritePipeTransport, protocol: P]> {
    this._checkClosed();
    checkTarget(target);
    return await connectPipe(this, protocolFactory, (made) => new WritePipeTransport(this, made, target));
  }
}
