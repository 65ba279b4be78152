import { ExceptionGroup } from "threadloop";
import { describe, expect, it } from "vitest";

const group = new ExceptionGroup("outer", [
  new TypeError("a"),
  new ExceptionGroup("inner", [new RangeError("b"), new TypeError("c")]),
]);
const shape = (error: unknown): unknown =>
  error instanceof ExceptionGroup ? [error.message, error.errors.map(shape)] : String(error);

describe("ExceptionGroup", () => {
  it("is an AggregateError with the errors in order", () => {
    expect(group).toBeInstanceOf(AggregateError);
    expect(shape(group)).toEqual(["outer", ["TypeError: a", ["inner", ["RangeError: b", "TypeError: c"]]]]);
  });

  it("splits by class and keeps the nesting", () => {
    const [types, rest] = group.split(TypeError);
    expect(shape(types)).toEqual(["outer", ["TypeError: a", ["inner", ["TypeError: c"]]]]);
    expect(shape(rest)).toEqual(["outer", [["inner", ["RangeError: b"]]]]);
  });

  it("splits by a condition, and gives null for an empty half", () => {
    expect(group.split((error) => error instanceof Error && error.message === "z")).toEqual([null, group]);
    expect(group.subgroup(() => true)).toBe(group);
    expect(group.subgroup(SyntaxError)).toBeNull();
  });

  it("keeps message, cause and stack in the halves", () => {
    const caused = new ExceptionGroup("outer", [new TypeError("a"), new RangeError("b")]);
    caused.cause = "why";
    const half = caused.subgroup(TypeError);
    expect([half?.message, half?.cause, half?.stack]).toEqual(["outer", "why", caused.stack]);
  });

  it("refuses to be empty", () => {
    expect(() => new ExceptionGroup("none", [])).toThrow(RangeError);
  });
});
