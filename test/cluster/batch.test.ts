import { describe, expect, it } from "vitest";
import { Batch, BatchSizes } from "../../dist/cluster/batch.js";

type Code = Parameters<BatchSizes["of"]>[0];

const owner = { stop() {}, control() {}, signalAborted() {} };

/** What is learnt of a function from batches of so many calls that took so many milliseconds. */
function learnt(...batches: readonly (readonly [size: number, took: number])[]): number {
  const code = {} as Code;
  const sizes = new BatchSizes();
  for (const [size, took] of batches) {
    const batch = new Batch(owner);
    batch.codes.add(code);
    batch.size = size;
    batch.took = took;
    sizes.learn(batch);
  }
  return sizes.of(code);
}

describe("How many calls make a batch", () => {
  it("is one at first, and twice as many after each quick batch, to 256 at most", () => {
    expect(learnt()).toBe(1);
    expect(learnt([1, 0.1])).toBe(2);
    expect(learnt([1, 0.1], [2, 0.1], [4, 0.1])).toBe(8);
    const quick = Array.from({ length: 20 }, (_, i) => [Math.min(256, 2 ** i), 0.1] as const);
    expect(learnt(...quick)).toBe(256);
  });

  it("is as many as last for about four milliseconds", () => {
    expect(learnt([1, 0.5], [2, 1], [4, 2], [8, 4])).toBe(8);
    expect(learnt([1, 0.1], [2, 0.2], [4, 40])).toBe(1);
    expect(learnt([1, 100])).toBe(1);
  });

  it("is not learnt from a batch that was shorter than it could have been", () => {
    expect(learnt([1, 0.1], [2, 0.1], [1, 0.1])).toBe(4);
  });
});
