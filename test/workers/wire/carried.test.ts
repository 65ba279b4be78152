// These tests send what structured clone refuses, and what keeps its class, whatever it lies in and whatever lies
// beside it.

import * as namespace from "node:path";
import { packed, unpacked } from "threadloop/workers";
import { describe, expect, it } from "vitest";

/** The type checker does not know it without a browser's types. */
const wasm = Reflect.get(globalThis, "WebAssembly") as Record<string, new (...of: unknown[]) => object>;
const ofWasm = (name: string, ...of: unknown[]): object => Reflect.construct(wasm[name] as never, of);
const module = () => ofWasm("Module", new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
const segments = () => new Intl.Segmenter("en").segment("ab");
const posing = (object: object, as: object | null) => Object.setPrototypeOf(object, as);
class Mine {}

/** Objects that are more than their properties and cannot be copied. */
const uncloneable: Record<string, () => object> = {
  Segments: segments,
  "Segment Iterator": () => segments()[Symbol.iterator](),
  Segmenter: () => new Intl.Segmenter("en"),
  Collator: () => new Intl.Collator(),
  DateTimeFormat: () => new Intl.DateTimeFormat(),
  NumberFormat: () => new Intl.NumberFormat(),
  PluralRules: () => new Intl.PluralRules(),
  ListFormat: () => new Intl.ListFormat(),
  RelativeTimeFormat: () => new Intl.RelativeTimeFormat("en"),
  DisplayNames: () => new Intl.DisplayNames("en", { type: "region" }),
  Locale: () => new Intl.Locale("en"),
  WeakMap: () => new WeakMap(),
  WeakSet: () => new WeakSet(),
  WeakRef: () => new WeakRef({}),
  FinalizationRegistry: () => new FinalizationRegistry(() => {}),
  Promise: () => Promise.resolve(1),
  "a generator": () => (function* () {})(),
  "an async generator": () => (async function* () {})(),
  "an array's iterator": () => [1][Symbol.iterator](),
  "a map's iterator": () => new Map().entries(),
  "a set's iterator": () => new Set().values(),
  "a text's iterator": () => "a"[Symbol.iterator](),
  "matches of a RegExp": () => "a".matchAll(/a/g),
  "a boxed symbol": () => Object(Symbol("boxed")),
  Memory: () => ofWasm("Memory", { initial: 1 }),
  Instance: () => ofWasm("Instance", module()),
  Table: () => ofWasm("Table", { initial: 1, element: "anyfunc" }),
  Global: () => ofWasm("Global", { value: "i32", mutable: true }, 1),
  "a module": () => namespace,
  "a Proxy": () => new Proxy({}, {}),
  arguments: () =>
    (function (..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: it is about such an object
      return arguments;
    })(1),
  "a class of the program's that extends WeakMap": () => new (class Weak extends WeakMap {})(),
  "Segments without a prototype": () => posing(segments(), null),
  "Segments of a class": () => posing(segments(), Mine.prototype),
  "a WeakMap that poses as plain": () => posing(new WeakMap(), Object.prototype),
  "a WeakSet with a property, without a prototype": () =>
    posing(Object.assign(new WeakSet(), { own: 1 }), null),
  "a promise of a class": () => posing(Promise.resolve(1), Mine.prototype),
  "a generator with a property": () =>
    posing(Object.assign((function* () {})(), { own: 1 }), Object.prototype),
};

const special: Record<string, () => unknown> = {
  nothing: () => 1,
  "a URL": () => new URL("http://a/b"),
  "an error": () => new RangeError("beside"),
  "a Buffer": () => Buffer.from("beside"),
  "an AbortSignal": () => AbortSignal.abort(1),
};

const containers: Record<string, (value: unknown, beside: unknown) => unknown> = {
  "an array": (value, beside) => [value, beside],
  "a record": (value, beside) => ({ beside, value }),
  "an object of a class": (value, beside) => Object.assign(new Mine(), { value, beside }),
  "a record without a prototype": (value, beside) => Object.assign(Object.create(null), { value, beside }),
  "a Map": (value, beside) =>
    new Map<unknown, unknown>([
      ["value", value],
      [{ beside }, 2],
    ]),
  "a Map's keys": (value, beside) => new Map([[value, beside]]),
  "a Set": (value, beside) => new Set([beside, value]),
  "a property of an array": (value, beside) => Object.assign([1], { value, beside }),
  "a property of a long array": (value, beside) =>
    Object.assign(Array.from({ length: 1000 }, Math.abs), { value, beside }),
  "a deep place": (value, beside) => [{ at: new Map([[1, [new Set([{ value }])]]]) }, [[beside]]],
};

const carry = (value: unknown) => unpacked(structuredClone(packed(value)));

describe.each(Object.entries(uncloneable))("%s", (_, make) => {
  it("is refused in each container and beside each object that keeps its class", () => {
    expect(() => structuredClone(make())).toThrow("could not be cloned");
    for (const [container, hold] of Object.entries(containers))
      for (const [name, beside] of Object.entries(special))
        expect(() => carry(hold(make(), beside())), `in ${container}, beside ${name}`).toThrow(
          "could not be cloned",
        );
  });
});

describe("an object that poses as a plain one", () => {
  it("arrives as structured clone has it", () => {
    const url = new URL("http://a/b");
    for (const as of [null, Object.prototype]) {
      const made = [new Map([[1, 2]]), new Set([1]), new Date(5), /x/g, new Uint8Array([1, 2]), Object(1)];
      for (const object of made) {
        const [given] = carry([posing(object, as), url]) as unknown[];
        expect(given).toEqual(structuredClone(object));
        expect(Object.getPrototypeOf(given)).not.toBe(Object.prototype);
      }
    }
  });
});

describe("a property of an array that is no item", () => {
  const lengths = [0, 1, 3, 64, 65, 1000];
  it.each(lengths)("keeps its class (%i items)", (length) => {
    const items = () => Array.from({ length }, (_, at) => at);
    class List extends Array<number> {}
    for (const array of [items(), List.from(items())]) {
      const given = carry({
        bytes: Object.assign(array.slice(), { extra: Buffer.from("x") }),
        url: Object.assign(array.slice(), { extra: new URL("http://a/b") }),
        error: Object.assign(array.slice(), { extra: Object.assign(new RangeError("r"), { code: 5 }) }),
        deep: [Object.assign(array.slice(), { extra: [{ in: new URL("http://a/b") }] })],
      }) as Record<string, { extra: unknown }> & { deep: { extra: { in: unknown }[] }[] };
      expect(Buffer.isBuffer(given.bytes?.extra)).toBe(true);
      expect(given.url?.extra).toBeInstanceOf(URL);
      expect(given.error?.extra).toMatchObject({ code: 5, message: "r" });
      expect(given.deep[0]?.extra[0]?.in).toBeInstanceOf(URL);
      const alone = carry(Object.assign(items(), { extra: Buffer.from("x") })) as { extra: unknown };
      expect(Buffer.isBuffer(alone.extra)).toBe(true);
      expect(alone).toHaveLength(length);
    }
  });
});
