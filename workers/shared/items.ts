/**
 * These are the items of a shared queue as bytes. Numbers and strings are written as they are, anything else by V8's
 * own serializer, which copies what structured clone copies.
 */
import { CloneError } from "../wire/errors.ts";
import { packedData, unpacked } from "../wire/message.ts";

const VALUE = 0;
const NUMBER = 1;
const STRING = 2;

/** An item that is ready to be written. */
export type Item =
  | { readonly code: typeof VALUE; readonly bytes: number; readonly value: Buffer }
  | { readonly code: typeof NUMBER; readonly bytes: number; readonly value: number }
  | { readonly code: typeof STRING; readonly bytes: number; readonly value: string };

/** When it is needed: it takes a millisecond to load. */
const v8 = (): typeof import("node:v8") => process.getBuiltinModule("node:v8");

/** Encodes a value. Throws CloneError for one that cannot be copied. */
export function encode(value: unknown): Item {
  if (typeof value === "number") return { code: NUMBER, bytes: 8, value };
  if (typeof value === "string") return { code: STRING, bytes: value.length * 2, value };
  const buffer = serialize(value);
  return { code: VALUE, bytes: buffer.length, value: buffer };
}

function serialize(value: unknown): Buffer {
  const serializer = new (v8().Serializer)();
  serializer.writeHeader();
  try {
    serializer.writeValue(packedData(value));
  } catch (error) {
    // Anything else was thrown by a getter of the value's own.
    if (!(error instanceof Error && /could not be cloned\.$/.test(error.message))) throw error;
    throw new CloneError(`Cannot copy an item of a SharedQueue: ${error.message} ${ADVICE}`, {
      cause: error,
    });
  }
  return serializer.releaseBuffer();
}

const ADVICE =
  "Put plain data; what is shared already (a SharedArrayBuffer, a SharedLock) goes to the threads as an argument";

/** Writes an item at a place in memory. */
export function writeItem(item: Item, memory: Buffer, at: number): void {
  if (item.code === NUMBER) memory.writeDoubleLE(item.value, at);
  else if (item.code === STRING) memory.write(item.value, at, "utf16le");
  else memory.set(item.value, at);
}

/** Reads an item: the value, of which nothing is in the memory any more. */
export function readItem(code: number, memory: Buffer, at: number, bytes: number): unknown {
  if (code === NUMBER) return memory.readDoubleLE(at);
  if (code === STRING) return memory.toString("utf16le", at, at + bytes);
  const deserializer = new (v8().Deserializer)(memory.subarray(at, at + bytes));
  deserializer.readHeader();
  return unpacked(deserializer.readValue());
}
