/**
 * This is the receiving end of a stream, as `asyncio.StreamReader`.
 *
 * Bytes wait in a buffer until they are asked for. Above twice the limit the source is paused, which holds up the
 * sender; a read that needs more resumes it.
 *
 * Invariant: bytes leave the buffer in the very step that returns them, so a read that is cancelled loses nothing.
 */

import { got, RuntimeError } from "../errors/errors.ts";
import { IncompleteReadError, LimitOverrunError } from "../errors/ioerrors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { inspect } from "../platform/node/inspect.ts";
import { Future } from "../task/future.ts";
import { OutsideFuture } from "../task/outside.ts";

/** 64 KiB: asyncio's. */
const DEFAULT_LIMIT = 2 ** 16;
const NEWLINE = Buffer.from("\n");
const NEWLINE_BYTE = 0x0a;
const EMPTY = Buffer.alloc(0);

/** How a reader is made. */
export interface StreamReaderOptions {
  /** The longest line in bytes, without its separator; twice as much is buffered. Default 65,536. */
  limit?: number;
}

const READER_OPTIONS = optionNames<StreamReaderOptions>({ limit: true });

/** Where the bytes come from: a transport. */
interface Source {
  pauseReading(): void;
  resumeReading(): void;
}

/**
 * Reads the bytes of a connection or of a process's output.
 *
 * Reads give Buffers. At the end of the stream they give an empty one, or throw IncompleteReadError where a length or
 * a separator was asked for. One task reads at a time: a second read while one waits throws RuntimeError. A read that
 * is cancelled, or that a timeout ends, takes nothing out of the stream. When the connection broke, reads throw its
 * error.
 *
 * Iterating gives lines as Buffers with their newline, as in asyncio; `lines()` gives them as strings without.
 *
 * @example
 * ```ts
 * import { run, StreamReader } from "threadloop";
 *
 * await run(async () => {
 *   const reader = new StreamReader();
 *   reader.feedData(Buffer.from("first\nsecond\n"));
 *   reader.feedEof();
 *   console.log(JSON.stringify(String(await reader.readLine()))); // "first\n"
 *   for await (const line of reader.lines()) console.log(line); // second
 * });
 * ```
 */
export class StreamReader implements AsyncIterable<Buffer> {
  readonly #limit: number;
  readonly #buffer = new ByteQueue();
  #eof = false;
  #error: { readonly value: unknown } | null = null;
  #source: Source | null = null;
  #paused = false;
  #waiter: Future<void> | null = null;
  /** How many bytes the waiter needs before it is woken. */
  #needed = 0;

  /** Throws RangeError unless `limit` is more than 0. */
  constructor(options: StreamReaderOptions = {}) {
    checkOptionNames("StreamReader", options, READER_OPTIONS);
    const limit = options.limit ?? DEFAULT_LIMIT;
    if (typeof limit !== "number" || !(limit > 0)) {
      throw new RangeError(`Expected \`limit\` to be a number of bytes > 0, got ${got(limit)}`);
    }
    this.#limit = limit;
  }

