// These are values on their way through Redis. A value is `encode`d as structured clone would copy it, only that
// errors, URLs and Buffers keep their class, as between threads. A body, which holds many values, is `seal`ed: what
// is worth it is compressed, and its first byte says how. What is too large for a message lies in a key of its own,
// a blob, which is deleted when it is read and expires when nobody reads it.
//
// Invariant: nothing of a body is read before its size is known to be within a limit.

import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { Deserializer, Serializer } from "node:v8";
import * as zlib from "node:zlib";
import { packed, unpacked } from "../workers/wire/message.ts";
import { PayloadError } from "./errors.ts";
import type { Keys } from "./keys.ts";

/** The largest body that lies in its message; bytes. */
export const INLINE: number = 64 * 1024;
/** How long a blob waits to be read; milliseconds. */
const BLOB_TTL = 600_000;

// Values.

/** V8 writes it at the beginning, with its version of the format behind it. */
const V8_MARK = 0xff;

/** The bytes of a value. Throws what structured clone throws for one that cannot be copied. */
export function encode(value: unknown): Buffer {
  const writer = new ValueWriter();
  writer.writeHeader();
  writer.writeValue(packed(value));
  return writer.releaseBuffer();
}

/** The value again. Throws PayloadError when it cannot be read. */
export function decode(bytes: Uint8Array): unknown {
  if (bytes[0] !== V8_MARK || (bytes[1] as number) > OWN_FORMAT)
    throw new PayloadError(
      bytes[0] === V8_MARK
        ? `A value was written by a newer Node, in format ${bytes[1]} of V8: Node ${process.version} reads up to ${OWN_FORMAT}`
        : "A value is in no format that is known here",
    );
  try {
    const reader = new ValueReader(bytes);
    reader.readHeader();
    return unpacked(reader.readValue());
  } catch (cause) {
    throw new PayloadError("A value cannot be read: its bytes are damaged", { cause });
  }
}

/** What Node's classes have and its types do not say. */
interface Host {
  _setTreatArrayBufferViewsAsHostObjects(are: boolean): void;
  _readRawBytes?(length: number): number;
}

/** All classes of views on memory, by their numbers on the wire: new ones go to the end. */
const VIEWS = [
  "Buffer",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "DataView",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
] as const;
const POOLED = VIEWS.length;

type View = new (memory: ArrayBufferLike, offset: number, length: number) => ArrayBufferView;

/**
 * As `v8.Serializer`, but that views on the same memory are so again, and that memory which is shared with other threads
 * is refused: Node's own copies it. Of a small Buffer only its own bytes are written, as what lies before and behind it
 * is not the sender's to tell.
 */
class ValueWriter extends Serializer {
  constructor() {
    super();
    (this as unknown as Host)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  /** @internal V8 calls it. */
  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object))
      throw new DOMException(`${nameOf(object)} object could not be cloned.`, "DataCloneError");
    const { buffer, byteOffset, byteLength } = object;
    if (Buffer.isBuffer(object) && byteLength < buffer.byteLength) {
      this.writeUint32(POOLED);
      this.writeUint32(byteLength);
      this.writeRawBytes(object);
      return;
    }
    this.writeUint32(VIEWS.indexOf(viewNameOf(object)));
    this.writeUint32(byteOffset);
    this.writeUint32("length" in object ? (object as Uint8Array).length : byteLength);
    this.writeValue(buffer);
  }

  /** @internal V8 calls it. */
  _getSharedArrayBufferId(): never {
    throw new DOMException("#<SharedArrayBuffer> could not be cloned.", "DataCloneError");
  }
}
(ValueWriter.prototype as unknown as { _getDataCloneError: unknown })._getDataCloneError = cloneError;

function cloneError(message: string): DOMException {
  return new DOMException(message, "DataCloneError");
}

/** The getter that all kinds but DataView have; it cannot be lied to. */
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as () => string | undefined;

function viewNameOf(view: ArrayBufferView): (typeof VIEWS)[number] {
  if (Buffer.isBuffer(view)) return "Buffer";
  return (tagOf.call(view) ?? "DataView") as (typeof VIEWS)[number];
}

function nameOf(object: object): string {
  const name: unknown = Object.getPrototypeOf(object)?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "An";
}

class ValueReader extends Deserializer {
  /** @internal V8 calls it. */
  _readHostObject(): ArrayBufferView {
    const which = this.readUint32();
    if (which === POOLED) return Buffer.from(this.readRawBytes(this.readUint32()));
    const [offset, length] = [this.readUint32(), this.readUint32()];
    const memory = this.readValue() as ArrayBuffer;
    const name = VIEWS[which];
    if (name === "Buffer") return Buffer.from(memory, offset, length);
    return new (Reflect.get(globalThis, String(name)) as View)(memory, offset, length);
  }
}

const OWN_FORMAT = encode(null)[1] as number;

// Bodies.

