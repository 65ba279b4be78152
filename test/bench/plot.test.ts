import { describe, expect, it } from "vitest";
import { plotAnswer } from "../../dist/bench/harness/plot.js";
import type { Answer } from "../../dist/bench/harness/question.js";

/** An answer of measures that differ by a size, without figures. */
const curvesOver = (sizes: readonly number[]): Answer => ({
  question: "q",
  title: "t",
  seconds: 1,
  measures: sizes.map((x) => ({
    name: `at ${x}`,
    unit: "times",
    better: "higher",
    plot: true,
    at: { curve: "speed-up", x, axis: "files", level: { value: 1, name: "the loop" } },
  })),
  figures: [],
  goals: [],
  skipped: [],
  notes: [],
  probe: [],
});

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
    for (const value of medians) expect(svg).toContain(`>${value}</text>`);
    const feet = new Set(bars.map((bar) => bar[1]));
    const lengths = bars.map((bar) => Number(bar[2]));
    expect(feet.size).toBe(1);
    expect(lengths).toHaveLength(medians.length);
    expect(lengths).toEqual(lengths.filter((length) => length > 0).sort((a, b) => a - b));
  });

  it("draws a curve with a band where measures differ by a size, and names each contender once, apart from the others", () => {
    const sizes = [1, 10, 100];
    const svg = plotAnswer({
      ...curvesOver(sizes),
      figures: ["first", "second"].flatMap((contender) =>
        sizes.map((x) => ({
          contender,
          kind: "peer",
          measure: `at ${x}`,
          samples: [0.5, 1, 1.5],
        })),
      ),
    });
    expect(svg).toContain("speed-up (times, higher is better) over files");
    const heights = ["first", "second"].map((name) => {
      const labels = [
        ...(svg ?? "").matchAll(new RegExp(`translate\\([\\d.]+ ([\\d.]+)\\)"[^>]*>${name}<`, "g")),
      ];
      expect(labels).toHaveLength(1);
      return Number(labels[0]?.[1]);
    });
    expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeGreaterThanOrEqual(12);
    const bands = [...(svg ?? "").matchAll(/<polygon points="([^"]*)"/g)].map(
      (match) => new Set(match[1]?.split(" ").filter((_, i) => i % 2 === 1)).size,
    );
    expect(bands).toEqual([2, 2]);
  });

  it("names ours, the limits and the best peers where there are many lines, one of each package, and has the others grey", () => {
    const sizes = [1, 10, 100];
    const speeds = { ours: 3, bare: 4, "first, fast": 2.9, "first, slow": 2.8, second: 2.7, third: 2.6 };
    const slow = Array.from({ length: 8 }, (_, i) => [`slow ${i}`, 1 + i / 10] as const);
    const kindOf = (name: string) => (name === "ours" ? "ours" : name === "bare" ? "limit" : "peer");
    const svg = plotAnswer({
      ...curvesOver(sizes),
      figures: [...slow, ...Object.entries(speeds)].flatMap(([contender, speed]) =>
        sizes.map((x) => ({
          contender,
          kind: kindOf(contender),
          measure: `at ${x}`,
          samples: [speed - 0.1, speed, speed + 0.1],
        })),
      ),
    });
    const names = [...(svg ?? "").matchAll(/>([^<>]+)<\/text>/g)].map((match) => match[1]!);
    const shown = names.filter((name) => !/^(t|[\d,.]+|speed-up .*)$/.test(name));
    expect(shown.toSorted()).toEqual([
      "bare",
      "first, fast",
      "ours",
      "second",
      "slow 7",
      "the loop",
      "third",
    ]);
    expect(names).toContain("speed-up (times, higher is better) over files; grey: 8 others");
    expect((svg ?? "").match(/<polygon/g)).toHaveLength(1);
  });
});
