import { describe, expect, it } from "vitest";
import {
  type Comparison,
  type ComparisonError,
  compare,
  drawComparison,
  formatComparison,
} from "../../dist/compare/index.js";
import { functionsOf } from "./functions.ts";

const QUICK = { threads: 2, rounds: 1 };
const refusal = (work: Promise<unknown>): Promise<ComparisonError> =>
  work.then(
    () => Promise.reject(new Error("it was compared")),
    (error) => error as ComparisonError,
  );

describe("compare", () => {
  it("measures each input, whether the function changes its arguments, and that results are the same", async () => {
    const stages: string[] = [];
    const sorted = (list: number[]) => list.sort((a, b) => a - b);
    const comparison = await compare(sorted, [[[3, 1, 2]], [Array.from({ length: 200 }, (_, i) => -i)]], {
      ...QUICK,
      onProgress: ({ input, inputs, stage }) => stages.push(`${input}/${inputs} ${stage}`),
    });
    expect(comparison).toMatchObject({ function: "sorted", file: null, node: process.version, threads: 2 });
    expect(comparison.inputs).toHaveLength(2);
    for (const { isSame, changesArguments, loop, thread, loopKeeps, cold, copy } of comparison.inputs) {
      expect({ isSame, changesArguments }).toEqual({ isSame: true, changesArguments: true });
      for (const figure of [loop.ms, loop.busy, thread.ms, loopKeeps, cold])
        expect(figure).toBeGreaterThan(0);
      expect(copy!.out.bytes).toBeGreaterThan(0);
    }
    expect(comparison.inputs[0]!.atOnce.map(({ amount }) => amount).slice(0, 3)).toEqual([1, 2, 4]);
    expect(comparison.inputs[0]!.chunks!.map(({ chunkSize }) => chunkSize)).toEqual([1, 4, 16, 64, 256]);
    expect(stages).toContain("2/2 calls at once");
    expect(formatComparison(comparison)).toContain("It changes its arguments");
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
  });

  it("makes calls of an async function side by side on the loop too, and compares no results that vary", async () => {
    const counts = globalThis as { flying?: number; mostFlying?: number };
    const nap = async (ms: number) => {
      const here = globalThis as { flying?: number; mostFlying?: number };
      here.flying = (here.flying ?? 0) + 1;
      here.mostFlying = Math.max(here.mostFlying ?? 0, here.flying);
      await new Promise((resolve) => setTimeout(resolve, ms));
      here.flying--;
      return Math.random();
    };
    const { inputs } = await compare(nap, [[20]], QUICK);
    const [input] = inputs;
    expect(input).toMatchObject({ isSame: null, changesArguments: false, chunks: null });
    expect(input!.loop.busy).toBeLessThan(input!.loop.ms);
    expect(counts.mostFlying).toBeGreaterThanOrEqual(2); // how many a sample has depends on how long the first call took
  });

  it("says why a function cannot be compared, with the value that it threw", async () => {
    const { throwing, throwingAnything, uncloneable, unshareable, streaming } = await functionsOf();
    const threw = await refusal(compare(throwing, [[]], QUICK));
    expect(threw).toMatchObject({ name: "ComparisonError", code: "threw" });
    expect(threw.message).toBe("throwing threw in a thread: RangeError: no\\x1b[2J");
    expect(threw.cause).toBeInstanceOf(RangeError);
    expect((await refusal(compare(throwingAnything, [[]], QUICK))).code).toBe("threw");
    expect(await refusal(compare(uncloneable, [[]], QUICK))).toMatchObject({ code: "unsendable" });
    expect(await refusal(compare(streaming, [[]], QUICK))).toMatchObject({ code: "unsendable" });
    const different = await refusal(compare(unshareable, [[]], QUICK));
    expect(different.code).toBe("different");
    expect(different.message).toContain("unshareable gave another result in a thread than on the loop");
    const weak = await refusal(compare((key: WeakKey) => key, [[new WeakRef({})]], QUICK));
    expect(weak.code).toBe("unsendable");
  });

  it("ends a function that does not return in time", async () => {
    const { endless, pending } = await functionsOf();
    for (const fn of [endless, pending]) {
      const { code, message } = await refusal(compare(fn, [[]], { ...QUICK, timeout: 200 }));
      expect(code).toBe("timeout");
      expect(message).toContain(`${fn.name} did not return within 200 ms`);
    }
  });

  it("tells when the function throws on the loop only", async () => {
    let isHere = false;
    const { throwing } = await functionsOf();
    const fn = Object.defineProperty(() => (isHere ? throwing() : 1), "name", { value: "<b>&" });
    const comparing = compare(fn, [[]], QUICK);
    isHere = true;
    expect(await refusal(comparing)).toMatchObject({
      code: "threw",
      message: expect.stringContaining("<b>& threw on the loop: RangeError"),
    });
  });

  it("refuses what is no comparison, with what was expected", async () => {
    const anything = compare as (fn: unknown, inputs: unknown, options?: unknown) => Promise<Comparison>;
    const messages = [
      [anything(1, [[]]), "Expected `fn` to be a function, got `1` (number)"],
      [anything(Math.sqrt, []), "Expected `inputs` to be a list of lists of arguments, such as [[30]], got"],
      [anything(Math.sqrt, [4]), "Expected `inputs` to be a list of lists of arguments"],
      [anything(Math.sqrt, [[4]], { thread: 2 }), "did you mean `threads`?"],
      [anything(Math.sqrt, [[4]], { threads: 0 }), "Expected `threads` to be a positive integer, got `0`"],
      [anything(Math.sqrt, [[4]], { rounds: 1.5 }), "Expected `rounds` to be a positive integer"],
      [anything(Math.sqrt, [[4]], { timeout: -1 }), "Expected `timeout` to be more than 0 milliseconds"],
    ] as const;
    for (const [refused, message] of messages) expect((await refusal(refused)).message).toContain(message);
  });
});

