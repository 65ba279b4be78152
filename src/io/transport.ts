/**
 * This is a connection as asyncio's Transport and Protocol see it, over a socket of Node's: callbacks instead of a
 * reader. The streams stand on it too, with a protocol of their own (`streams/protocol`).
 *
 *   open --close()--> closing: what was written is sent, what comes is dropped --> lost: connectionLost, once
 *   open --abort(), the peer, an error--------------------------------------------> lost
 *
 * What came waits in `#inbox` for its turn in the loop, so that nothing is told while reading is paused. Who is told at
 * once gets it at once, paused or not: a reader has room for what was on the way when it paused.
 */
import { inspect } from "node:util";
import { got, RuntimeError } from "../errors/errors.ts";
import type { AddressInfo, Socket, TLSSocket, Writable } from "./builtins.ts";
import type { Clients, ClosingLoop } from "./holdsocket.ts";
import { type Tell, tellAtOnce, tellByLoop } from "./protocolcalls.ts";

/** 64 KiB: asyncio's. */
const HIGH_WATER = 2 ** 16;

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

/** When the protocol is told to pause and to resume writing, in bytes. */
export interface WriteBufferLimits {
  /** Default 4 times `low`, or 65,536. */
  high?: number;
  /** Default a quarter of `high`. */
  low?: number;
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

/** The half that writes, which a connection and a pipe have in common: what Node's stream holds is the buffer. */
export abstract class WriteTransport {
  /** @internal */ readonly _loop: ClosingLoop;
  /** @internal */ readonly _protocol: Pick<Protocol, "pauseWriting" | "resumeWriting">;
  /** @internal */ readonly _tell: Tell;
  /** @internal */ readonly _stream: Writable;
  /** @internal */ _closing = false;
  /** @internal */ _eofWritten = false;
  #high = HIGH_WATER;
  #low = HIGH_WATER / 4;
  /** The protocol was told to write no more. */
  #full = false;
  /** How many of our writes the system has not taken yet. */
  #untaken = 0;

  /** @internal Of a stream that has a listener of errors. */
  constructor(loop: ClosingLoop, protocol: WriteTransport["_protocol"], stream: Writable, tell: Tell) {
    this._loop = loop;
    this._protocol = protocol;
    this._tell = tell;
    this._stream = stream;
  }

  /** Tells whether `writeEof` can be used. */
  abstract canWriteEof(): boolean;

  /** Sends what was written, and then the end of the stream. */
  abstract writeEof(): void;

