import { describe, expect, it } from "vitest";
import { plotAnswer } from "../../dist/bench/harness/plot.js";

describe("a plot", () => {
  it("draws every bar from one foot to the right, the longer the greater its figure, also on a logarithmic scale", () => {
    const medians = [0.08, 0.9, 1, 47];
    const svg = plotAnswer({
      question: "q",
      title: "t",
      seconds: 1,
      measures: [{ name: "cost", unit: "µs", better: "lower", plot: true }],
      figures: medians.map((value, i) => ({
        contender: `c${i}`,
        kind: "peer",
        measure: "cost",
        samples: [value],
      })),
      goals: [],
      skipped: [],
      notes: [],
      probe: [],
    });
    const bars = [...(svg ?? "").matchAll(/<path d="M([\d.]+) [\d.]+l(-?[\d.]+) [^"]*" fill="#2563eb"/g)];
    const feet = new Set(bars.map((bar) => bar[1]));
    const lengths = bars.map((bar) => Number(bar[2]));
    expect(feet.size).toBe(1);
    expect(lengths).toHaveLength(medians.length);
    expect(lengths).toEqual(lengths.filter((length) => length > 0).sort((a, b) => a - b));
  });
});
