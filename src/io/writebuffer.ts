/** The write buffer of a transport: what Node's stream holds, and telling the protocol when that is too much. */
import type { Writable } from "node:stream";
import { got } from "../errors/errors.ts";
import type { AbstractEventLoop } from "../scheduling/events.ts";
import type { ProtocolCalls } from "./protocolcalls.ts";

/** 64 KiB: asyncio's. */
const HIGH_WATER = 2 ** 16;

/** When the protocol is told to pause and to resume writing, in bytes. */
export interface WriteBufferLimits {
  /** Default 4 times `low`, or 65,536. */
  high?: number;
  /** Default a quarter of `high`. */
  low?: number;
}

/** Is told to write less. */
export interface WritingProtocol {
  pauseWriting?(): unknown;
  resumeWriting?(): unknown;
}

export class WriteBuffer {
  readonly #loop: AbstractEventLoop;
  readonly #transport: object;
  readonly #protocol: WritingProtocol;
  readonly #calls: ProtocolCalls;
  readonly #stream: Writable;
  #high = HIGH_WATER;
  #low = HIGH_WATER / 4;
  #paused = false;

  constructor(
    loop: AbstractEventLoop,
    transport: object,
    protocol: WritingProtocol,
    calls: ProtocolCalls,
    stream: Writable,
  ) {
    this.#loop = loop;
    this.#transport = transport;
    this.#protocol = protocol;
    this.#calls = calls;
    this.#stream = stream;
  }

  /** How many bytes wait to be sent. */
  get size(): number {
    return this.#stream.writableLength;
  }

  get limits(): Required<WriteBufferLimits> {
    return { high: this.#high, low: this.#low };
  }

  /** Throws RangeError unless `high` >= `low` >= 0. */
  setLimits({ high, low }: WriteBufferLimits): void {
    const most = high ?? (low === undefined ? HIGH_WATER : 4 * low);
    const least = low ?? Math.floor(most / 4);
    if (!(most >= least && least >= 0))
      throw new RangeError(`Expected \`high\` >= \`low\` >= 0, got ${got(most)} and ${got(least)}`);
    this.#high = most;
    this.#low = least;
    this.#pause();
  }

  write(data: string | Uint8Array): void {
    if (data.length === 0) return;
    this.#stream.write(data, this.#resume);
    this.#pause();
  }

  /** Writes, and tells when the system has taken it; the protocol is not told to pause, whoever writes waits. */
  send(data: Uint8Array, taken: (error: Error | null | undefined) => void): void {
    this.#stream.write(data, (error) => {
      this.#resume();
      taken(error);
    });
  }

  #pause(): void {
    if (this.#paused || this.size <= this.#high) return;
    this.#paused = true;
    try {
      this.#protocol.pauseWriting?.();
    } catch (exception) {
      const message = "protocol.pauseWriting() failed";
      const [transport, protocol] = [this.#transport, this.#protocol];
      this.#loop.callExceptionHandler({ message, exception, transport, protocol });
    }
  }

  #resume = (): void => {
    if (!this.#paused || this.size > this.#low || this.#stream.destroyed) return;
    this.#paused = false;
    this.#calls.soon(() => this.#protocol.resumeWriting?.());
  };
}

/** Throws unless it can be written. */
export function checkData(data: unknown): void {
  if (typeof data !== "string" && !(data instanceof Uint8Array))
    throw new TypeError(`Expected \`data\` to be a string or a Uint8Array, got ${got(data)}`);
}

/** What broke a stream; null when it was ended, also when our own abort cancelled a write. */
export function whatBroke({ errored }: Writable): Error | null {
  return (errored as NodeJS.ErrnoException | null)?.code === "ECANCELED" ? null : errored;
}