describe("the picture of a comparison", () => {
  const input = (ms: number, speedUps: readonly number[]): Comparison["inputs"][number] => ({
    loop: { ms, spread: 0, busy: ms },
    thread: { ms, spread: 0 },
    cold: 50,
    loopKeeps: 0.01,
    copy: null,
    atOnce: speedUps.map((speedUp, i) => ({ amount: 4 ** i, speedUp, spread: 0 })),
    chunks: null,
    isSame: true,
    changesArguments: false,
    verdict: { frees: null, faster: null, fasterFrom: null, inChunks: null, chunkSize: null, pays: null },
  });
  const comparison: Comparison = {
    function: 'a<script>"&',
    file: null,
    node: "v20.0.0",
    threads: 4,
    processors: 1.2,
    isCrowded: true,
    inputs: [input(0.5, [0.5, 0.9, 1.8, 3]), input(0.2, [0.4, 0.8, 0.9]), input(0.1, [1.1, 1.2])],
    breakEven: 0.02,
    pays: null,
  };

  it("has a curve with a label for each input, and says what a crowd has done", () => {
    const svg = drawComparison(comparison);
    expect(svg.match(/<polyline /g)).toHaveLength(3);
    for (const label of [
      "500 µs a call",
      "faster from 5",
      "never faster",
      "always faster",
      "4 threads, ideal",
    ])
      expect(svg).toContain(label);
    expect(svg).toContain("4 threads got 1.2 of them");
    expect(svg).toContain("it cannot be told whether threads pay");
  });

  it("is well-formed whatever the function is called, and its labels do not overlap", () => {
    const svg = drawComparison(comparison);
    expect(svg).toContain('a&lt;script&gt;"&amp;: ');
    expect(svg.replaceAll(/<\/?(?:svg|rect|text|line|polyline|circle)\b[^<>]*>/g, "")).not.toMatch(/[<>]/);
    const many = { ...comparison, inputs: Array.from({ length: 6 }, () => input(1, [1, 1])) };
    const places = [...drawComparison(many).matchAll(/y="([\d.]+)"[^>]*>1\.00 ms a call/g)].map(([, y]) =>
      Number(y),
    );
    places.sort((a, b) => a - b);
    expect(places).toHaveLength(6);
    for (const [i, place] of places.slice(1).entries())
      expect(place - places[i]!).toBeGreaterThanOrEqual(31.8);
  });

  it("has no panel for what was not asked", () => {
    expect(drawComparison(comparison)).not.toContain("calls in a message");
  });
});
