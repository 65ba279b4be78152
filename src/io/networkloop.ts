/** The loop's methods of connections, as asyncio's over Node's own `net` and `tls`. */
import type { FileHandle } from "node:fs/promises";
import type { Socket } from "node:net";
import { checkOptionNames, checkOwnOptions, optionNames } from "../errors/optionnames.ts";
import type { ConnectAcceptedSocketOptions, CreateConnectionOptions } from "./connections.ts";
import { DatagramLoop } from "./datagramloop.ts";
import { network } from "./implementation.ts";
import { checkHost, checkPort } from "./names.ts";
import type { SendfileOptions } from "./sendfile.ts";
import type { CreateServerOptions, Server } from "./server.ts";
import type { StartTlsOptions } from "./starttls.ts";
import type { Protocol, Transport } from "./transport.ts";

const ACCEPTED_OPTIONS = optionNames<ConnectAcceptedSocketOptions>({ tls: true });
const SENDFILE_OPTIONS = optionNames<SendfileOptions>({ offset: true, count: true, fallback: true });
// What goes on to Node is Node's.
const TLS_OPTION = optionNames<Pick<CreateConnectionOptions, "tls">>({ tls: true });
const SERVER_OPTIONS = optionNames<Pick<CreateServerOptions, "tls" | "startServing" | "cleanupSocket">>({
  cleanupSocket: true,
  tls: true,
  startServing: true,
});

export abstract class NetworkLoop extends DatagramLoop {
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
    checkOwnOptions("createConnection", options, TLS_OPTION);
    const { tls, ...socketOptions } = options;
    return await network.connect(this, protocolFactory, { ...socketOptions, host, port }, tls);
  }

  /**
   * Connects to the Unix socket (on Windows: named pipe) of a path, as `createConnection` does to a host. With `tls` the
   * `servername` is up to you.
   *
   * Throws Node's error when it cannot connect: its `code` is ENOENT, ECONNREFUSED and so on. When it is cancelled, the
   * attempt is given up.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const connecting = getRunningLoop().createUnixConnection(() => ({}), "/run/nobody/is/there");
   *   await connecting.catch((error) => console.log(error.code)); // ENOENT
   * });
   * ```
   */
  async createUnixConnection<P extends Protocol>(
    protocolFactory: () => P,
    path: string,
    options: Pick<CreateConnectionOptions, "tls"> = {},
  ): Promise<[transport: Transport, protocol: P]> {
    this._checkClosed();
    network.checkPath(path);
    checkOptionNames("createUnixConnection", options, TLS_OPTION);
    return await network.connect(this, protocolFactory, { path }, options.tls);
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
    checkOwnOptions("createServer", options, SERVER_OPTIONS);
    return await network.serveProtocols(this, protocolFactory, options);
  }

  /**
   * Serves at the Unix socket (on Windows: named pipe) of a path, as `createServer` does at a port. The file of the socket
   * is removed when the server is closed; one that was left there is not: that throws Node's error (code EADDRINUSE).
   *
   * @example
   * ```ts
   * import { mkdtempSync, rmdirSync } from "node:fs";
   * import { tmpdir } from "node:os";
   * import { join } from "node:path";
   * import { Event, getRunningLoop, run, type Transport } from "threadloop";
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const folder = mkdtempSync(join(tmpdir(), "example-"));
   *   const path = process.platform === "win32" ? join("\\\\.\\pipe", folder) : join(folder, "socket");
   *   const greeter = { connectionMade: (transport: Transport) => transport.write("welcome") };
   *   const server = await loop.createUnixServer(() => greeter, path);
   *
   *   const greeted = new Event();
   *   const client = {
   *     dataReceived(data: Buffer) {
   *       console.log(String(data)); // welcome
   *       greeted.set();
   *     },
   *   };
   *   const [transport] = await loop.createUnixConnection(() => client, path);
   *   await greeted.wait();
   *   transport.close();
   *   server.close();
   *   await server.waitClosed();
   *   rmdirSync(folder);
   * });
   * ```
   */
  async createUnixServer(
    protocolFactory: () => Protocol,
    path: string,
    options: Omit<CreateServerOptions, "host" | "path" | "port"> = {},
  ): Promise<Server<this>> {
    this._checkClosed();
    network.checkPath(path);
    checkOwnOptions("createUnixServer", options, SERVER_OPTIONS);
    return await network.serveProtocols(this, protocolFactory, { ...options, path });
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
    checkOptionNames("connectAcceptedSocket", options, ACCEPTED_OPTIONS);
    return await network.connectAccepted(this, protocolFactory, socket, options.tls);
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
    return await network.startTls(this, transport, protocol, options);
  }

  /**
   * Sends a file, from `offset` on and at most `count` bytes, and returns how many it sent. Meanwhile the protocol is told
   * nothing of what comes, as reading is paused, and a slow receiver holds up the reading of the file. The position of the
   * file stays where it is.
   *
   * Node has no sendfile of the system: the bytes go through memory, and with `fallback: false` it throws
   * SendfileNotAvailableError. Throws RuntimeError when the transport is closing, and an error with the code ECONNRESET,
   * or what broke the connection, when that ends within. When it is cancelled, what was sent until then is sent.
   *
   * @example
   * ```ts
   * import { open } from "node:fs/promises";
   * import { getRunningLoop, openConnection, run, type Transport } from "threadloop";
   *
   * await run(async () => {
   *   const loop = getRunningLoop();
   *   const send = async (transport: Transport) => {
   *     const file = await open("LICENSE");
   *     await loop.sendfile(transport, file, { count: 11 });
   *     await file.close();
   *     transport.close();
   *   };
   *   const server = await loop.createServer(() => ({ connectionMade: send }), { host: "127.0.0.1", port: 0 });
   *   const { reader } = await openConnection({ host: "127.0.0.1", port: server.port });
   *   console.log(String(await reader.read())); // MIT License
   *   server.close();
   * });
   * ```
   */
  async sendfile(transport: Transport, file: FileHandle, options: SendfileOptions = {}): Promise<number> {
    this._checkClosed();
    checkOptionNames("sendfile", options, SENDFILE_OPTIONS);
    return await network.sendfile(this, transport, file, options);
  }
}
