/**
 * This is the protocol by which a reader and a writer hear of their transport, as asyncio's StreamReaderProtocol: it
 * hands bytes to the reader, and wakes those who wait to write on or for the end.
 *
 * It is told at once, and not as a callback of the loop: it only settles futures. What it settles runs in the loop.
 *
 * Invariant: `connectionLost` is the one moment at which the connection is lost; it comes exactly once.
 */
import { connectionLost } from "../io/once.ts";
import type { ReadPipeTransport } from "../io/pipes.ts";
import { type Transport, WriteTransport } from "../io/transport.ts";
import { OutsideWaiters } from "../task/outside.ts";
import type { StreamReader } from "./reader.ts";

export class StreamProtocol {
  readonly #reader: StreamReader | null;
  #lost = false;
  #error: Error | null = null;
  #full = false;
  readonly #drainWaiters = new OutsideWaiters();
  readonly #closeWaiters = new OutsideWaiters();

  constructor(reader: StreamReader | null) {
    this.#reader = reader;
  }

  get reader(): StreamReader | null {
    return this.#reader;
  }

  /** The transport is there; after a TLS upgrade it is another one. */
  connectionMade(transport: Transport | WriteTransport | ReadPipeTransport): void {
    if ("pauseReading" in transport) this.#reader?._setSource(transport);
    if (transport instanceof WriteTransport) transport._limitAsNode();
  }

  dataReceived(data: Buffer): void {
    this.#reader?.feedData(data);
  }

  /** The connection stays open: as in asyncio, one may write on. */
  eofReceived(): boolean {
    this.#reader?.feedEof();
    return true;
  }

  connectionLost(error: Error | null): void {
    this.#lost = true;
    this.#error = error;
    this.#drainWaiters.fail(error ?? connectionLost());
    if (error === null) {
      this.#reader?.feedEof();
      this.#closeWaiters.wake();
    } else {
      this.#reader?.setException(error);
      this.#closeWaiters.fail(error);
    }
  }

  pauseWriting(): void {
    this.#full = true;
  }

  resumeWriting(): void {
    this.#full = false;
    this.#drainWaiters.wake();
  }

  /** Whether nothing may be written for now. */
  get isFull(): boolean {
    return this.#full;
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** Waits until there is room in the buffer; throws what breaks the connection before. */
  async untilRoom(): Promise<void> {
    await this.#drainWaiters.wait();
  }

  /** Waits until the connection is lost; throws what broke it. */
  async untilLost(): Promise<void> {
    if (!this.#lost) await this.#closeWaiters.wait();
    else if (this.#error !== null) throw this.#error;
  }
}
