import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { PayloadError } from "../../dist/cluster/errors.js";
import { BEST_COMPRESSION, decode, encode, seal, unseal } from "../../dist/cluster/payload.js";
import { random } from "../support/random.ts";

const MOST = 1 << 26;
const copyOf = (value: unknown) => decode(encode(value));
const throughRedis = async (body: Buffer, most = MOST) =>
  await unseal(await seal(body, BEST_COMPRESSION), most);

describe("a value on its way through Redis", () => {
  it("keeps what structured clone keeps", () => {
    const value = {
      map: new Map([[1, new Set([2n])]]),
      date: new Date(0),
      pattern: /x/giu,
      nothing: undefined,
      holes: Object.assign(new Array(3), { 2: 3 }),
      floats: new Float32Array([1.5, 2]),
      view: new DataView(new ArrayBuffer(4), 1, 2),
      memory: new ArrayBuffer(3),
    };
    expect(copyOf(value)).toEqual(structuredClone(value));
  });

  it("keeps cycles, and what is shared", () => {
    const one = { name: "one", self: null as unknown };
    one.self = one;
    const [a, b, words, bytes] = copyOf([one, one, ...viewsOnOneMemory()]) as [
      typeof one,
      unknown,
      Uint32Array,
      Uint8Array,
    ];
    expect(a).toBe(b);
    expect(a.self).toBe(a);
    words[0] = 0x01020304;
    expect([...bytes]).toEqual([4, 3, 2, 1]);
  });

  it("keeps the class of Buffers, URLs and errors with their causes", () => {
    const error = new RangeError("outer", { cause: new TypeError("inner") });
    const copied = copyOf({ error, url: new URL("https://example.org/"), bytes: Buffer.from("text") }) as {
      error: RangeError;
      url: URL;
      bytes: Buffer;
    };
    expect(copied.error).toBeInstanceOf(RangeError);
    expect(copied.error.cause).toBeInstanceOf(TypeError);
    expect(copied.url.href).toBe("https://example.org/");
    expect(Buffer.isBuffer(copied.bytes)).toBe(true);
    expect(String(copied.bytes)).toBe("text");
  });

  it("tells nothing of what lies beside a small Buffer in memory", () => {
    const secret = Buffer.from("the neighbour's secret");
    const sent = Buffer.from("mine");
    expect(sent.buffer).toBe(secret.buffer);
    expect(encode(sent).includes("secret")).toBe(false);
  });

  it("refuses memory that is shared with other threads, functions and symbols", () => {
    for (const value of [
      new SharedArrayBuffer(8),
      new Int32Array(new SharedArrayBuffer(8)),
      () => 1,
      Symbol("no"),
      new MessageChannel().port1,
      new WeakMap(),
      Promise.resolve(),
    ])
      expect(() => encode({ value }), String(value)).toThrow(/could not be cloned/);
  });

  it("says so when it was written by a newer Node", () => {
    const newer = encode("text");
    newer[1] = 99;
    expect(() => decode(newer)).toThrow(/newer Node, in format 99/);
  });

  it("fails in one way for bytes that are damaged, whatever they are", () => {
    const below = random(7);
    const whole = encode({ list: [1, "two", new Uint8Array(8), new Error("three")], map: new Map([[1, 2]]) });
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(whole.subarray(0, 2 + below(whole.length)));
      bytes[2 + below(bytes.length - 2)] = below(256);
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(PayloadError);
      }
    }
  });
});

describe("a body", () => {
  it("comes back as it was, small or large, compressible or not", async () => {
    const below = random(3);
    for (const length of [0, 1, 5000, 20_000, 300_000]) {
      const noise = Buffer.from(Array.from({ length }, () => below(256)));
      expect((await throughRedis(noise)).equals(noise)).toBe(true);
      const rows = Buffer.from("row,".repeat(length / 4));
      expect((await throughRedis(rows)).equals(rows)).toBe(true);
    }
  });

  it("is compressed where that pays, and can be read by every Node unless it says that it knows zstd", async () => {
    const rows = Buffer.from("row,".repeat(10_000));
    const sealed = await seal(rows);
    expect(sealed.length).toBeLessThan(rows.length / 10);
    expect(sealed[0]).toBe(1);
    const noise = deflateRawSync(Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * i) % 251)));
    expect((await seal(noise)).length).toBe(noise.length + 1);
  });

  it("is refused before it is unpacked when it would be too large", async () => {
    const bomb = Buffer.concat([Buffer.from([1]), gzipSync(Buffer.alloc(1 << 24))]);
    await expect((async () => unseal(bomb, 1 << 20))()).rejects.toThrow(PayloadError);
    expect(() => unseal(Buffer.alloc(1 << 21), 1 << 20)).toThrow(/larger than 1048576 bytes/);
  });

  it("is refused when its first byte says nothing that is known", () => {
    expect(() => unseal(Buffer.from([9, 9, 9]), MOST)).toThrow(PayloadError);
    expect(() => unseal(Buffer.alloc(0), MOST)).toThrow(PayloadError);
  });
});

function viewsOnOneMemory(): [Uint32Array, Uint8Array] {
  const memory = new ArrayBuffer(4);
  return [new Uint32Array(memory), new Uint8Array(memory)];
}
