/**
 * The reading end of a pipe, or any other readable stream of Node's, as asyncio's `connect_read_pipe` gives it.
 *
 *   open --close()------------------------------------------> lost: connectionLost, once
 *   open --the end--> eofReceived --------------------------> lost
 *   open --an error-----------------------------------------> lost
 *
 * What happens waits in `#inbox` for its turn in the loop, the loss too, so that nothing is told while reading is paused.
 */

import type { Readable } from "node:stream";
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { ignore } from "./once.ts";
import { ProtocolCalls } from "./protocolcalls.ts";

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

/** Reads a pipe: what `connectionMade` gets and `loop.connectReadPipe` returns beside the protocol. */
export class ReadPipeTransport {
  readonly #loop: ClosingLoop;
  readonly #calls: ProtocolCalls;
  readonly #protocol: ReadPipeProtocol;
  readonly #source: Readable;
  readonly #inbox: (() => unknown)[] = [];
  #paused = false;
  #closing = false;
  #lost = false;

  /** @internal Takes over a stream. */
  constructor(loop: ClosingLoop, protocol: ReadPipeProtocol, source: Readable) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    this.#source = source;
    this.#calls.soon(() => protocol.connectionMade?.(this));
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
    for (const _event of this.#inbox) this.#calls.soon(this.#deliver);
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
    this.#inbox.push(event);
    this.#calls.soon(this.#deliver);
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
      this.#closing = true;
      this.#source.destroy(); // not every stream does that at its end
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

/** Throws unless it is a stream that can be read as bytes. */
export function checkSource(source: Readable): void {
  if (typeof source?.read !== "function" || source.readableObjectMode)
    throw new TypeError(`Expected \`source\` to be a readable stream of bytes, got ${got(source)}`);
}
