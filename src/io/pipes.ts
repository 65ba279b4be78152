/**
 * These are pipes, or any other stream of Node's, as asyncio's `loop.connect_read_pipe` and `connect_write_pipe`
 * give them.
 *
 *   reading: open --close()------------------------------------------> lost: connectionLost, once
 *            open --the end--> eofReceived --------------------------> lost
 *            open --an error-----------------------------------------> lost
 *   writing: open --close()--> closing: what was written is sent ----> lost
 *            open --abort(), the reader, an error--------------------> lost
 *
 * What happens to one that is read waits in `#inbox` for its turn in the loop, the loss too, so that nothing is told while
 * reading is paused. Who is told at once gets it at once, as of a connection (`transport`).
 */
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import type { Readable, Writable } from "./builtins.ts";
import type { ClosingLoop } from "./holdsocket.ts";
import { ignore } from "./once.ts";
import { checkRuns, makeProtocol, type Tell, tellAtOnce, tellByLoop, untilMade } from "./protocolcalls.ts";
import { WriteTransport, whatBroke } from "./transport.ts";

/** Is told what comes from a pipe. Each method runs as a callback of the loop; none must be there. */
export interface ReadPipeProtocol {
  /** The pipe is connected; comes first. */
  connectionMade?(transport: ReadPipeTransport): unknown;
  /** Bytes came; text comes as UTF-8. */
  dataReceived?(data: Buffer): unknown;
  /** The pipe is at its end, and is closed. */
  eofReceived?(): unknown;
  /** The pipe is closed; comes last. The error is what broke it, or null. */
  connectionLost?(error: Error | null): unknown;
}

/** What `getExtraInfo` of a pipe's transport knows. */
export interface PipeInfo<S> {
  /** Node's own stream. */
  pipe: S;
}

/**
 * Is told what becomes of what is written to a pipe; none of the methods must be there. They run as callbacks of the
 * loop, except `pauseWriting`, which the `write` that fills the buffer calls.
 */
export interface WritePipeProtocol {
  /** The pipe is connected; comes first. */
  connectionMade?(transport: WritePipeTransport): unknown;
  /** The pipe is closed; comes last. The error is what broke it (code EPIPE: nobody reads any more), or null. */
  connectionLost?(error: Error | null): unknown;
  /** The write buffer is above its high-water mark. */
  pauseWriting?(): unknown;
  /** The write buffer is down to its low-water mark. */
  resumeWriting?(): unknown;
}

/** The loop's method of this name. */
export async function connectReadPipe<P extends ReadPipeProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  source: Readable,
): Promise<[transport: ReadPipeTransport, protocol: P]> {
  checkSource(source);
  return await connectPipe(loop, protocolFactory, (made) => new ReadPipeTransport(loop, made, source));
}

/** The loop's method of this name. */
export async function connectWritePipe<P extends WritePipeProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  target: Writable,
): Promise<[transport: WritePipeTransport, protocol: P]> {
  checkTarget(target);
  return await connectPipe(loop, protocolFactory, (made) => new WritePipeTransport(loop, made, target));
}

/** Reads a pipe: what `connectionMade` gets and `loop.connectReadPipe` returns beside the protocol. */
export class ReadPipeTransport {
  readonly #loop: ClosingLoop;
  readonly #tell: Tell;
  readonly #protocol: ReadPipeProtocol;
  readonly #source: Readable;
  readonly #inbox: (() => unknown)[] = [];
  #paused = false;
  #closing = false;
  #lost = false;

  readonly #atEnd: "close" | "leave open";

