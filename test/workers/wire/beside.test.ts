// A message is taken apart when something in it needs that, as an error, a URL or a signal does: what is beside it, in the
// same arguments or in another job's, travels as it would alone.

import { createSecretKey, generateKeyPairSync, webcrypto } from "node:crypto";
import { BlockList } from "node:net";
import { inspect } from "node:util";
import { CloneError, WorkerPool } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";

const emptyModule = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

/** The type checker does not know it without a browser's types. */
const wasm = Reflect.get(globalThis, "WebAssembly") as Record<string, new (of: object) => object>;
const ofWasm = (name: string, of: object): object => Reflect.construct(wasm[name] as new () => object, [of]);

class Point {
  readonly x = 1;
  readonly at = Buffer.from("at");
}
class Names extends Map<string, unknown> {}
class Later extends Promise<unknown> {}

const firstOf = (list: readonly unknown[]): unknown[] => list.slice(0, 1);

/** What each is, made anew for each job. */
const values: Record<string, () => unknown> = {
  "an array with holes": () => Object.assign(new Array(9), { 2: 1 }),
  "an array with properties": () => Object.assign([1, 2], { index: 5 }),
  "an async generator": () => (async function* () {})(),
  "an iterator": () => [1][Symbol.iterator](),
  "an Intl format": () => new Intl.NumberFormat(),
  "an instance": () => new Point(),
  "a block list": () => new BlockList(),
  "a boxed number": () => Object(1),
  "a boxed symbol": () => Object(Symbol("s")),
  "a DataView": () => new DataView(new ArrayBuffer(8), 2, 3),
  "a finalization registry": () => new FinalizationRegistry(() => {}),
  "a generator": () => (function* () {})(),
  "a key": () => createSecretKey(Buffer.from("abc")),
  "a key of a pair": () => generateKeyPairSync("ed25519").publicKey,
  "a key of Web Crypto": () =>
    webcrypto.subtle.importKey("raw", new Uint8Array(16), "AES-GCM", true, ["encrypt"]),
  "a map's iterator": () => new Map([[1, 2]]).entries(),
  "a module of WebAssembly": () => ofWasm("Module", emptyModule),
  "a memory of WebAssembly": () => ofWasm("Memory", { initial: 1 }),
  "a shared memory of WebAssembly": () => ofWasm("Memory", { initial: 1, maximum: 1, shared: true }),
  "an object without prototype": () => Object.assign(Object.create(null), { a: 1 }),
  "a promise of a class": () => [new Later(() => {})],
  "a Proxy": () => new Proxy({ a: 1 }, {}),
  "a stream": () => new ReadableStream(),
  "a subclass of Map": () => new Names([["a", Buffer.from("a")]]),
  "the arguments of a function": () =>
    (function () {
      // biome-ignore lint/complexity/noArguments: it is what is sent
      return arguments;
    })(),
  "a weak map": () => new WeakMap(),
  "a weak reference": () => new WeakRef({}),
  "a weak set": () => new WeakSet(),
};

describe("beside a URL, an error or a signal", () => {
  const pool = new WorkerPool({ size: 1 });
  afterAll(() => pool.close());

  async function outcome(value: unknown, ...beside: unknown[]): Promise<string> {
    try {
      const [copy] = await pool.submit(firstOf, [await value, ...beside]);
      return inspect(copy);
    } catch (error) {
      expect(error).toBeInstanceOf(CloneError);
      return "refused";
    }
  }

  it.each(Object.keys(values))("%s travels as it does alone", async (name) => {
    const make = values[name] as () => unknown;
    const alone = await outcome(make());
    expect(alone).not.toBe("{}");
    for (const other of [new URL("http://a.b"), new RangeError("no"), new AbortController().signal])
      expect(await outcome(make(), other)).toBe(alone);
    const [here] = await Promise.all([outcome(make()), pool.submit(jobs.echo, new URL("http://a.b"))]);
    expect(here).toBe(alone);
  });
});
