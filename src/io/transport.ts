/**
 * A connection as asyncio's Transport and Protocol see it, over a socket of Node's: callbacks instead of a reader.
 *
 *   open --close()--> closing: what was written is sent, what comes is dropped --> lost: connectionLost, once
 *   open --abort(), the peer, an error--------------------------------------------> lost
 *
 * What came waits in `#inbox` for its turn in the loop, so that nothing is told while reading is paused.
 */
import type { Socket } from "node:net";
import { inspect } from "node:util";
import { RuntimeError } from "../errors/errors.ts";
import type { ClosingLoop } from "./datagrams.ts";
import type { Clients } from "./holdsocket.ts";
import { ProtocolCalls } from "./protocolcalls.ts";
import { infoOf, isTls, type TransportInfo } from "./socketinfo.ts";
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

/** Writes to a connection: what `connectionMade` gets and `loop.createConnection` returns beside the protocol. */
export class Transport {
  readonly #loop: ClosingLoop;
  readonly #protocol: Protocol;
  readonly #calls: ProtocolCalls;
  /** @internal */ readonly _socket: Socket;
  /** @internal */ readonly _server: Clients | null;
  readonly #buffer: WriteBuffer;
  readonly #info: TransportInfo;
  /** What came and was not told yet; null is the end. */
  readonly #inbox: (Buffer | null)[] = [];
  #closing = false;
  #eofWritten = false;
  #readingPaused = false;
  #broken: Error | null = null;
  /** A file is being sent. */
  #sendingFile = false;

  /** @internal Of a socket that is connected, and that has a listener of errors; maybe a client of a server. */
  constructor(loop: ClosingLoop, protocol: Protocol, socket: Socket, server: Clients | null = null) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    this._socket = socket;
    this._server = server;
    this.#buffer = new WriteBuffer(loop, this, protocol, this.#calls, socket);
    this.#info = infoOf(socket);
  }

  /** @internal Tells the protocol that the connection is made, and then what comes. */
  _begin(): this {
    this._socket.pause(); // what comes is read when the protocol knows the connection
    this.#calls.soon(() => {
      try {
        return this.#protocol.connectionMade?.(this);
      } finally {
        if (!this.#readingPaused && !this.#closing) this._socket.resume();
      }
    });
    return this.#listen();
  }

  /** @internal Tells the protocol what comes; also of a socket that is closed already, that it is. */
  _takeOver(): this {
    this.#listen();
    this._socket.resume();
    return this;
  }

  #listen(): this {
    const socket = this._socket.on("data", this.#receive).on("end", this.#receiveEnd);
    this.#loop._atClose.add(this.close);
    this._server?._attach(this);
    if (socket.readableEnded) this.#receiveEnd(); // Node tells the end of a stream without bytes to nobody, if nobody listens
    if (socket.closed) this.#lose();
    else socket.once("close", this.#lose);
    return this;
  }

  /** @internal Lets the socket go, for an upgrade, and returns what came and was not told. It counts as closed then. */
  _letGo(): Buffer {
    this.#closing = true;
    this._socket.off("data", this.#receive).off("end", this.#receiveEnd).off("close", this.#lose).pause();
    this.#forget();
    return Buffer.concat(this.#inbox.splice(0).filter((piece) => piece !== null));
  }

  /** @internal Writes, and tells when the system has taken it; the protocol is not told to pause, whoever writes waits. */
  _send(data: Uint8Array, taken: (error: Error | null | undefined) => void): void {
    this.#buffer.send(data, taken);
  }

  /** @internal Sends a file: nobody else may write meanwhile, which would lie in the middle of it. */
  async _whileSendingFile<T>(send: () => Promise<T>): Promise<T> {
    this._checkNotSendingFile("send a file");
    this.#sendingFile = true;
    try {
      return await send();
    } finally {
      this.#sendingFile = false;
    }
  }

  /** @internal Throws RuntimeError while a file is sent. */
  _checkNotSendingFile(what: string): void {
    if (this.#sendingFile)
      throw new RuntimeError(`unable to ${what}; sendfile is in progress: await loop.sendfile() first`);
  }

  /** @internal Ends the connection at once, as broken by an error. */
  _break(error: Error | null): void {
    this.#broken = error;
    this.abort();
  }

  /**
   * Puts bytes in the buffer to be sent, a string as UTF-8; never waits. After `close`, or when the connection is lost,
   * they are dropped. Throws RuntimeError after `writeEof`, and while `loop.sendfile` sends a file.
   */
  write(data: string | Uint8Array): void {
    checkData(data);
    this._checkNotSendingFile("write");
    if (this.#eofWritten) throw new RuntimeError("Cannot call write() after writeEof()");
    if (!this.isClosing()) this.#buffer.write(data);
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    this._socket.cork();
    try {
      for (const piece of pieces) this.write(piece);
    } finally {
      this._socket.uncork();
    }
  }

  /** Tells whether `writeEof` can be used: not under TLS. */
  canWriteEof(): boolean {
    return !isTls(this._socket);
  }

  /** Sends what was written and then the end of the stream; what the other end sends is still received. */
  writeEof(): void {
    if (!this.canWriteEof()) throw new RuntimeError("A TLS connection cannot be half closed: close() it");
    this._checkNotSendingFile("write the end");
    if (this.#eofWritten || this.isClosing()) return;
    this.#eofWritten = true;
    this._socket.end();
  }

  /** Sends what was written and ends the connection. What comes from now on is dropped. Twice is fine. */
  close = (): void => {
    if (this.isClosing()) return;
    this.#closing = true;
    const socket = this._socket.resume(); // the other side may read only when it has written
    if (socket.writableFinished) socket.destroy();
    else socket.once("finish", () => socket.destroy()).end();
  };

  /** Ends the connection at once; what was written and not yet sent is dropped. */
  abort(): void {
    this.#closing = true;
    this._socket.destroy();
  }

  /** Tells whether the connection is closed, or is about to be. */
  isClosing(): boolean {
    return this.#closing || this._socket.destroyed;
  }

  /** Tells the protocol of nothing that comes, until `resumeReading`; the sender is held up. */
  pauseReading(): void {
    if (this.isClosing()) return;
    this.#readingPaused = true;
    this._socket.pause();
  }

  /** Goes on reading. */
  resumeReading(): void {
    if (this.#closing || !this.#readingPaused) return;
    this.#readingPaused = false;
    for (const _piece of this.#inbox) this.#calls.soon(this.#deliver);
    this._socket.resume();
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

  #receive = (piece: Buffer | string | null): void => {
    this.#inbox.push(piece as Buffer | null);
    this.#calls.soon(this.#deliver);
  };

  #receiveEnd = (): void => this.#receive(null);

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
    if (answer !== true || isTls(this._socket)) this.close();
    return answer;
  }

  #breakBy(exception: Error, method: string): void {
    this.#loop.callExceptionHandler({
      message: `Fatal error: protocol.${method}() call failed.`,
      exception,
      transport: this,
      protocol: this.#protocol,
    });
    this._break(exception);
  }

  #lose = (): void => {
    this.#forget();
    const error = this.#broken ?? whatBroke(this._socket);
    this.#calls.soon(() => {
      this.#closing = true; // nothing is told after this
      return this.#protocol.connectionLost?.(error);
    });
  };

  #forget(): void {
    this.#loop._atClose.delete(this.close);
    this._server?._detach(this);
  }
}
