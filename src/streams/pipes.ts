/** Readers and writers over any stream of Node's, as asyncio's connect_read_pipe and connect_write_pipe. */
import type { Readable, Writable } from "node:stream";
import { ignore } from "../io/once.ts";
import { checkSource } from "../io/pipes.ts";
import { checkTarget } from "../io/writepipe.ts";
import type { EventLoop } from "../loop/loop.ts";
import { runningEventLoop } from "../loop/running.ts";
import { feed, Transport } from "./protocol.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/**
 * Reads a stream of Node's: standard input, a file, a request's body. From now on the stream belongs to the reader,
 * until the loop closes, which pauses it.
 *
 * Throws TypeError unless it is a readable stream of bytes or text.
 *
 * @example
 * ```ts
 * import { createReadStream } from "node:fs";
 * import { connectReadPipe, run } from "threadloop";
 *
 * await run(async () => {
 *   const reader = connectReadPipe(createReadStream("package.json"));
 *   console.log(String(await reader.readLine()).trim()); // {
 * });
 * ```
 */
export function connectReadPipe(source: Readable, options: StreamReaderOptions = {}): StreamReader {
  checkSource(source);
  return readPipe(runningEventLoop(), source, options);
}

/**
 * Writes to a stream of Node's: standard output, a file, a response. The loop does not close it at its end.
 *
 * Throws TypeError unless it is a writable stream of bytes or text.
 *
 * @example
 * ```ts
 * import { connectWritePipe, run } from "threadloop";
 *
 * await run(async () => {
 *   const writer = connectWritePipe(process.stdout);
 *   writer.write("progress\n");
 *   await writer.drain();
 * });
 * ```
 */
export function connectWritePipe(target: Writable): StreamWriter {
  checkTarget(target);
  return new StreamWriter(new Transport(runningEventLoop(), target, null));
}

/** @internal Reads a stream until the loop closes, which then lets go of it. */
export function readPipe(
  loop: EventLoop,
  source: Readable,
  options: StreamReaderOptions,
  letGo: (source: Readable) => void = ignore,
): StreamReader {
  const reader = new StreamReader(options);
  const stop = feed(source, reader);
  const abandon = () => {
    stop();
    letGo(source);
  };
  const end = () => {
    loop._atClose.delete(abandon);
    if (source.errored) reader.setException(source.errored);
    else reader.feedEof();
  };
  if (source.closed || source.readableEnded) {
    end();
    return reader;
  }
  loop._atClose.add(abandon);
  source.on("error", ignore).once("close", end);
  return reader;
}