  /** @internal Takes over a stream; at its end it is closed, as not every stream does that, unless it is left open. */
  constructor(
    loop: ClosingLoop,
    protocol: ReadPipeProtocol,
    source: Readable,
    tell: Tell = tellByLoop(loop),
    atEnd: "close" | "leave open" = "close",
  ) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#tell = tell;
    this.#atEnd = atEnd;
    this.#source = source;
    this.#tell(() => protocol.connectionMade?.(this));
    loop._atClose.add(this.#letGo);
    source.on("error", ignore).on("data", this.#receive).on("end", this.#receiveEnd).on("close", this.#lose);
    if (source.closed) this.#lose();
    else if (source.readableEnded) this.#receiveEnd();
    else source.resume();
  }

  /** Closes the pipe. What comes from now on is dropped, also what was not told yet. Twice is fine. */
  close(): void {
    if (this.isClosing()) return;
    this.#closing = true;
    this.#paused = false;
    this.#inbox.length = 0;
    this.#source.destroy();
    if (this.#lost) this.#tellLoss(); // it waited until reading goes on
  }

  /** Tells whether the pipe is closed, or is about to be. */
  isClosing(): boolean {
    return this.#closing;
  }

  /** Tells the protocol of nothing that comes, until `resumeReading`; who writes is held up. */
  pauseReading(): void {
    if (this.isClosing()) return;
    this.#paused = true;
    this.#source.pause();
  }

  /** Goes on reading. */
  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const _event of this.#inbox) this.#tell(this.#deliver);
    this.#source.resume();
  }

  /** Tells whether what comes is told to the protocol. */
  isReading(): boolean {
    return !this.#paused && !this.isClosing();
  }

  /** Returns a fact about the pipe, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof PipeInfo<Readable>>(name: K): PipeInfo<Readable>[K];
  getExtraInfo<D>(name: string, otherwise: D): D;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === "pipe" ? this.#source : otherwise;
  }

  [inspect.custom](): string {
    return `<ReadPipeTransport${this.isClosing() ? " closing" : this.#paused ? " paused" : ""}>`;
  }

  #push(event: () => unknown): void {
    if (this.#tell === tellAtOnce) {
      event();
      return;
    }
    this.#inbox.push(event);
    this.#tell(this.#deliver);
  }

  #deliver = (): unknown => (this.#paused ? undefined : this.#inbox.shift()?.());

  #receive = (data: Buffer | string): void => {
    if (this.#closing) return;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    this.#push(() => this.#protocol.dataReceived?.(bytes));
  };

  #receiveEnd = (): void => {
    if (this.#closing) return;
    this.#push(() => {
      if (this.#atEnd === "close") {
        this.#closing = true;
        this.#source.destroy();
      }
      return this.#protocol.eofReceived?.();
    });
  };

  #lose = (): void => {
    if (this.#lost) return;
    this.#lost = true;
    this.#loop._atClose.delete(this.#letGo);
    this.#tellLoss();
  };

  #tellLoss(): void {
    this.#push(() => {
      this.#closing = true; // nothing is told after this
      return this.#protocol.connectionLost?.(this.#source.errored);
    });
  }

  /** The loop ends before the stream does, and somebody else may read on. */
  #letGo = (): void => {
    this.#source.off("data", this.#receive).off("end", this.#receiveEnd).off("close", this.#lose).pause();
  };
}

/** Writes to a pipe: what `connectionMade` gets and `loop.connectWritePipe` returns beside the protocol. */
export class WritePipeTransport extends WriteTransport {
  declare readonly _protocol: WritePipeProtocol;
  #lost = false;

  /** @internal Takes over a stream. */
  constructor(
    loop: ClosingLoop,
    protocol: WritePipeProtocol,
    target: Writable,
    tell: Tell = tellByLoop(loop),
  ) {
    super(loop, protocol, target, tell);
    tell(() => protocol.connectionMade?.(this));
    target.on("error", ignore).once("close", this.#lose);
    if (target.closed) this.#lose();
  }

  /** Tells that `writeEof` can be used. */
  override canWriteEof(): boolean {
    return true;
  }

  /** The same as `close`: a pipe has one direction. */
  override writeEof(): void {
    this.close();
  }

  /** Returns a fact about the pipe, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof PipeInfo<Writable>>(name: K): PipeInfo<Writable>[K];
  getExtraInfo<D>(name: string, otherwise: D): D;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === "pipe" ? this._stream : otherwise;
  }

  [inspect.custom](): string {
    return `<WritePipeTransport${this.isClosing() ? " closing" : ""}>`;
  }

  #lose = (): void => {
    if (this.#lost) return;
    this.#lost = true;
    this._tell(() => {
      this._closing = true;
      return this._protocol.connectionLost?.(whatBroke(this._stream));
    });
  };
}

/** Throws unless it is a stream that can be read as bytes. */
export function checkSource(source: Readable): void {
  if (typeof source?.read !== "function" || source.readableObjectMode)
    throw new TypeError(`Expected \`source\` to be a readable stream of bytes, got ${got(source)}`);
}

/** Throws unless it is a stream to which bytes can be written. */
export function checkTarget(target: Writable): void {
  if (typeof target?.write !== "function" || target.writableObjectMode)
    throw new TypeError(`Expected \`target\` to be a writable stream of bytes, got ${got(target)}`);
}

/** Makes the protocol and its transport, and waits until it was told so. */
async function connectPipe<P extends object, T extends { close(): void }>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  makeTransport: (protocol: P) => T,
): Promise<[T, P]> {
  checkRuns(loop);
  const protocol = makeProtocol(protocolFactory);
  const transport = makeTransport(protocol);
  await untilMade(loop, transport);
  return [transport, protocol];
}