  /**
   * Reads what there is, at most `count` bytes, waiting for at least one. Gives an empty Buffer at the end of the
   * stream. Without a count, or with -1, reads to the end of the stream.
   */
  async read(count = -1): Promise<Buffer> {
    checkInteger(count, "count", -1);
    this.#begin("read");
    if (count < 0) {
      while (!this.#eof) await this.#waitForData(Infinity);
      return this.#take(this.#buffer.length);
    }
    if (count > 0 && this.#buffer.length === 0 && !this.#eof) await this.#waitForData(1);
    return this.#take(count);
  }

  /**
   * Reads a line with its newline. At the end of the stream gives what is left, without newline, and then an empty
   * Buffer. Throws RangeError when the line is longer than the limit, and drops it.
   */
  async readLine(): Promise<Buffer> {
    try {
      return await this.#readUntil([NEWLINE], "readLine");
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      this.#dropLine(error.consumed);
      throw new RangeError(error.message, { cause: error });
    }
  }

  /**
   * Reads exactly `count` bytes; the limit is no limit here. Throws IncompleteReadError, with what came, when the
   * stream ends before.
   */
  async readExactly(count: number): Promise<Buffer> {
    checkInteger(count, "count", 0);
    this.#begin("readExactly");
    while (this.#buffer.length < count) {
      if (this.#eof) throw new IncompleteReadError(this.#buffer.takeAll(), count);
      await this.#waitForData(count);
    }
    return this.#take(count);
  }

  /**
   * Reads up to and with a separator, default a newline; of several, up to the one that ends first. Throws
   * IncompleteReadError, with what came, when the stream ends before; LimitOverrunError when what comes before the
   * separator is longer than the limit, and leaves it in the stream.
   */
  async readUntil(
    separator: string | Uint8Array | readonly (string | Uint8Array)[] = NEWLINE,
  ): Promise<Buffer> {
    const several = Array.isArray(separator) ? (separator as (string | Uint8Array)[]) : [separator];
    if (several.length === 0) throw new RangeError("Separator should contain at least one element");
    const separators = several.map((each) => Buffer.from(each as string));
    separators.sort((a, b) => a.length - b.length);
    if (separators[0]?.length === 0) throw new RangeError("Separator should be at least one byte long");
    return await this.#readUntil(separators, "readUntil");
  }

  /** Tells whether the stream has ended and all of it was read. */
  atEof(): boolean {
    return this.#eof && this.#buffer.length === 0;
  }

  /**
   * Gives lines as strings without their ends (`\n` or `\r\n`). A line longer than the limit throws RangeError and is
   * dropped. A step that throws, as one that is cancelled or times out does, does not end it: the next one goes on.
   */
  lines(encoding: BufferEncoding = "utf8"): AsyncIterableIterator<string> {
    return this.#steps((line) => line.toString(encoding).replace(/\r?\n$/, ""));
  }

  /** Gives lines as Buffers with their newline. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return this.#steps((line) => line);
  }

  /** Written by hand: an async generator is over once a step has thrown. */
  #steps<T>(toValue: (line: Buffer) => T): AsyncIterableIterator<T> {
    const steps: AsyncIterableIterator<T> = {
      next: async () => {
        const line = await this.readLine();
        return line.length === 0 ? { done: true, value: undefined } : { done: false, value: toValue(line) };
      },
      [Symbol.asyncIterator]: () => steps,
    };
    return steps;
  }

  /**
   * Adds bytes, for a reader of one's own; they are not copied. Throws RuntimeError after `feedEof`, and TypeError for
   * what is not bytes, a string too: it has none before it is encoded.
   */
  feedData(data: Uint8Array): void {
    if (!(data instanceof Uint8Array))
      throw new TypeError(
        `Expected \`data\` to be a Uint8Array, such as Buffer.from(text), got ${got(data)}`,
      );
    if (this.#eof) throw new RuntimeError("feedData() after feedEof(): the stream has ended");
    if (data.length === 0) return;
    this.#buffer.push(data);
    const { length } = this.#buffer;
    if (length >= this.#needed) this.#wake();
    if (this.#source !== null && length > Math.max(2 * this.#limit, this.#needed)) {
      this.#paused = true;
      this.#source.pauseReading();
    }
  }

  /** Ends the stream: who waits for more gets what there is. */
  feedEof(): void {
    this.#eof = true;
    this.#wake();
  }

  /** Returns the error that ended the stream, or null. */
  exception(): unknown {
    return this.#error === null ? null : this.#error.value;
  }

  /** Makes the waiting read and all further ones throw this error. */
  setException(error: unknown): void {
    this.#error = { value: error };
    if (this.#waiter?.done() === false) this.#waiter.setException(error);
  }

  [inspect.custom](): string {
    const facts = [
      this.#buffer.length > 0 && `${this.#buffer.length} bytes`,
      this.#eof && "eof",
      this.#limit !== DEFAULT_LIMIT && `limit=${this.#limit}`,
      this.#waiter !== null && "a task waits",
      this.#error !== null && `exception=${this.#error.value}`,
      this.#paused && "paused",
    ].filter((fact) => fact !== false);
    return `<StreamReader${facts.length > 0 ? ` ${facts.join(", ")}` : ""}>`;
  }

  /** @internal Says whom to pause when too much comes; null when nothing more does. */
  _setSource(source: Source | null): void {
    this.#source = source;
    this.#paused = false;
  }

  /** @internal Takes out all there is, for whoever goes on with the same bytes (TLS). */
  _takeAll(): Buffer {
    return this.#buffer.takeAll();
  }

  async #readUntil(separators: readonly Buffer[], method: string): Promise<Buffer> {
    this.#begin(method);
    const longest = separators.at(-1)?.length ?? 1;
    let searched = 0;
    for (;;) {
      const match = this.#buffer.find(separators, searched);
      if (match !== null) return this.#takeMatch(match);
      searched = Math.max(0, this.#buffer.length + 1 - longest);
      if (searched > this.#limit)
        throw new LimitOverrunError("Separator is not found, and chunk exceed the limit", searched);
      if (this.#eof) throw new IncompleteReadError(this.#buffer.takeAll(), null);
      await this.#waitForData(this.#buffer.length + 1);
    }
  }

  #takeMatch(match: Match): Buffer {
    if (match.start > this.#limit)
      throw new LimitOverrunError("Separator is found, but chunk is longer than limit", match.start);
    return this.#take(match.end);
  }

  /** Drops the line that was too long, or all there is of it. */
  #dropLine(length: number): void {
    const whole = this.#buffer.at(length) === NEWLINE_BYTE;
    this.#take(whole ? length + 1 : this.#buffer.length);
  }

  #take(count: number): Buffer {
    const taken = this.#buffer.take(count);
    if (this.#buffer.length <= this.#limit) this.#resume();
    return taken;
  }

  /** Waits until so many bytes are there, or the end, or an error. */
  async #waitForData(needed: number): Promise<void> {
    this.#resume(); // the read may need more than the limit
    const waiter = this.#source === null ? new Future<void>() : new OutsideFuture<void>();
    this.#waiter = waiter;
    this.#needed = needed;
    try {
      await waiter;
    } finally {
      this.#waiter = null;
      this.#needed = 0;
    }
  }

  #wake(): void {
    if (this.#waiter?.done() === false) this.#waiter.setResult();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#source?.resumeReading();
  }

  /**
   * Every read begins here. asyncio lets a second task take what is there while the first waits for more, which then
   * looks like the end of the stream to the first.
   */
  #begin(method: string): void {
    if (this.#error !== null) throw this.#error.value;
    if (this.#waiter === null) return;
    throw new RuntimeError(
      `${method}() called while another task is already waiting for incoming data: ` +
        "let one task read and hand the data on, for instance through a Queue",
    );
  }
}

function checkInteger(value: number, name: string, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  const problem = `Expected \`${name}\` to be an integer >= ${least}, got ${got(value)}`;
  throw typeof value === "number" ? new RangeError(problem) : new TypeError(problem);
}

/** Where a separator was found. */
interface Match {
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes in the order in which they came, kept in the pieces in which they came: what lies within one piece is given
 * out as a view of it, and only what spans several is copied, once.
 */
class ByteQueue {
  #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = piece;
    this.#pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(buffer, byteOffset, byteLength));
    this.#length += byteLength;
  }

  /** Takes so many bytes off the front, or all when there are fewer. */
  take(count: number): Buffer {
    const wanted = Math.min(count, this.#length);
    const taken: Buffer[] = [];
    for (let missing = wanted; missing > 0; ) {
      const piece = this.#takePiece(missing);
      taken.push(piece);
      missing -= piece.length;
    }
    this.#length -= wanted;
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken, wanted);
  }

  /** Takes all there is. */
  takeAll(): Buffer {
    return this.take(this.#length);
  }

  /** Returns the byte at an index, or undefined beyond the end. */
  at(index: number): number | undefined {
    let base = 0;
    for (const piece of this.#pieces) {
      if (index < base + piece.length) return piece[index - base];
      base += piece.length;
    }
    return undefined;
  }

  /** Finds the match that ends first, at or after `from`; of those that end there, that of the separator named first. */
  find(separators: readonly Buffer[], from: number): Match | null {
    const overlap = Math.max(...separators.map((separator) => separator.length)) - 1;
    let base = 0;
    let before: Buffer = EMPTY;
    for (const piece of this.#pieces) {
      const text = before.length === 0 ? piece : Buffer.concat([before, piece]);
      const start = base - before.length;
      base += piece.length;
      if (base > from) {
        const match = findFirstEnd(text, separators, Math.max(0, from - start));
        if (match !== null) return { start: start + match.start, end: start + match.end };
      }
      if (overlap > 0) before = text.subarray(Math.max(0, text.length - overlap));
    }
    return null;
  }

  /** Takes the first piece, or its first bytes when it has more. */
  #takePiece(most: number): Buffer {
    const piece = this.#pieces[0] as Buffer;
    if (piece.length <= most) return this.#pieces.shift() as Buffer;
    this.#pieces[0] = piece.subarray(most);
    return piece.subarray(0, most);
  }
}

function findFirstEnd(text: Buffer, separators: readonly Buffer[], from: number): Match | null {
  let first: Match | null = null;
  for (const separator of separators) {
    const start = text.indexOf(separator, from);
    if (start === -1) continue;
    const end = start + separator.length;
    if (first === null || end < first.end) first = { start, end };
  }
  return first;
}
