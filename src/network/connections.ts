/**
 * A connection as asyncio's Transport and Protocol see it, over a socket of Node's: callbacks instead of a reader.
 *
 *   open --close()--> closing: what was written is sent, what comes is dropped --> lost: connectionLost, once
 *   open --abort(), the peer, an error--------------------------------------------> lost
 *
 * What came waits in `#inbox` for its turn in the loop, so that nothing is told while reading is paused.
 */
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { RuntimeError } from "../errors.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { ProtocolCalls } from "./protocolcalls.ts";
import { checkData, WriteBuffer, type WriteBufferLimits, whatBroke } from "./writebuffer.ts";

/**
 * Is told what happens on a connection; none of the methods must be there. They run as callbacks of the loop, except
 * `pauseWriting`, which as in asyncio is called by the `write` that fills the buffer, so that a loop of writes can stop.
 */
export interface Protocol {
  /** The connection is made; comes first. */
  connectionMade?(transport: Transport): unknown;
  /** Bytes came. An error that it throws breaks the connection. */
  dataReceived?(data: Buffer): unknown;
  /** The other end sends no more. The connection is closed unless this returns true; under TLS always. */
  eofReceived?(): unknown;
  /** The connection has ended; comes last. The error is what broke it, or null. */
  connectionLost?(error: Error | null): unknown;
  /** The write buffer is above its high-water mark. */
  pauseWriting?(): unknown;
  /** The write buffer is down to its low-water mark. */
  resumeWriting?(): unknown;
}

/** What `getExtraInfo` of a Transport knows. */
export interface TransportInfo {
  /** The address of this end; not of a Unix socket. */
  sockname: AddressInfo;
  /** The address of the other end; not of a Unix socket. */
  peername: AddressInfo;
  /** Node's own socket, a TLSSocket under TLS. */
  socket: Socket;
}

/** Writes to a connection: what `connectionMade` gets and `loop.createConnection` returns beside the protocol. */
export class Transport {
  readonly #loop: ClosingLoop;
  readonly #protocol: Protocol;
  readonly #calls: ProtocolCalls;
  readonly #socket: Socket;
  readonly #buffer: WriteBuffer;
  readonly #info: TransportInfo;
  /** What came and was not told yet; null is the end. */
  readonly #inbox: (Buffer | null)[] = [];
  #closing = false;
  #eofWritten = false;
  #readingPaused = false;
  #broken: Error | null = null;