/** How a body is written: its first byte. */
const RAW = 0;
const GZIP = 1;
const ZSTD = 2;

/** The ways of compression, and which of them this process reads: who reads the body has said so. */
export type Compression = "gzip" | "zstd";

type Compress = (bytes: Uint8Array, options: object) => Promise<Buffer>;

/** Node has it since 22.15. */
const { zstdCompress, zstdDecompress, constants } = zlib as unknown as {
  readonly zstdCompress?: (typeof zlib)["gzip"];
  readonly zstdDecompress?: (typeof zlib)["gunzip"];
  readonly constants: Readonly<Record<string, number>>;
};
export const BEST_COMPRESSION: Compression =
  zstdCompress === undefined || zstdDecompress === undefined ? "gzip" : "zstd";
const gzip = promisify(zlib.gzip) as Compress;
const gunzip = promisify(zlib.gunzip) as Compress;
const zstd = zstdCompress === undefined ? null : (promisify(zstdCompress) as Compress);
const unzstd = zstdDecompress === undefined ? null : (promisify(zstdDecompress) as Compress);

/** What is smaller is not worth the time; bytes. */
const COMPRESSED_FROM = 16 * 1024;
/** How much of a body tells whether it is worth it, and how small that must become. */
const SAMPLE = 4096;
const WORTH_IT = 0.8;

/** A body as it lies in Redis. At once where it is small, as most are. */
export function seal(body: Uint8Array, readable: Compression = "gzip"): Buffer | Promise<Buffer> {
  if (body.length < COMPRESSED_FROM || !isWorthCompressing(body)) return marked(RAW, body);
  if (readable === "zstd" && zstd !== null)
    return zstd(body, { params: { [constants.ZSTD_c_compressionLevel as number]: 1 } }).then((bytes) =>
      marked(ZSTD, bytes),
    );
  return gzip(body, { level: 1 }).then((bytes) => marked(GZIP, bytes));
}

/**
 * The body of what lies in Redis. At once where it was not compressed. Throws, or rejects with, PayloadError when it
 * would be larger than `most` bytes, or is damaged.
 */
export function unseal(sealed: Uint8Array, most: number): Buffer | Promise<Buffer> {
  const body = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).subarray(1);
  if (body.length > most) throw tooLarge(most);
  if (sealed[0] === RAW) return body;
  if (sealed[0] === GZIP) return unpressed(gunzip, body, most);
  if (sealed[0] === ZSTD && unzstd !== null) return unpressed(unzstd, body, most);
  throw new PayloadError(
    sealed[0] === ZSTD
      ? `A message is compressed with zstd, which Node ${process.version} cannot read`
      : "A message is in no format that is known here",
  );
}

async function unpressed(decompress: Compress, bytes: Buffer, most: number): Promise<Buffer> {
  try {
    return await decompress(bytes, { maxOutputLength: most });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(most);
    throw new PayloadError("A message cannot be read: its bytes are damaged", { cause });
  }
}

function tooLarge(most: number): PayloadError {
  return new PayloadError(`A message is larger than ${most} bytes, the limit here`);
}

function marked(mark: number, bytes: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + 1);
  whole[0] = mark;
  whole.set(bytes, 1);
  return whole;
}

/** Pictures, archives and noise are not: a piece out of the middle tells. */
function isWorthCompressing(body: Uint8Array): boolean {
  const from = (body.length - SAMPLE) >> 1;
  const sample = body.subarray(from, from + SAMPLE);
  return zlib.deflateRawSync(sample, { level: 1 }).length < SAMPLE * WORTH_IT;
}

// Blobs.

/** What of Redis is used for them. */
interface Store {
  set(key: string, value: Buffer, unit: "PX", milliseconds: number): Promise<unknown>;
  strlen(key: string): Promise<number>;
  getBuffer(key: string): Promise<Buffer | null>;
  unlink(key: string): Promise<number>;
}

/** Puts a sealed body into a key of its own; returns the key. */
export async function putBlob(redis: Store, keys: Keys, sealed: Buffer): Promise<string> {
  const key = keys.blob(randomUUID());
  await redis.set(key, sealed, "PX", BLOB_TTL);
  return key;
}

/**
 * What lies in a key of `putBlob`; null when it has expired. Throws PayloadError for one that is larger than `most`
 * bytes, without fetching it, and for a key that is none of this queue's.
 */
export async function readBlob(redis: Store, keys: Keys, key: string, most: number): Promise<Buffer | null> {
  if (!key.startsWith(keys.blob("")))
    throw new PayloadError("A message names a key that is not of this queue");
  if ((await redis.strlen(key)) > most) throw tooLarge(most);
  return redis.getBuffer(key);
}

/** Deletes it: it was read for the last time. */
export async function dropBlob(redis: Store, key: string): Promise<void> {
  await redis.unlink(key).catch(() => {}); // it expires
}
