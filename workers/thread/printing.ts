// This is what the code of a thread prints. Node's own way to the main thread is slow to lose hold of it: a piece
// leaves when the one before it was taken, over a port of its own. So what has not left when the thread ends is
// lost, and what has may come after the result of the job that printed it. Here each piece leaves at once, and ahead
// of the results: over the port of the session where there is one, else Node's way, but without waiting.
//
// Back-pressure stays: once FULL bytes are under way, the main thread is asked to say when it has them, and who waits for
// the callback of its write, or for `drain`, waits for that.

import type { Writable } from "node:stream";
import type { MessagePort } from "node:worker_threads";
import { currentJob } from "../executor/currentjob.ts";
import { ABOUT_SESSION, type Descriptor, PRINTED } from "../wire/protocol.ts";

/** Bytes that may be under way before somebody has to wait. */
const FULL = 64 * 1024;
const NOTHING = (): void => {};

/** The streams of a thread, once they are redirected. */
let streams: readonly [Redirected, Redirected] | null = null;
/** Where they go; null: Node's way. */
let port: MessagePort | null = null;

/** From here on what is printed leaves over this port, or Node's way. */
export function printOver(next: MessagePort | null): void {
  streams ??= [new Redirected(1, process.stdout), new Redirected(2, process.stderr)];
  port = next;
  for (const stream of streams) stream.startAnew();
}

/** The main thread has what was printed when it was asked. */
export function printedWasTaken(descriptor: Descriptor): void {
  streams?.[descriptor - 1]?.taken();
}

/** What was printed before the streams were redirected is on its way; resolves when it has arrived. */
export async function earlierPrints(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }
}

class Redirected {
  readonly #descriptor: Descriptor;
  readonly #stream: Writable;
  readonly #nodesWay: NonNullable<Writable["_writev"]>;
  /** Bytes that left since the main thread was asked. */
  #sent = 0;
  #asked = false;
  /** Continues a write that waits. */
  #held: (() => void) | null = null;

  constructor(descriptor: Descriptor, stream: Writable) {
    const write = stream.write as (...args: readonly unknown[]) => boolean;
    const end = stream.end as (...args: readonly unknown[]) => Writable;
    this.#descriptor = descriptor;
    this.#stream = stream;
    this.#nodesWay = stream._writev as NonNullable<Writable["_writev"]>;
    // The stream goes on to check what it is given and to call back; the pieces themselves leave from here.
    stream._writev = (_, callback) => this.#wait(callback);
    stream.write = (chunk: unknown, ...rest: unknown[]): boolean => {
      const isOpen = stream.writable;
      const goesOn = write.call(stream, chunk, ...rest);
      if (isOpen) this.#send(chunk, typeof rest[0] === "string" ? rest[0] : undefined);
      return goesOn;
    };
    stream.end = ((...args: unknown[]) => {
      if (args[0] != null && typeof args[0] !== "function") {
        stream.write(args.shift(), typeof args[0] === "string" ? (args[0] as BufferEncoding) : "utf8");
      }
      return end.call(stream, ...args.filter((arg) => typeof arg === "function"));
    }) as typeof stream.end;
  }

  /** Nothing is under way on the new way. */
  startAnew(): void {
    this.#sent = 0;
    this.#asked = false;
    this.#goOn();
  }

  taken(): void {
    this.#asked = false;
    if (this.#sent >= FULL) this.#post("");
    else this.#goOn();
  }

  #wait(callback: () => void): void {
    if (this.#asked && this.#sent >= FULL) this.#held = callback;
    else callback();
  }

  #goOn(): void {
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  #send(chunk: unknown, encoding: string | undefined): void {
    const piece = pieceOf(chunk, encoding);
    this.#sent += piece.length;
    this.#post(piece);
  }

  #post(piece: string | Uint8Array): void {
    const asks = !this.#asked && this.#sent >= FULL;
    if (asks) {
      this.#asked = true;
      this.#sent = 0;
    }
    if (port === null) this.#postNodesWay(piece, asks);
    else port.postMessage([ABOUT_SESSION, PRINTED, currentJob()?.slot ?? 0, this.#descriptor, piece, asks]);
  }

  #postNodesWay(chunk: string | Uint8Array, asks: boolean): void {
    const chunks = [{ chunk, encoding: typeof chunk === "string" ? "utf8" : ("buffer" as BufferEncoding) }];
    const here = port;
    this.#nodesWay.call(this.#stream, chunks, asks ? () => here === port && this.taken() : NOTHING);
  }
}

/** What structured clone takes, and no more of it: a Buffer may be a part of a larger piece of memory. */
function pieceOf(chunk: unknown, encoding: string | undefined): string | Uint8Array {
  if (typeof chunk === "string") {
    return encoding === undefined || /^utf-?8$/i.test(encoding)
      ? chunk
      : new Uint8Array(Buffer.from(chunk, encoding as BufferEncoding));
  }
  const { buffer, byteOffset, byteLength } = chunk as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
