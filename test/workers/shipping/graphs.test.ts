import { describe, expect, it } from "vitest";
import { type AnyFunction, rebuild, ship } from "../../../dist/workers/core.js";
import { graphOf } from "../../fixtures/shipping/graphs.mjs";

const GRAPHS = 150;
const SIZE = 14;

/** The parts of a value, under names that two equal values have in common. */
function partsOf(value: object): [string, unknown][] {
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), item]);
  if (value instanceof Set) return [...value].map((item, i) => [String(i), item]);
  if (typeof value === "function") return [["()", (value as () => unknown)()]];
  return Buffer.isBuffer(value) ? [["bytes", value.toString("hex")]] : Object.entries(value);
}

function typeOf(value: object): string {
  if (value instanceof Date) return `Date ${value.getTime()}`;
  return Object.getPrototypeOf(value)?.constructor.name ?? "null";
}

const isPrimitive = (value: unknown): boolean => Object(value) !== value;

/** Throws at the first place where two graphs differ in shape, class, or identity. */
function expectSame(before: unknown, after: unknown, seen: Map<unknown, unknown>, path: string): void {
  if (isPrimitive(before) || seen.has(before)) {
    expect(Object.is(after, isPrimitive(before) ? before : seen.get(before)), path).toBe(true);
    return;
  }
  seen.set(before, after);
  expect(typeOf(after as object), path).toBe(typeOf(before as object));
  const parts = partsOf(before as object);
  const others = partsOf(after as object);
  expect(
    others.map(([name]) => name),
    path,
  ).toEqual(parts.map(([name]) => name));
  for (const [i, [name, part]] of parts.entries()) expectSame(part, others[i]?.[1], seen, `${path}.${name}`);
}

describe("a graph of values that a closure captures", () => {
  it("arrives with its shape, classes, cycles and identities", async () => {
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const before = graphOf(seed, SIZE) as () => unknown;
      const { recipe } = await ship(before as AnyFunction, "value");
      const after = (await rebuild(structuredClone(recipe))) as unknown as () => unknown;
      expectSame(before(), after(), new Map(), `graph ${seed}`);
    }
  });
});