  /**
   * Puts bytes in the buffer to be sent, a string as UTF-8; never waits. After `close`, or when the connection is lost,
   * they are dropped. Throws RuntimeError after `writeEof`, and while `loop.sendfile` sends a file.
   */
  write(data: string | Uint8Array): void {
    checkData(data);
    this._checkCanWrite();
    if (this.isClosing() || data.length === 0) return;
    this.#untaken++;
    this._stream.write(data, this.#taken);
    this._pauseIfFull();
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    this._stream.cork();
    try {
      for (const piece of pieces) this.write(piece);
    } finally {
      this._stream.uncork();
    }
  }

  /** Sends what was written and ends the connection. What comes from now on is dropped. Twice is fine. */
  close = (): void => {
    if (this.isClosing()) return;
    this._closing = true;
    this._dropInput();
    const stream = this._stream;
    if (stream.writableFinished) stream.destroy();
    else stream.once("finish", () => stream.destroy()).end();
  };

  /** Ends the connection at once; what was written and not yet sent is dropped. */
  abort(): void {
    this._closing = true;
    this._stream.destroy();
  }

  /** Tells whether the connection is closed, or is about to be. */
  isClosing(): boolean {
    return this._closing || this._stream.destroyed;
  }

  /** Sets when the protocol pauses and resumes writing. Throws RangeError unless `high` >= `low` >= 0. */
  setWriteBufferLimits({ high, low }: WriteBufferLimits = {}): void {
    const most = high ?? (low === undefined ? HIGH_WATER : 4 * low);
    const least = low ?? Math.floor(most / 4);
    if (!(most >= least && least >= 0))
      throw new RangeError(`Expected \`high\` >= \`low\` >= 0, got ${got(most)} and ${got(least)}`);
    this.#high = most;
    this.#low = least;
    this._pauseIfFull();
  }

  /** Returns the limits in bytes. */
  getWriteBufferLimits(): Required<WriteBufferLimits> {
    return { high: this.#high, low: this.#low };
  }

  /** Returns how many bytes wait to be sent. */
  getWriteBufferSize(): number {
    return this._stream.writableLength;
  }

  /** @internal Sends what was written and then the end; what comes goes on to be told. */
  _end(): void {
    if (this._eofWritten || this.isClosing()) return;
    this._eofWritten = true;
    this._stream.end();
  }

  /** @internal Writes, and tells when the system has taken it; the protocol is not told to pause, whoever writes waits. */
  _send(data: Uint8Array, taken: (error: Error | null | undefined) => void): void {
    this.#untaken++;
    this._stream.write(data, (error) => {
      this.#taken(error);
      taken(error);
    });
  }

  /** @internal Has the protocol pause and resume as Node's own `drain` has it, by the stream's own `highWaterMark`. */
  _limitAsNode(): void {
    this.setWriteBufferLimits({ high: Math.max(0, this._stream.writableHighWaterMark - 1), low: 0 });
  }

  /** @internal Has the protocol pause, also for what others have written to the stream itself. */
  _pauseIfFull(): void {
    if (this.#full || this.getWriteBufferSize() <= this.#high) return;
    this.#full = true;
    this.#watchOthers();
    try {
      this._protocol.pauseWriting?.();
    } catch (exception) {
      const message = "protocol.pauseWriting() failed";
      this._loop.callExceptionHandler({ message, exception, transport: this, protocol: this._protocol });
    }
  }

  /** @internal Throws RuntimeError where nothing can be written any more. */
  _checkCanWrite(): void {
    if (this._eofWritten) throw new RuntimeError("Cannot call write() after writeEof()");
  }

  /** @internal What comes is of no use any more. */
  _dropInput(): void {}

  /** A piece was taken, or the stream breaks, which is destroyed only after this. */
  #taken = (error?: Error | null): void => {
    this.#untaken--;
    if (error || !this.#full || this._stream.destroyed) return;
    const isOver = this.#untaken === 0 && this._stream.writableEnded;
    if (this.getWriteBufferSize() <= this.#low || isOver) this.#resume();
    else this.#watchOthers();
  };

  /** What is left may all be what others have written: nothing is a piece too, whose turn comes behind it. */
  #watchOthers(): void {
    if (this.#untaken > 0 || this._stream.writableEnded) return;
    this.#untaken++;
    this._stream.write("", this.#taken);
  }

  #resume(): void {
    this.#full = false;
    this._tell(() => this._protocol.resumeWriting?.());
  }
}

/** Writes to a connection: what `connectionMade` gets and `loop.createConnection` returns beside the protocol. */
export class Transport extends WriteTransport {
  declare readonly _protocol: Protocol;
  declare readonly _stream: Socket;
  /** @internal */ readonly _server: Clients | null;
  readonly #info: TransportInfo;
  /** What came and was not told yet; null is the end. */
  readonly #inbox: (Buffer | null)[] = [];
  #readingPaused = false;
  #broken: Error | null = null;
  /** A file is being sent. */
  #sendingFile = false;

  /** @internal Of a socket that is connected, and that has a listener of errors; maybe a client of a server. */
  constructor(
    loop: ClosingLoop,
    protocol: Protocol,
    socket: Socket,
    server: Clients | null = null,
    tell: Tell = tellByLoop(loop),
  ) {
    super(loop, protocol, socket, tell);
    this._server = server;
    this.#info = infoOf(socket);
  }

  /** @internal Tells the protocol that the connection is made, and then what comes. */
  _begin(): this {
    this._stream.pause(); // what comes is read when the protocol knows the connection
    this._tell(() => {
      try {
        return this._protocol.connectionMade?.(this);
      } finally {
        if (!this.#readingPaused && !this._closing) this._stream.resume();
      }
    });
    return this.#listen();
  }

  /** @internal Tells the protocol what comes; also of a socket that is closed already, that it is. */
  _takeOver(): this {
    this.#listen();
    this._stream.resume();
    return this;
  }

  #listen(): this {
    const socket = this._stream.on("data", this.#receive).on("end", this.#receiveEnd);
    this._loop._atClose.add(this.close);
    this._server?._attach(this);
    if (socket.readableEnded) this.#receiveEnd(); // Node tells the end of a stream without bytes to nobody, if nobody listens
    if (socket.closed) this.#lose();
    else socket.once("close", this.#lose);
    return this;
  }

  /** @internal Lets the socket go, for an upgrade, and returns what came and was not told. It counts as closed then. */
  _letGo(): Buffer {
    this._closing = true;
    this._stream.off("data", this.#receive).off("end", this.#receiveEnd).off("close", this.#lose).pause();
    this.#forget();
    return Buffer.concat(this.#inbox.splice(0).filter((piece) => piece !== null));
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

  /** @internal */ override _checkCanWrite(): void {
    this._checkNotSendingFile("write");
    super._checkCanWrite();
  }

  /** @internal The other side may read only when it has written. */
  override _dropInput(): void {
    this._stream.resume();
  }

  /** @internal Ends the connection at once, as broken by an error. */
  _break(error: Error | null): void {
    this.#broken = error;
    this.abort();
  }

  /** Tells whether `writeEof` can be used: not under TLS. */
  override canWriteEof(): boolean {
    return !isTls(this._stream);
  }

  /** Sends what was written and then the end of the stream; what the other end sends is still received. */
  override writeEof(): void {
    if (!this.canWriteEof()) throw new RuntimeError("A TLS connection cannot be half closed: close() it");
    this._checkNotSendingFile("write the end");
    this._end();
  }

  /** Tells the protocol of nothing that comes, until `resumeReading`; the sender is held up. */
  pauseReading(): void {
    if (this.isClosing()) return;
    this.#readingPaused = true;
    this._stream.pause();
  }

  /** Goes on reading. */
  resumeReading(): void {
    if (this._closing || !this.#readingPaused) return;
    this.#readingPaused = false;
    for (const _piece of this.#inbox) this._tell(this.#deliver);
    this._stream.resume();
  }

  /** Tells whether what comes is told to the protocol. */
  isReading(): boolean {
    return !this.#readingPaused && !this.isClosing();
  }

  /** Returns a fact about the connection, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof TransportInfo>(name: K): TransportInfo[K] | undefined;
  getExtraInfo<K extends keyof TransportInfo, D>(name: K, otherwise: D): TransportInfo[K] | D;
  getExtraInfo(name: keyof TransportInfo, otherwise?: unknown): unknown {
    return Object.hasOwn(this.#info, name) ? this.#info[name] : otherwise;
  }

  [inspect.custom](): string {
    const { peername } = this.#info;
    const peer = peername === undefined ? "" : ` to ${peername.address}:${peername.port}`;
    return `<Transport${peer}${this.isClosing() ? ", closing" : ""}>`;
  }

  #receive = (data: Buffer | string | null): void => {
    const piece = typeof data === "string" ? Buffer.from(data) : data; // somebody has set an encoding
    if (this._tell !== tellAtOnce) {
      this.#inbox.push(piece);
      this._tell(this.#deliver);
    } else if (!this._closing) {
      this.#give(piece);
    }
  };

  #receiveEnd = (): void => this.#receive(null);

  #deliver = (): unknown => {
    if (this.#readingPaused || this._closing) return;
    const piece = this.#inbox.shift();
    return piece === undefined ? undefined : this.#give(piece);
  };

  #give(piece: Buffer | null): unknown {
    try {
      return piece === null ? this.#giveEnd() : this._protocol.dataReceived?.(piece);
    } catch (error) {
      this.#breakBy(error as Error, piece === null ? "eofReceived" : "dataReceived");
    }
  }

  #giveEnd(): unknown {
    const answer = this._protocol.eofReceived?.();
    if (answer !== true || isTls(this._stream)) this.close();
    return answer;
  }

  #breakBy(exception: Error, method: string): void {
    this._loop.callExceptionHandler({
      message: `Fatal error: protocol.${method}() call failed.`,
      exception,
      transport: this,
      protocol: this._protocol,
    });
    this._break(exception);
  }

  #lose = (): void => {
    this.#forget();
    const error = this.#broken ?? whatBroke(this._stream);
    this._tell(() => {
      this._closing = true; // nothing is told after this
      return this._protocol.connectionLost?.(error);
    });
  };

  #forget(): void {
    this._loop._atClose.delete(this.close);
    this._server?._detach(this);
  }
}

/** Tells whether a stream is a socket that speaks TLS. */
export function isTls(stream: Writable): stream is TLSSocket {
  return (stream as Partial<TLSSocket>).encrypted === true;
}

/** What is known of a socket. Asked for at the beginning, as one that is closed knows its addresses no more. */
export function infoOf(socket: Socket): TransportInfo {
  const { localAddress, localFamily, localPort, remoteAddress, remoteFamily, remotePort } = socket;
  return {
    socket,
    ...(localAddress && { sockname: { address: localAddress, family: localFamily, port: localPort } }),
    ...(remoteAddress && { peername: { address: remoteAddress, family: remoteFamily, port: remotePort } }),
  } as TransportInfo;
}

/** What broke a stream; null when it was ended, also when our own abort cancelled a write. */
export function whatBroke({ errored }: Writable): Error | null {
  return (errored as NodeJS.ErrnoException | null)?.code === "ECANCELED" ? null : errored;
}

function checkData(data: unknown): void {
  if (typeof data !== "string" && !(data instanceof Uint8Array))
    throw new TypeError(`Expected \`data\` to be a string or a Uint8Array, got ${got(data)}`);
}
