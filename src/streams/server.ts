/** Serving connections, as `asyncio.start_server` and its Server; closing is defined as in CPython 3.13. */
import { AsyncResource } from "node:async_hooks";
import type { AddressInfo, ListenOptions, Server as NodeServer, Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import { inspect } from "node:util";
import { type Context, copyContext } from "../context.ts";
import { got, isCancelled, RuntimeError } from "../errors.ts";
import { inRootContext } from "../events.ts";
import { MANUAL } from "../handle.ts";
import type { EventLoop } from "../loop.ts";
import { net, tls } from "../network/builtins.ts";
import { checkHost } from "../network/names.ts";
import { once } from "../network/once.ts";
import { OutsideFuture, OutsideWaiters } from "../outside.ts";
import { getRunningLoop } from "../running.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { ignore, Transport } from "./transport.ts";
import { StreamWriter } from "./writer.ts";

/** Is called for each client, as a task of the loop. */
export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => unknown;

/** Where to serve: Node's own options of listening (`port`, `path`, `backlog`...), and these. */
export interface StartServerOptions extends Omit<ListenOptions, "host">, StreamReaderOptions {
  /** At which addresses: a name or address of this host, or several; default all. With port 0 each gets a port of its own. */
  host?: string | readonly string[] | undefined;
  /** Speaks TLS: Node's options for it, with `key` and `cert`. */
  tls?: TlsOptions;
  /** Whether to listen at once; default true. With false nothing does until `startServing` or `serveForever`. */
  startServing?: boolean;
}

/**
 * Serves each client that connects with a task of its own, and returns the server, which listens by then.
 *
 * The task runs `onClient(reader, writer)` with the context variables of the caller of `startServer`. When an async
 * handler ends, its connection is closed, after what it wrote is sent; a plain function's connection stays open until
 * its writer is closed. A handler's error goes to the loop's exception handler, and its connection is closed. Port 0
 * takes a free one: see `server.port`.
 *
 * Throws Node's error (code EADDRINUSE and so on) when it cannot listen.
 *
 * @example
 * ```ts
 * import { openConnection, run, startServer } from "threadloop";
 *
 * await run(async () => {
 *   const server = await startServer(async (reader, writer) => {
 *     for await (const line of reader.lines()) {
 *       writer.write(`${line.toUpperCase()}\n`);
 *       await writer.drain();
 *     }
 *   }, { host: "127.0.0.1", port: 0 });
 *
 *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
 *   writer.write("hello\n");
 *   console.log(String(await reader.readLine()).trim()); // HELLO
 *   writer.close();
 *   server.close();
 *   await server.waitClosed();
 * });
 * ```
 */
export async function startServer(onClient: ClientHandler, options: StartServerOptions): Promise<Server> {
  if (typeof onClient !== "function") {
    throw new TypeError(`Expected \`onClient\` to be a function of (reader, writer), got ${got(onClient)}`);
  }
  const server = new Server(getRunningLoop(), onClient, options);
  if (options.startServing !== false) await server.startServing();
  return server;
}

/** What `startServer` returns. */
export class Server {
  readonly #loop: EventLoop;
  readonly #onClient: ClientHandler;
  readonly #options: StartServerOptions;
  /** One for each host. */
  readonly #servers: ReadonlyMap<NodeServer, string | undefined>;
  readonly #clients = new Set<Transport>();
  readonly #closeWaiters = new OutsideWaiters();
  /** The context variables and the async context in which handlers start. */
  readonly #context: Context = copyContext();
  readonly #resource = new AsyncResource("Server", MANUAL);
  #opening: NodeServer | null = null;
  #closed = false;
  #forever: OutsideFuture<never> | null = null;

  /** @internal */
  constructor(loop: EventLoop, onClient: ClientHandler, options: StartServerOptions) {
    this.#loop = loop;
    this.#onClient = onClient;
    this.#options = options;
    this.#servers = new Map(hostsOf(options).map((host) => [this.#make(), host]));
    loop._atClose.add(this.#abandon);
  }

  /** Tells whether it accepts clients. */
  isServing(): boolean {
    return !this.#closed && this.#all.every((server) => server.listening);
  }

  /** Returns the loop whose tasks serve. */
  getLoop(): EventLoop {
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
    try {
      for (const server of this.#all) await this.#listen(server);
    } catch (error) {
      if (isCancelled(error)) this.close();
      else this.#unlisten();
      throw error;
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

  /** Somebody else may wait for the same server to listen. */
  async #listen(server: NodeServer): Promise<void> {
    if (this.#closed) throw new RuntimeError(`server ${inspect(this)} is closed`);
    if (server.listening) return;
    if (this.#opening !== server) {
      this.#opening = server;
      const { tls: _tls, limit: _limit, startServing: _startServing, ...options } = this.#options;
      inRootContext(() => server.listen({ ...options, host: this.#servers.get(server) }));
    }
    try {
      await once(server, "listening");
    } finally {
      this.#opening = null;
    }
  }

  #unlisten(): void {
    for (const server of this.#all) server.close(ignore);
  }

  #abandon = (): void => {
    this.close();
    this.closeClients();
  };

  #accept(socket: Socket): void {
    const reader = new StreamReader(this.#options);
    const client: Transport = new Transport(this.#loop, socket, reader, () => {
      this.#clients.delete(client);
      this.#wakeIfOver();
    });
    this.#clients.add(client.closeWithLoop());
    if (this.#closed) {
      client.abort(); // it was accepted while the server closed
      return;
    }
    const serve = () => this.#serve(client, reader);
    this.#resource.runInAsyncScope(() => this.#context.run(() => this.#loop.createTask(serve)));
  }

  /** The task of a client. */
  async #serve(client: Transport, reader: StreamReader): Promise<void> {
    try {
      const handled = this.#onClient(reader, new StreamWriter(client, true)) as
        | PromiseLike<unknown>
        | undefined;
      if (typeof handled?.then !== "function") return;
      await handled;
      client.close();
    } catch (exception) {
      client.close();
      if (isCancelled(exception)) throw exception;
      this.#loop.callExceptionHandler({
        message: "Unhandled exception in client handler",
        exception,
        server: this,
      });
    }
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

function hostsOf({ host }: StartServerOptions): readonly (string | undefined)[] {
  if (!Array.isArray(host)) return [host as string | undefined];
  for (const each of host) checkHost(each, "host");
  if (host.length === 0) throw new RangeError("Expected `host` to name at least one host, got `[]` (object)");
  return [...new Set<string>(host)];
}

function makeServer(options: StartServerOptions, accept: (socket: Socket) => void): NodeServer {
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