  /** @internal Takes over a socket that is connected. */
  constructor(loop: ClosingLoop, protocol: Protocol, socket: Socket) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    this.#socket = socket;
    this.#buffer = new WriteBuffer(loop, this, protocol, this.#calls, socket);
    this.#info = infoOf(socket);
    this.#calls.soon(() => protocol.connectionMade?.(this));
    socket.on("data", (data) => this.#receive(data as Buffer)).on("end", () => this.#receive(null));
    socket.once("close", this.#lose);
    loop._atClose.add(this.close);
  }

  /**
   * Puts bytes in the buffer to be sent, a string as UTF-8; never waits. After `close`, or when the connection is lost,
   * they are dropped. Throws RuntimeError after `writeEof`.
   */
  write(data: string | Uint8Array): void {
    checkData(data);
    if (this.#eofWritten) throw new RuntimeError("Cannot call write() after writeEof()");
    if (!this.isClosing()) this.#buffer.write(data);
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    this.#socket.cork();
    try {
      for (const piece of pieces) this.write(piece);
    } finally {
      this.#socket.uncork();
    }
  }

  /** Tells whether `writeEof` can be used: not under TLS. */
  canWriteEof(): boolean {
    return !isTls(this.#socket);
  }

  /** Sends what was written and then the end of the stream; what the other end sends is still received. */
  writeEof(): void {
    if (!this.canWriteEof()) throw new RuntimeError("A TLS connection cannot be half closed: close() it");
    if (this.#eofWritten || this.isClosing()) return;
    this.#eofWritten = true;
    this.#socket.end();
  }

  /** Sends what was written and ends the connection. What comes from now on is dropped. Twice is fine. */
  close = (): void => {
    if (this.isClosing()) return;
    this.#closing = true;
    const socket = this.#socket.resume(); // the other side may read only when it has written
    if (socket.writableFinished) socket.destroy();
    else socket.once("finish", () => socket.destroy()).end();
  };

  /** Ends the connection at once; what was written and not yet sent is dropped. */
  abort(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  /** Tells whether the connection is closed, or is about to be. */
  isClosing(): boolean {
    return this.#closing || this.#socket.destroyed;
  }

  /** Tells the protocol of nothing that comes, until `resumeReading`; the sender is held up. */
  pauseReading(): void {
    if (this.isClosing()) return;
    this.#readingPaused = true;
    this.#socket.pause();
  }

  /** Goes on reading. */
  resumeReading(): void {
    if (this.#closing || !this.#readingPaused) return;
    this.#readingPaused = false;
    for (const _piece of this.#inbox) this.#calls.soon(this.#deliver);
    this.#socket.resume();
  }

  /** Tells whether what comes is told to the protocol. */
  isReading(): boolean {
    return !this.#readingPaused && !this.isClosing();
  }

  /** Sets when the protocol pauses and resumes writing. Throws RangeError unless `high` >= `low` >= 0. */
  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    this.#buffer.setLimits(limits);
  }

  /** Returns the limits in bytes. */
  getWriteBufferLimits(): Required<WriteBufferLimits> {
    return this.#buffer.limits;
  }

  /** Returns how many bytes wait to be sent. */
  getWriteBufferSize(): number {
    return this.#buffer.size;
  }

  /** Returns a fact about the connection, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof TransportInfo>(name: K): TransportInfo[K] | undefined;
  getExtraInfo<K extends keyof TransportInfo, D>(name: K, otherwise: D): TransportInfo[K] | D;
  getExtraInfo(name: keyof TransportInfo, otherwise?: unknown): unknown {
    return this.#info[name] ?? otherwise;
  }

  [inspect.custom](): string {
    const { peername } = this.#info;
    const peer = peername === undefined ? "" : ` to ${peername.address}:${peername.port}`;
    return `<Transport${peer}${this.isClosing() ? ", closing" : ""}>`;
  }

  #receive(piece: Buffer | null): void {
    this.#inbox.push(piece);
    this.#calls.soon(this.#deliver);
  }

  #deliver = (): unknown => {
    if (this.#readingPaused || this.#closing) return;
    const piece = this.#inbox.shift();
    if (piece === undefined) return;
    try {
      return piece === null ? this.#deliverEnd() : this.#protocol.dataReceived?.(piece);
    } catch (error) {
      this.#breakBy(error as Error, piece === null ? "eofReceived" : "dataReceived");
    }
  };

  #deliverEnd(): unknown {
    const answer = this.#protocol.eofReceived?.();
    if (answer !== true || isTls(this.#socket)) this.close();
    return answer;
  }

  #breakBy(exception: Error, method: string): void {
    this.#loop.callExceptionHandler({
      message: `Fatal error: protocol.${method}() call failed.`,
      exception,
      transport: this,
      protocol: this.#protocol,
    });
    this.#broken = exception;
    this.abort();
  }

  #lose = (): void => {
    this.#loop._atClose.delete(this.close);
    const error = this.#broken ?? whatBroke(this.#socket);
    this.#calls.soon(() => {
      this.#closing = true; // nothing is told after this
      return this.#protocol.connectionLost?.(error);
    });
  };
}

function isTls(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** Asked for at the beginning, as a socket that is closed knows them no more. */
function infoOf(socket: Socket): TransportInfo {
  const { localAddress, localFamily, localPort, remoteAddress, remoteFamily, remotePort } = socket;
  return {
    socket,
    ...(localAddress && { sockname: { address: localAddress, family: localFamily, port: localPort } }),
    ...(remoteAddress && { peername: { address: remoteAddress, family: remoteFamily, port: remotePort } }),
  } as TransportInfo;
}
