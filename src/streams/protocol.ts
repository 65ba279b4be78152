/**
 * What lies between a stream of Node's and our reader and writer; asyncio has the same word for it. It turns the
 * stream's events into bytes for the reader and into wake-ups for those who wait to write on or for the end.
 *
 *   open --close()--> closing: what was written is sent, what comes is dropped --> lost
 *   open --abort(), the peer, an error--------------------------------------------> lost
 *
 * Invariant: "close" of the stream is the one moment at which the connection is lost; it comes exactly once.
 */
import type { Duplex, Readable, Writable } from "node:stream";
import { RuntimeError } from "../errors/errors.ts";
import { connectionLost, ignore } from "../io/once.ts";
import type { EventLoop } from "../loop/loop.ts";
import { OutsideWaiters } from "../task/outside.ts";
import type { StreamReader } from "./reader.ts";

export class Transport {
  readonly reader: StreamReader | null;
  #stream: Writable;
  #loop: EventLoop;
  #closing = false;
  #eofWritten = false;
  #lost = false;
  #broken: Error | null = null;
  #stopFeeding: (() => void) | null = null;
  readonly #drainWaiters = new OutsideWaiters();
  readonly #closeWaiters = new OutsideWaiters();
  readonly #onLost: () => void;

  constructor(loop: EventLoop, stream: Writable, reader: StreamReader | null, onLost: () => void = () => {}) {
    this.#loop = loop;
    this.#stream = stream;
    this.reader = reader;
    this.#onLost = onLost;
    this.attach(stream);
  }

  /** Has the loop close it at its end; what somebody else opened stays open. */
  closeWithLoop(): this {
    if (!this.#lost) this.#loop._atClose.add(this.close);
    return this;
  }

  get stream(): Writable {
    return this.#stream;
  }

  /** Takes over a stream; after a TLS upgrade it is another one. */
  attach(stream: Writable): void {
    this.#stream = stream;
    stream.on("drain", this.#wakeDrain).on("error", ignore).on("close", this.#lose);
    if (this.reader !== null) this.#stopFeeding = feed(stream as Duplex, this.reader);
    if (stream.closed) this.#lose();
    else if (this.#closing) this.#end();
  }

  /** Lets the stream go as it is, for an upgrade. */
  detach(): void {
    this.#stream.off("drain", this.#wakeDrain).off("close", this.#lose);
    this.#stopFeeding?.();
    this.#stopFeeding = null;
  }

  isClosing(): boolean {
    return this.#closing || this.#lost || this.#stream.destroyed;
  }

  write(data: string | Uint8Array): void {
    if (this.#eofWritten) throw new RuntimeError("Cannot call write() after writeEof()");
    if (!this.isClosing()) this.#stream.write(data);
  }

  writeEof(): void {
    if (this.#eofWritten || this.isClosing()) return;
    this.#eofWritten = true;
    this.#stream.end();
  }

  /** Sends what was written and ends the connection. */
  close = (): void => {
    if (this.isClosing()) return;
    this.#closing = true;
    this.#end();
  };

  /** Ends the connection at once, maybe as broken by an error; what was written and not yet sent is dropped. */
  abort(error: Error | null = null): void {
    this.#closing = true;
    this.#broken = error;
    this.#stream.destroy();
  }

  /** Waits until the stream's buffer has room. */
  async drain(): Promise<void> {
    const error = this.reader?.exception() ?? null;
    if (error !== null) throw error;
    if (this.isClosing()) {
      await this.waitLost();
      throw connectionLost();
    }
    if (this.#stream.writableNeedDrain) await this.#drainWaiters.wait();
  }

  /** Waits until the connection is lost; throws what broke it. */
  async waitLost(): Promise<void> {
    if (!this.#lost) await this.#closeWaiters.wait();
    else if (this.#error !== null) throw this.#error;
  }

  /** What broke the connection; null when it was ended, also when our own abort cancelled a write. */
  get #error(): Error | null {
    if (this.#broken !== null) return this.#broken;
    const { errored } = this.#stream;
    return (errored as NodeJS.ErrnoException | null)?.code === "ECANCELED" ? null : errored;
  }

  #wakeDrain = (): void => this.#drainWaiters.wake();

  #end(): void {
    const stream = this.#stream;
    this.#stopFeeding?.();
    if (this.reader !== null) (stream as Duplex).resume(); // the other side may read only when it has written
    if (stream.writableFinished) stream.destroy();
    else stream.once("finish", () => stream.destroy()).end();
  }

  #lose = (): void => {
    if (this.#lost) return;
    this.#lost = true;
    this.#loop._atClose.delete(this.close);
    const error = this.#error;
    this.#drainWaiters.fail(error ?? connectionLost());
    if (error === null) {
      this.reader?.feedEof();
      this.#closeWaiters.wake();
    } else {
      this.reader?.setException(error);
      this.#closeWaiters.fail(error);
    }
    this.#onLost();
  };
}

/** Feeds what a stream of Node's gives to a reader, and its end; returns how to stop that. */
export function feed(source: Readable, reader: StreamReader): () => void {
  const onData = (data: Buffer | string) =>
    reader.feedData(typeof data === "string" ? Buffer.from(data) : data);
  const onEnd = () => reader.feedEof();
  reader._setSource(source);
  source.on("data", onData).on("end", onEnd).resume();
  if (source.readableEnded) onEnd(); // it had no bytes, and ended before anybody listened
  return () => {
    source.off("data", onData).off("end", onEnd);
    source.pause();
    reader._setSource(null);
  };
}
