/**
 * This is a server over Node's own, as asyncio's Server; closing is defined as in CPython 3.13. What serves a client
 * is up to its maker: a protocol of the program's (`createServer`), or a reader and a writer (`streams/connect`).
 */
import type { ListenOptions, Server as NodeServer } from "node:net";
import { dirname, join } from "node:path";
import type { TlsOptions } from "node:tls";
import { inspect } from "node:util";
import { got, RuntimeError } from "../errors/errors.ts";
import { checkOwnOptions } from "../errors/misspelt.ts";
import { optionNames } from "../errors/optionnames.ts";
import { type AbstractEventLoop, inRootContext } from "../scheduling/events.ts";
import { OutsideFuture, OutsideWaiters } from "../task/outside.ts";
import { isCancelled } from "../task/scope.ts";
import { type AddressInfo, fs, net, type Socket, type TLSSocket, tls } from "./builtins.ts";
import { type Client, type ClosingLoop, holdSocket } from "./holdsocket.ts";
import { checkHost, checkPath, checkPort } from "./names.ts";
import { ignore, once } from "./once.ts";
import { checkProtocol, checkProtocolFactory, checkRuns, tellByLoop } from "./protocolcalls.ts";
import { type Protocol, Transport } from "./transport.ts";

/** Where to serve: Node's own options of listening (`port`, `path`, `backlog`...), and these. */
export interface CreateServerOptions extends Omit<ListenOptions, "host"> {
  /** At which addresses: a name or address of this host, or several; default all. With port 0 each gets a port of its own. */
  host?: string | readonly string[] | undefined;
  /** Speaks TLS: Node's options for it, with `key` and `cert`. */
  tls?: TlsOptions;
  /** Whether to listen at once; default true. With false nothing does until `startServing` or `serveForever`. */
  startServing?: boolean;
  /** Whether the file of a Unix socket is removed when the server is closed, if it is still the server's; default true. */
  cleanupSocket?: boolean;
}

/** Serves a socket that was accepted; what it makes of it is to be one of the clients, or closed. */
export type Accept = (socket: Socket, server: Server) => void;

const SERVER_OPTIONS = optionNames<Pick<CreateServerOptions, "tls" | "startServing" | "cleanupSocket">>({
  cleanupSocket: true,
  tls: true,
  startServing: true,
});

/** The loop's method of this name: the factory is called for each client, as a callback of the loop. */
export async function createServer<L extends ClosingLoop>(
  loop: L,
  protocolFactory: () => Protocol,
  options: CreateServerOptions,
): Promise<Server<L>> {
  checkOwnOptions("createServer", options, SERVER_OPTIONS);
  return await serveProtocols(loop, protocolFactory, options);
}

/** The loop's method of this name. */
export async function createUnixServer<L extends ClosingLoop>(
  loop: L,
  protocolFactory: () => Protocol,
  path: string,
  options: Omit<CreateServerOptions, "host" | "path" | "port">,
): Promise<Server<L>> {
  checkPath(path);
  checkOwnOptions("createUnixServer", options, SERVER_OPTIONS);
  return await serveProtocols(loop, protocolFactory, { ...options, path });
}

/** Makes a server, which listens by then unless it is told not to. */
export async function openServer<L extends ClosingLoop>(
  loop: L,
  options: CreateServerOptions,
  accept: Accept,
): Promise<Server<L>> {
  const server = new Server(loop, options, accept);
  if (options.startServing === false) return server;
  try {
    await server.startServing();
    return server;
  } catch (error) {
    server.close(); // nobody else has it
    throw error;
  }
}

/**
 * What `startServer` and `loop.createServer` return.
 *
 * @example
 * ```ts
 * import { run, startServer } from "threadloop";
 *
 * await run(async () => {
 *   const server = await startServer((_reader, writer) => writer.close(), { host: "127.0.0.1", port: 0 });
 *   console.log(server.isServing()); // true
 *   server.close();
 *   await server.waitClosed();
 * });
 * ```
 */
export class Server<L extends AbstractEventLoop = AbstractEventLoop> {
  readonly #loop: L & ClosingLoop;
  readonly #options: CreateServerOptions;
  readonly #onSocket: Accept;
  /** One for each host. */
  readonly #servers: ReadonlyMap<NodeServer, string | undefined>;
  readonly #socketPath: SocketPath | null;
  readonly #clients = new Set<Client>();
  readonly #closeWaiters = new OutsideWaiters();
  /** Those who wait for somebody else's call of `startServing`; null when there is none under way. */
  #startWaiters: OutsideWaiters | null = null;
  #closed = false;
  #forever: OutsideFuture<never> | null = null;

