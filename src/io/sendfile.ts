/** `sendfile` sends a file over a connection, as the fallback of asyncio's `loop.sendfile` does it. */
import { got, RuntimeError } from "../errors/errors.ts";
import { SendfileNotAvailableError } from "../errors/ioerrors.ts";
import { checkOptionNames, optionNames } from "../errors/optionnames.ts";
import { OutsideFuture } from "../task/outside.ts";
import type { FileHandle } from "./builtins.ts";
import type { ClosingLoop } from "./holdsocket.ts";
import { connectionLost } from "./once.ts";
import { checkRuns } from "./protocolcalls.ts";
import { checkOpen } from "./tls.ts";
import { type Transport, whatBroke } from "./transport.ts";

/** What is held of the file at a time. */
const BLOCK = 2 ** 16;

/** What of a file is sent. */
export interface SendfileOptions {
  /** The first byte; default 0. */
  offset?: number;
  /** How many bytes at most; default all that there are. */
  count?: number | undefined;
  /** Whether the bytes may go through memory, as Node knows no other way; default true. */
  fallback?: boolean;
}

const SENDFILE_OPTIONS = optionNames<SendfileOptions>({ offset: true, count: true, fallback: true });

/** The loop's method of this name: sends a file block by block, and the next one when the system has taken the one before. */
export async function sendfile(
  loop: ClosingLoop,
  transport: Transport,
  file: FileHandle,
  options: SendfileOptions,
): Promise<number> {
  checkOptionNames("sendfile", options, SENDFILE_OPTIONS);
  const { offset = 0, count = Infinity, fallback = true } = options;
  checkRuns(loop);
  check(transport, file, offset, count);
  if (!fallback)
    throw new SendfileNotAvailableError(
      "Expected `fallback` to be true, as Node has no sendfile of the system",
    );
  return await transport._whileSendingFile(() => sendUnread(transport, file, offset, count));
}

async function sendUnread(
  transport: Transport,
  file: FileHandle,
  offset: number,
  count: number,
): Promise<number> {
  const wasReading = transport.isReading();
  transport.pauseReading();
  try {
    return await sendBlocks(transport, file, offset, count);
  } finally {
    if (wasReading) transport.resumeReading();
  }
}

async function sendBlocks(
  transport: Transport,
  file: FileHandle,
  offset: number,
  count: number,
): Promise<number> {
  let sent = 0;
  while (sent < count) {
    const block = await readBlock(file, offset + sent, Math.min(BLOCK, count - sent));
    if (block.length === 0) break;
    await writeBlock(transport, block);
    sent += block.length;
  }
  return sent;
}

/** A read that is cancelled goes on, into a buffer that nobody looks at. */
async function readBlock(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const block = new OutsideFuture<Buffer>();
  file.read(Buffer.allocUnsafe(size), 0, size, position).then(
    ({ buffer, bytesRead }) => block.done() || block.setResult(buffer.subarray(0, bytesRead)),
    (error) => block.done() || block.setException(error),
  );
  return await block;
}

async function writeBlock(transport: Transport, block: Buffer): Promise<void> {
  if (transport.isClosing()) throw connectionLost();
  const taken = new OutsideFuture<void>();
  transport._send(block, (error) => {
    if (taken.done()) return;
    if (!error) taken.setResult();
    else taken.setException(whatBroke(transport._stream) ?? connectionLost());
  });
  await taken;
}

function check(transport: Transport, file: FileHandle, offset: number, count: number): void {
  checkOpen(transport);
  if (transport._stream.writableEnded) throw new RuntimeError("Cannot call sendfile() after writeEof()");
  if (typeof file?.read !== "function" || typeof file.stat !== "function")
    throw new TypeError(
      `Expected \`file\` to be a FileHandle, as \`open\` of node:fs/promises gives, got ${got(file)}`,
    );
  checkWhole(offset, "offset", 0);
  if (count !== Infinity) checkWhole(count, "count", 1);
}

function checkWhole(value: unknown, name: string, least: number): void {
  const expected = `Expected \`${name}\` to be a whole number from ${least} on`;
  if (typeof value !== "number") throw new TypeError(`${expected}, got ${got(value)}`);
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${expected}, got ${got(value)}`);
}
