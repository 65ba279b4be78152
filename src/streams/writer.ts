/** The sending end of a stream, as `asyncio.StreamWriter`. */
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";
import type { CipherNameAndProtocol, PeerCertificate, TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { RuntimeError } from "../errors/errors.ts";
import type { TlsUpgradeOptions } from "../io/tls.ts";
import type { Transport } from "./protocol.ts";
import { upgrade } from "./tls.ts";

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
  readonly #transport: Transport;
  readonly #serverSide: boolean;
  readonly #names: Partial<Pick<ExtraInfo, "peername" | "sockname">>;

  /** @internal */
  constructor(transport: Transport, serverSide = false) {
    this.#transport = transport;
    this.#serverSide = serverSide;
    this.#names = namesOf(transport.stream);
  }

  /** Node's own stream under it: a Socket of a connection, the input pipe of a process. `destroy()` aborts it. */
  get transport(): Writable {
    return this.#transport.stream;
  }

  /**
   * Puts bytes in the buffer to be sent; a string as UTF-8. After `close`, or when the connection is lost, they are
   * dropped, which `drain` tells. Throws RuntimeError after `writeEof`.
   */
  write(data: string | Uint8Array): void {
    this.#transport.write(data);
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    const { stream } = this.#transport;
    stream.cork();
    try {
      for (const piece of pieces) this.#transport.write(piece);
    } finally {
      stream.uncork();
    }
  }

  /**
   * Waits until the buffer is sent, when it is full; goes on at once when it is not. Throws what broke the
   * connection, or an error with the code ECONNRESET when it is closed. A cancelled drain drops nothing of what was
   * written.
   */
  async drain(): Promise<void> {
    await this.#transport.drain();
  }

  /** Sends what was written and then ends the connection in both directions. Twice is fine. */
  close(): void {
    this.#transport.close();
  }

  /** Tells whether the connection is closed, or is about to be. */
  isClosing(): boolean {
    return this.#transport.isClosing();
  }

  /** Waits until the connection has ended after `close()`; throws what broke it. */
  async waitClosed(): Promise<void> {
    await this.#transport.waitLost();
  }

  /** Tells whether `writeEof` can be used: not under TLS. */
  canWriteEof(): boolean {
    return !isTls(this.#transport.stream);
  }

  /** Sends what was written and then the end of the stream; what the other end sends is still read. */
  writeEof(): void {
    if (!this.canWriteEof()) throw new RuntimeError("A TLS connection cannot be half closed: close() it");
    this.#transport.writeEof();
  }

  /**
   * Makes the connection a TLS connection; reader and writer stay the same. On the side of a server the options need
   * `key` and `cert`. Throws the error of the handshake. When it is cancelled, the connection is lost.
   */
  async startTls(options: TlsUpgradeOptions = {}): Promise<void> {
    await this.#transport.drain();
    await upgrade(this.#transport, this.#serverSide, options);
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
    const { peername } = this.#names;
    const peer = peername === undefined ? "" : ` to ${peername.address}:${peername.port}`;
    return `<StreamWriter${peer}${this.isClosing() ? ", closing" : ""}>`;
  }

  #extraInfo(name: keyof ExtraInfo): unknown {
    const { stream } = this.#transport;
    if (name === "peername" || name === "sockname") return this.#names[name];
    if (name === "socket") return "remoteAddress" in stream ? stream : undefined;
    if (!isTls(stream)) return undefined;
    return name === "cipher" ? stream.getCipher() : stream.getPeerCertificate();
  }
}

function isTls(stream: Writable): stream is TLSSocket {
  return (stream as Partial<TLSSocket>).encrypted === true;
}

/** Asked for at the beginning, as a socket that is closed knows them no more. */
function namesOf(stream: Writable): Partial<Pick<ExtraInfo, "peername" | "sockname">> {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = stream as Duplex &
    Partial<Socket>;
  return {
    ...nameOf("peername", remoteAddress, remotePort, remoteFamily),
    ...nameOf("sockname", localAddress, localPort, localFamily),
  };
}

function nameOf(name: string, address?: string, port?: number, family?: string): object {
  return address === undefined || port === undefined ? {} : { [name]: { address, family, port } };
}