  /** @internal */
  constructor(loop: L & ClosingLoop, options: CreateServerOptions, accept: Accept) {
    this.#loop = loop;
    this.#options = options;
    this.#onSocket = accept;
    this.#socketPath = socketPathFor(options.path, options.cleanupSocket !== false);
    this.#servers = new Map(hostsOf(options).map((host) => [this.#make(), host]));
    loop._atClose.add(this.#abandon);
  }

  /** Tells whether it accepts clients. */
  isServing(): boolean {
    if (this.#closed || this.#socketPath?.isPublished === false) return false;
    return this.#all.every((server) => server.listening);
  }

  /** Returns the loop that serves. */
  getLoop(): L {
    return this.#loop;
  }

  /** Node's own servers that listen: one for each host, or none before it serves and after it is closed. */
  get sockets(): readonly NodeServer[] {
    return this.isServing() ? this.#all : [];
  }

  /**
   * Returns where it listens: host and port, or the path of a Unix socket; null when it does not. Of several hosts it is
   * the first: see `sockets`.
   */
  address(): AddressInfo | string | null {
    return this.sockets[0]?.address() ?? null;
  }

  /** The port it listens at. Throws RuntimeError when it does not listen, or at a path. */
  get port(): number {
    const address = this.address();
    if (address !== null && typeof address === "object") return address.port;
    throw new RuntimeError(`${inspect(this)} has no port: see address()`);
  }

  /**
   * Begins to listen, if it does not yet. Throws Node's error when it cannot, and then listens at none of its hosts;
   * RuntimeError when it is closed.
   */
  async startServing(): Promise<void> {
    if (this.#startWaiters !== null) {
      await this.#startWaiters.wait();
      return;
    }
    const others = new OutsideWaiters();
    this.#startWaiters = others;
    try {
      for (const server of this.#all) await this.#listen(server);
      others.wake();
    } catch (error) {
      if (isCancelled(error)) this.close();
      else this.#unlisten();
      others.fail(isCancelled(error) ? this.#closedError() : error);
      throw error;
    } finally {
      this.#startWaiters = null;
    }
  }

  /**
   * Serves until the waiting task is cancelled or the server is closed. Then it closes the server, waits until its
   * clients have left (see `closeClients`; a second cancel ends this wait), and throws the CancelledError. Throws
   * RuntimeError when the server is closed or somebody waits here already.
   */
  async serveForever(): Promise<never> {
    if (this.#forever !== null)
      throw new RuntimeError(`server ${inspect(this)} is already being awaited on serveForever()`);
    const forever = new OutsideFuture<never>();
    this.#forever = forever;
    try {
      await this.startServing();
      return await this.#serveUntilCancelled(forever);
    } finally {
      forever.cancel();
      this.#forever = null;
    }
  }

  /** Stops listening. Connections that are open stay open. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop._atClose.delete(this.#abandon);
    this.#unlisten();
    this.#forever?.cancel("the server was closed");
    this.#wakeIfOver();
  }

  /** Closes the connections of all clients, after what was written is sent. */
  closeClients(): void {
    for (const client of [...this.#clients]) client.close();
  }

  /** Ends the connections of all clients at once. */
  abortClients(): void {
    for (const client of [...this.#clients]) client.abort();
  }

  /** Waits until the server is closed and all its connections have ended. */
  async waitClosed(): Promise<void> {
    if (!this.#closed || this.#clients.size > 0) await this.#closeWaiters.wait();
  }

  /** Closes it and waits for the end of its connections: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  [inspect.custom](): string {
    const address = this.address();
    const where =
      address !== null && typeof address === "object" ? `${address.address}:${address.port}` : address;
    const state = this.#closed ? "closed" : where === null ? "not serving" : `at ${where}`;
    return `<Server ${state}, ${this.#clients.size} clients>`;
  }

  /** @internal Counts a client, until it is detached. */
  _attach(client: Client): void {
    this.#clients.add(client);
  }

  /** @internal Forgets a client: its connection has ended. */
  _detach(client: Client): void {
    this.#clients.delete(client);
    this.#wakeIfOver();
  }

  async #serveUntilCancelled(forever: OutsideFuture<never>): Promise<never> {
    try {
      return await forever;
    } catch (error) {
      this.close();
      await this.waitClosed();
      throw error;
    }
  }

  get #all(): NodeServer[] {
    return [...this.#servers.keys()];
  }

  #make(): NodeServer {
    const server = inRootContext(makeServer, this.#options, (socket) => this.#accept(socket));
    return server.on("error", (exception) => this.#reportFailedAccept(exception));
  }

  async #listen(server: NodeServer): Promise<void> {
    if (this.#closed) throw this.#closedError();
    if (server.listening) return;
    const {
      tls: _tls,
      startServing: _startServing,
      cleanupSocket: _cleanupSocket,
      ...options
    } = this.#options;
    const where = this.#socketPath === null ? {} : { path: this.#socketPath.bound };
    checkPermission();
    inRootContext(() => server.listen({ ...options, host: this.#servers.get(server), ...where }));
    if (this.#socketPath !== null) server.once("listening", () => this.#publish(server));
    try {
      await once(server, "listening");
    } catch (error) {
      throw this.#socketPath?.renamed(error) ?? error;
    }
  }

  #closedError(): RuntimeError {
    return new RuntimeError(`server ${inspect(this)} is closed`);
  }

  /** The socket listens under a name of its own: now it is moved to the path. */
  #publish(server: NodeServer): void {
    try {
      this.#socketPath?.publish(server);
    } catch (error) {
      server.close(ignore);
      server.emit("error", error); // whoever waits for it to listen is told
    }
  }

  #unlisten(): void {
    this.#socketPath?.remove();
    for (const server of this.#all) server.close(ignore);
  }

  #abandon = (): void => {
    this.close();
    this.closeClients();
  };

  #accept(socket: Socket): void {
    socket.on("error", ignore);
    if (this.#closed)
      socket.destroy(); // it was accepted while the server closed
    else this.#onSocket(socket, this);
  }

  /** Failing to listen is the caller's matter; afterwards it is a client that could not be accepted. */
  #reportFailedAccept(exception: Error): void {
    if (!this.isServing()) return;
    this.#loop.callExceptionHandler({ message: "A client could not be accepted", exception, server: this });
  }

  #wakeIfOver(): void {
    if (this.#closed && this.#clients.size === 0) this.#closeWaiters.wake();
  }
}

function hostsOf({ host }: CreateServerOptions): readonly (string | undefined)[] {
  if (!Array.isArray(host)) return [host as string | undefined];
  for (const each of host) checkHost(each, "host");
  if (host.length === 0) throw new RangeError("Expected `host` to name at least one host, got `[]` (object)");
  return [...new Set<string>(host)];
}

function makeServer(options: CreateServerOptions, accept: (socket: Socket) => void): NodeServer {
  if (options.tls !== undefined) return tlsServer(options.tls, accept);
  return net().createServer({ noDelay: true, allowHalfOpen: true }, accept);
}

/** A client that is slow with its handshake, or never does it, does not hold the process. */
function tlsServer(options: TlsOptions, accept: (socket: Socket) => void): NodeServer {
  return tls()
    .createServer({ noDelay: true, ...options })
    .on("connection", (socket: Socket) => socket.unref())
    .on("tlsClientError", ignore)
    .on("secureConnection", (socket: TLSSocket) => accept(socket.ref()));
}

/** Node 26 would throw it from its own timers, where nobody can catch it. */
function checkPermission(): void {
  if (process.permission?.has("net") !== false) return;
  if (!process.allowedNodeEnvironmentFlags.has("--allow-net")) return; // this Node does not restrict it
  const error = new Error("This process may not listen: start it with --allow-net");
  throw Object.assign(error, { code: "ERR_ACCESS_DENIED", permission: "Net" });
}

/** Opens a server whose factory is called for each client, as a callback of the loop. */
async function serveProtocols<L extends ClosingLoop>(
  loop: L,
  protocolFactory: () => Protocol,
  options: CreateServerOptions,
): Promise<Server<L>> {
  checkRuns(loop);
  checkProtocolFactory(protocolFactory);
  checkPlace(options);
  return await openServer(loop, options, protocolPerClient(loop, protocolFactory));
}

function protocolPerClient(loop: ClosingLoop, protocolFactory: () => Protocol): Accept {
  const tell = tellByLoop(loop);
  return (socket, server) => {
    const letGo = holdSocket(loop, socket, server);
    tell(() => {
      try {
        if (!socket.destroyed) beginClient(loop, protocolFactory, socket, server);
      } finally {
        letGo();
      }
    });
  };
}

function beginClient(
  loop: ClosingLoop,
  protocolFactory: () => Protocol,
  socket: Socket,
  server: Server,
): void {
  try {
    const protocol = protocolFactory();
    checkProtocol(protocol);
    new Transport(loop, protocol, socket, server)._begin();
  } catch (exception) {
    socket.destroy();
    const message = "Error on transport creation for incoming connection";
    loop.callExceptionHandler({ message, exception, server });
  }
}

function checkPlace(options: CreateServerOptions): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected \`options\` to be an object with a port or a path, got ${got(options)}`);
  const { host, path, port } = options;
  if (path !== undefined) checkPath(path);
  else checkPort(port, "port");
  if (host !== undefined && !Array.isArray(host)) checkHost(host, "host");
}

/** What fits into the address of a socket on every system. */
const LONGEST_PATH = 103;

let socketPaths = 0;

/**
 * The file of a Unix server. libuv removes the path to which a socket was bound when it is closed, whosever file is
 * there by then: that of the successor, after a restart without a gap. So the socket is bound to a name that nobody else
 * uses, which is then moved to the path, and what is removed at the end is that very file or nothing, as in CPython.
 */
class SocketPath {
  readonly path: string;
  /** To which the socket is bound. */
  readonly bound: string;
  readonly #cleanup: boolean;
  #file: { readonly dev: bigint; readonly ino: bigint } | null = null;

  constructor(path: string, bound: string, cleanup: boolean) {
    this.path = path;
    this.bound = bound;
    this.#cleanup = cleanup;
  }

  /** Moves the socket to its path. Throws EADDRINUSE, as Node does, when something is there. */
  publish(server: NodeServer): void {
    const { linkSync, lstatSync, unlinkSync } = fs();
    try {
      linkSync(this.bound, this.path);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "EEXIST" ? inUse(this.path) : this.renamed(error);
    }
    unlinkSync(this.bound);
    this.#file = lstatSync(this.path, { bigint: true });
    server.address = () => this.path;
    if (this.#cleanup) remember(this);
  }

  /** Node says that a server listens a turn before it tells so, which is when the socket gets its path. */
  get isPublished(): boolean {
    return this.#file !== null;
  }

  /** Removes the file, if it is still this socket's. */
  remove(): void {
    const file = this.#file;
    this.#file = null;
    published.delete(this);
    if (file === null || !this.#cleanup) return;
    const { lstatSync, unlinkSync } = fs();
    try {
      const now = lstatSync(this.path, { bigint: true });
      if (now.dev === file.dev && now.ino === file.ino) unlinkSync(this.path);
    } catch {
      // it is gone, or may not be removed by us any more
    }
  }

  /** An error of Node's that names the path which the user knows. */
  renamed(error: unknown): unknown {
    const { message, address } = error as NodeJS.ErrnoException & { address?: string };
    if (address === this.bound) Object.assign(error as object, { address: this.path });
    if (!message?.includes(this.bound)) return error;
    return Object.assign(error as object, { message: message.replaceAll(this.bound, this.path) });
  }
}

/** The file of a server at this path; null where there is none of which we know, or the system does not work so. */
function socketPathFor(path: unknown, cleanup: boolean): SocketPath | null {
  if (typeof path !== "string" || path === "" || path.startsWith("\0") || process.platform === "win32")
    return null;
  if (process.env.NODE_UNIQUE_ID !== undefined) return null; // in a cluster the primary binds, once for all workers
  const bound = join(dirname(path), `.${process.pid.toString(36)}-${(socketPaths++).toString(36)}`);
  const lengths = [path, bound].map((each) => Buffer.byteLength(each));
  return Math.max(...lengths) > LONGEST_PATH ? null : new SocketPath(path, bound, cleanup);
}

/** Those that are to be removed when the process exits: libuv does so with what is bound. */
const published = new Set<SocketPath>();

function remember(path: SocketPath): void {
  if (!process.listeners("exit").includes(removeAll)) process.on("exit", removeAll);
  published.add(path);
}

function removeAll(): void {
  for (const path of published) path.remove();
}

function inUse(path: string): Error {
  const facts = { code: "EADDRINUSE", syscall: "listen", address: path };
  return Object.assign(new Error(`listen EADDRINUSE: address already in use ${path}`), facts);
}
