import { describe, expect, it } from "vitest";
import { crossingOf } from "../../dist/compare/picture.js";
import { anyOf, breakEvenOf, type Figures, verdictOf } from "../../dist/compare/verdict.js";
import { random } from "../support/random.ts";

const AMOUNTS = [1, 2, 4, 8, 16, 32, 64, 256, 1024];

/** What a call costs: on the loop, of the loop's time when it is sent, and until a thread has begun. */
interface Costs {
  readonly call: number;
  readonly keeps: number;
  readonly latency: number;
  readonly threads: number;
}

/** The figures that a machine without noise would give. */
function figuresOf({ call, keeps, latency, threads }: Costs, noise = 0): Figures {
  const speedUp = (amount: number) =>
    (amount * call) / (latency + Math.max(amount * keeps, (amount * call) / Math.min(amount, threads)));
  return {
    loop: { ms: call, spread: noise, busy: call },
    thread: { ms: latency + call, spread: noise },
    loopKeeps: keeps,
    atOnce: AMOUNTS.map((amount) => ({ amount, speedUp: speedUp(amount), spread: noise })),
    chunks: null,
  };
}

const quiet = { possible: 2, processors: 2 };
const pick = random(Number(process.env.SEED ?? 1));
/** A number on a logarithmic scale. */
const between = (low: number, high: number) => low * (high / low) ** (pick(1e6) / 1e6);
const count = (low: number, high: number) => low + pick(high - low + 1);
const times = (most: number, check: () => void) => {
  for (let i = 0; i < most; i++) check();
};

describe("the verdict of a comparison", () => {
  it("is that threads pay for calls that are long beside what sending them costs", () => {
    times(500, () => {
      const call = between(1, 1000);
      const costs = { call, keeps: call / 100, latency: call / 50, threads: count(2, 16) };
      const { frees, faster, fasterFrom, pays } = verdictOf(figuresOf(costs), quiet);
      expect({ frees, faster, fasterFrom, pays }).toEqual({
        frees: true,
        faster: true,
        fasterFrom: 2,
        pays: true,
      });
    });
  });

  it("is that they do not pay where sending a call costs the loop as much as making it", () => {
    times(500, () => {
      const call = between(0.0001, 100);
      const costs = { call, keeps: call * between(0.9, 10), latency: 0.05, threads: count(1, 16) };
      expect(verdictOf(figuresOf(costs), quiet)).toEqual({
        frees: false,
        faster: false,
        fasterFrom: null,
        inChunks: false,
        chunkSize: null,
        pays: false,
      });
    });
  });

  it("is that one thread frees the loop, and is not faster", () => {
    const { frees, faster, pays } = verdictOf(
      figuresOf({ call: 20, keeps: 0.1, latency: 0.1, threads: 1 }),
      quiet,
    );
    expect({ frees, faster, pays }).toEqual({ frees: true, faster: false, pays: true });
  });

  it("finds the amount from which on threads are faster, and the picture where the curve crosses the loop's", () => {
    times(500, () => {
      const [call, threads] = [between(0.01, 1), count(2, 8)];
      const latency = call * between(0.2, 100);
      const figures = figuresOf({ call, threads, latency, keeps: 0 });
      // amount * call = 1.15 * (latency + amount * call / threads), of amounts that give every thread something
      const least = (1.15 * latency) / (call * (1 - 1.15 / threads));
      const { fasterFrom } = verdictOf(figures, quiet);
      if (least < threads) return;
      expect(fasterFrom).toBe(AMOUNTS.find((amount) => amount >= least));
      const exact = latency / (call * (1 - 1 / threads));
      const text = crossingOf(figures.atOnce.map(({ amount, speedUp }) => [amount, speedUp]));
      const [low, high] = [
        AMOUNTS.findLast((amount) => amount < exact)!,
        AMOUNTS.find((amount) => amount >= exact)!,
      ];
      const told = Number(/^faster from (\d+)$/.exec(text)![1]);
      expect(told).toBeGreaterThanOrEqual(low);
      expect(told).toBeLessThanOrEqual(high);
    });
  });

  it("turns no answer over in a crowd or by scattered samples: it only knows fewer", () => {
    times(2000, () => {
      const costs = {
        call: between(0.001, 100),
        keeps: between(0.001, 10),
        latency: between(0.01, 1),
        threads: count(1, 4),
      };
      const sure = verdictOf(figuresOf(costs), quiet);
      const noise = between(0.31, 2);
      for (const doubtful of [
        verdictOf(figuresOf(costs), { possible: 2, processors: between(0.1, 1.4) }),
        verdictOf(figuresOf(costs, noise), quiet),
      ])
        for (const rule of ["frees", "faster", "inChunks", "pays"] as const)
          expect([sure[rule], null]).toContain(doubtful[rule]);
      expect(Object.values(verdictOf(figuresOf(costs, 0.29), quiet))).toEqual(Object.values(sure));
    });
  });

  it("cannot tell in a crowd whether threads are faster that are nearly as fast, but that they are not by far", () => {
    const crowd = { possible: 2, processors: 1 };
    const near = figuresOf({ call: 0.5, keeps: 0.5, latency: 0.1, threads: 2 });
    expect(verdictOf(near, quiet).pays).toBe(false);
    expect(verdictOf(near, crowd).pays).toBeNull();
    const far = figuresOf({ call: 0.001, keeps: 0.01, latency: 0.1, threads: 2 });
    expect(verdictOf(far, crowd).pays).toBe(false);
  });

  it("names the chunk size that is the fastest, where calls are faster together only", () => {
    const short = figuresOf({ call: 0.02, keeps: 0.03, latency: 0.1, threads: 2 });
    const chunks = [0.8, 1.2, 1.8, 1.5].map((speedUp, i) => ({ chunkSize: 4 ** i, speedUp, spread: 0.1 }));
    const { faster, inChunks, chunkSize, pays } = verdictOf({ ...short, chunks }, quiet);
    expect({ faster, inChunks, chunkSize, pays }).toEqual({
      faster: false,
      inChunks: true,
      chunkSize: 16,
      pays: true,
    });
  });

  it("is that an async function that leaves the loop free needs no thread to do so", () => {
    const waiting = { ...figuresOf({ call: 50, keeps: 0.1, latency: 0.1, threads: 2 }) };
    const figures = {
      ...waiting,
      loop: { ms: 50, spread: 0, busy: 0.1 },
      atOnce: AMOUNTS.map((amount) => ({ amount, speedUp: 0.99, spread: 0 })),
    };
    expect(verdictOf(figures, quiet)).toMatchObject({ frees: false, pays: false });
  });

  it("puts the break-even at twice what the loop keeps of the cheapest input", () => {
    expect(breakEvenOf([{ loopKeeps: 3 }, { loopKeeps: 0.05 }])).toBe(0.1);
    expect([anyOf([]), anyOf([false, null]), anyOf([null, true]), anyOf([false])]).toEqual([
      false,
      null,
      true,
      false,
    ]);
  });
});
