/** A writer is the sending end of a stream, as `asyncio.StreamWriter`. */

import { RuntimeError } from "../errors/errors.ts";
import type {
  AddressInfo,
  CipherNameAndProtocol,
  PeerCertificate,
  Socket,
  Writable,
} from "../io/builtins.ts";
import { connectionLost } from "../io/once.ts";
import { tellAtOnce } from "../io/protocolcalls.ts";
import { type TlsUpgradeOptions, upgrade } from "../io/tls.ts";
import { infoOf, isTls, Transport, type TransportInfo, type WriteTransport } from "../io/transport.ts";
import { inspect } from "../platform/node/inspect.ts";
import type { StreamProtocol } from "./protocol.ts";

/** What `getExtraInfo` knows. */
export interface ExtraInfo {
  /** The address of the other end; not of a Unix socket. */
  peername: AddressInfo;
  /** The address of this end. */
  sockname: AddressInfo;
  /** Node's own socket, a TLSSocket under TLS. */
  socket: Socket;
  /** The cipher of a TLS connection. */
  cipher: CipherNameAndProtocol;
  /** The other end's certificate under TLS. */
  peercert: PeerCertificate;
}

/**
 * Writes the bytes of a connection or to a process's input.
 *
 * `write` never waits: it puts the bytes in a buffer. `await writer.drain()` after it is what keeps that buffer small:
 * it waits while the other end does not take the bytes. The errors are Node's own, with its codes (`ECONNRESET`,
 * `EPIPE`). Close the writer in a `finally`.
 *
 * @example
 * ```ts
 * import { openConnection, run, startServer } from "threadloop";
 *
 * await run(async () => {
 *   const server = await startServer(async (reader, writer) => {
 *     writer.write(await reader.readLine());
 *     await writer.drain();
 *   }, { host: "127.0.0.1", port: 0 });
 *   const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
 *   writer.write("hello\n");
 *   console.log(String(await reader.read()).trim()); // hello
 *   writer.close();
 *   await writer.waitClosed();
 *   server.close();
 * });
 * ```
 */
export class StreamWriter {
  #transport: WriteTransport;
  readonly #protocol: StreamProtocol;
  readonly #serverSide: boolean;
  readonly #info: Partial<TransportInfo>;
  /** The handshake of `startTls` is under way: there is no connection through which anything could go. */
  #upgrading = false;

  /** @internal */
  constructor(transport: WriteTransport, protocol: StreamProtocol, serverSide = false) {
    this.#transport = transport;
    this.#protocol = protocol;
    this.#serverSide = serverSide;
    this.#info = infoOf(transport._stream as Socket);
  }

  /** Node's own stream under it: a Socket of a connection, the input pipe of a process. `destroy()` aborts it. */
  get transport(): Writable {
    return this.#transport._stream;
  }

  /**
   * Puts bytes in the buffer to be sent; a string as UTF-8. After `close`, or when the connection is lost, they are
   * dropped, which `drain` tells. Throws RuntimeError after `writeEof`, and while `startTls` is under way.
   */
  write(data: string | Uint8Array): void {
    this.#checkNotUpgrading("write");
    this.#transport.write(data);
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    this.#checkNotUpgrading("write");
    this.#transport.writeLines(pieces);
  }

  /**
   * Waits until the buffer is sent, when it is full; goes on at once when it is not. Throws what broke the
   * connection, or an error with the code ECONNRESET when it is closed. A cancelled drain drops nothing of what was
   * written.
   */
  async drain(): Promise<void> {
    const protocol = this.#protocol;
    const error = protocol.reader?.exception() ?? null;
    if (error !== null) throw error;
    if (this.isClosing()) {
      await protocol.untilLost();
      throw connectionLost();
    }
    if (this.#transport._stream.writableNeedDrain) this.#transport._pauseIfFull();
    if (protocol.isFull) await protocol.untilRoom();
  }

  /** Sends what was written and then ends the connection in both directions. Twice is fine. */
  close(): void {
    if (this.#upgrading) this.#transport.abort();
    else this.#transport.close();
  }

  /** Tells whether the connection is closed, or is about to be. */
  isClosing(): boolean {
    if (this.#upgrading) return this.#transport._stream.destroyed;
    return this.#transport.isClosing() || this.#protocol.isLost;
  }

  /** Waits until the connection has ended after `close()`; throws what broke it. */
  async waitClosed(): Promise<void> {
    await this.#protocol.untilLost();
  }

  /** Tells whether `writeEof` can be used: not under TLS. */
  canWriteEof(): boolean {
    return !isTls(this.#transport._stream);
  }

  /** Sends what was written and then the end of the stream; what the other end sends is still read. */
  writeEof(): void {
    if (!this.canWriteEof()) throw new RuntimeError("A TLS connection cannot be half closed: close() it");
    this.#checkNotUpgrading("write the end");
    this.#transport._end();
  }

  /**
   * Makes the connection a TLS connection; reader and writer stay the same. On the side of a server the options need
   * `key` and `cert`. Throws the error of the handshake. When it is cancelled, or the writer is closed meanwhile, the
   * connection is lost. Throws RuntimeError for what is no connection but a pipe, and while another call is under way.
   */
  async startTls(options: TlsUpgradeOptions = {}): Promise<void> {
    this.#checkNotUpgrading("make it secure");
    const { reader } = this.#protocol;
    await this.drain();
    this.#checkNotUpgrading("make it secure");
    const bare = this.#transport;
    if (!(bare instanceof Transport))
      throw new RuntimeError("Only a connection can be made secure, not a pipe");
    this.#upgrading = true;
    reader?._setSource(null);
    const early = reader?._takeAll();
    try {
      const how = { serverSide: this.#serverSide, options, tell: tellAtOnce, early };
      this.#transport = await upgrade(bare._loop, bare, this.#protocol, how);
      this.#protocol.connectionMade(this.#transport);
    } finally {
      this.#upgrading = false;
    }
  }

  /** Returns a fact about the connection, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: keyof ExtraInfo, otherwise?: unknown): unknown {
    return this.#extraInfo(name) ?? otherwise;
  }

  /** Closes it and waits until it has ended, whatever broke it: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed().catch(() => {});
  }

  [inspect.custom](): string {
    const { peername } = this.#info;
    const peer = peername === undefined ? "" : ` to ${peername.address}:${peername.port}`;
    return `<StreamWriter${peer}${this.isClosing() ? ", closing" : ""}>`;
  }

  #extraInfo(name: keyof ExtraInfo): unknown {
    const stream = this.#transport._stream;
    if (name === "peername" || name === "sockname") return this.#info[name];
    if (name === "socket") return "remoteAddress" in stream ? stream : undefined;
    if (!isTls(stream)) return undefined;
    if (name === "cipher") return stream.getCipher();
    return name === "peercert" ? stream.getPeerCertificate() : undefined;
  }

  #checkNotUpgrading(what: string): void {
    if (this.#upgrading)
      throw new RuntimeError(`unable to ${what}; startTls is in progress: await writer.startTls() first`);
  }
}
