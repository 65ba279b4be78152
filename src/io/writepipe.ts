/**
 * The writing end of a pipe, or any other writable stream of Node's, as asyncio's `connect_write_pipe` gives it.
 *
 *   open --close()--> closing: what was written is sent --> lost: connectionLost, once
 *   open --abort(), the reader, an error------------------> lost
 */

import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import type { AbstractEventLoop } from "../scheduling/events.ts";
import { ignore } from "./once.ts";
import type { PipeInfo } from "./pipes.ts";
import { ProtocolCalls } from "./protocolcalls.ts";
import { checkData, WriteBuffer, type WriteBufferLimits, whatBroke } from "./writebuffer.ts";

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

/** Writes to a pipe: what `connectionMade` gets and `loop.connectWritePipe` returns beside the protocol. */
export class WritePipeTransport {
  readonly #calls: ProtocolCalls;
  readonly #protocol: WritePipeProtocol;
  readonly #target: Writable;
  readonly #buffer: WriteBuffer;
  #closing = false;
  #lost = false;

  /** @internal Takes over a stream. */
  constructor(loop: AbstractEventLoop, protocol: WritePipeProtocol, target: Writable) {
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    this.#target = target;
    this.#buffer = new WriteBuffer(loop, this, protocol, this.#calls, target);
    this.#calls.soon(() => protocol.connectionMade?.(this));
    target.on("error", ignore).once("close", this.#lose);
    if (target.closed) this.#lose();
  }

  /** Puts bytes in the buffer to be sent, a string as UTF-8; never waits. After `close` they are dropped. */
  write(data: string | Uint8Array): void {
    checkData(data);
    if (!this.isClosing()) this.#buffer.write(data);
  }

  /** Writes several pieces one after the other; adds nothing between them. */
  writeLines(pieces: Iterable<string | Uint8Array>): void {
    for (const piece of pieces) this.write(piece);
  }

  /** Tells that `writeEof` can be used. */
  canWriteEof(): boolean {
    return true;
  }

  /** The same as `close`: a pipe has one direction. */
  writeEof(): void {
    this.close();
  }

  /** Sends what was written and closes the pipe. Twice is fine. */
  close(): void {
    if (this.isClosing()) return;
    this.#closing = true;
    const target = this.#target;
    if (target.writableFinished) target.destroy();
    else target.once("finish", () => target.destroy()).end();
  }

  /** Closes the pipe at once; what was written and not yet sent is dropped. */
  abort(): void {
    this.#closing = true;
    this.#target.destroy();
  }

  /** Tells whether the pipe is closed, or is about to be. */
  isClosing(): boolean {
    return this.#closing || this.#target.destroyed;
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

  /** Returns a fact about the pipe, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof PipeInfo<Writable>>(name: K): PipeInfo<Writable>[K];
  getExtraInfo<D>(name: string, otherwise: D): D;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === "pipe" ? this.#target : otherwise;
  }

  [inspect.custom](): string {
    return `<WritePipeTransport${this.isClosing() ? " closing" : ""}>`;
  }

  #lose = (): void => {
    if (this.#lost) return;
    this.#lost = true;
    this.#calls.soon(() => {
      this.#closing = true;
      return this.#protocol.connectionLost?.(whatBroke(this.#target));
    });
  };
}

/** Throws unless it is a stream to which bytes can be written. */
export function checkTarget(target: Writable): void {
  if (typeof target?.write !== "function" || target.writableObjectMode)
    throw new TypeError(`Expected \`target\` to be a writable stream of bytes, got ${got(target)}`);
}
