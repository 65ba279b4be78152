import { describe, expect, it } from "vitest";
import { formatAllGoals } from "../../dist/bench/harness/table.js";

const answer = (question: string, goals: object[]) => ({ question, goals }) as never;

describe("the table of goals", () => {
  it("has a row for each goal of each question, and says which are reached, missed or not measured", () => {
    const table = formatAllGoals([
      answer("one", [{ text: "a", bound: "at most 2", value: 1, reached: true }]),
      answer("two", []),
      answer("three", [
        { text: "b", bound: "at least 2", value: 1, reached: false },
        { text: "c", bound: "at most 1", value: null, reached: false },
      ]),
    ]);
    expect(table.split("\n").map((row) => row.trim().split(/ {2,}/))).toEqual([
      ["goal", "bound", "got"],
      ["one: a", "at most 2", "1", "reached"],
      ["three: b", "at least 2", "1", "MISSED"],
      ["three: c", "at most 1", "-", "not measured"],
      ["1 of 3 goals reached"],
    ]);
  });
});
