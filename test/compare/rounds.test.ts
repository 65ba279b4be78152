import { describe, expect, it } from "vitest";
import { pairedRounds, type Span, spanOf, speedUps, warmUp } from "../../dist/compare/rounds.js";

const span = (whole: number): Span => ({ whole, busy: whole });

describe("the rounds of a comparison", () => {
  it("go on the loop first and in threads first in turn, and pair what was measured in one round", async () => {
    const order: string[] = [];
    let slow = 1;
    const work = (name: string, whole: number) => async () => {
      order.push(name);
      return span(whole * slow);
    };
    const loop = work("loop", 10);
    const threads = work("threads", 5);
    const pairs = await pairedRounds(
      async () => {
        slow = order.length >= 4 ? 100 : 1; // what slows the machine meets both
        return loop();
      },
      async () => {
        slow = order.length >= 4 ? 100 : 1;
        return threads();
      },
      4,
    );
    expect(order).toEqual(["loop", "threads", "threads", "loop", "loop", "threads", "threads", "loop"]);
    expect(speedUps(pairs)).toEqual([2, 2, 2, 2]);
  });

  it("are as many as asked for where that is fewer than three", async () => {
    const once = async () => span(1);
    expect(await pairedRounds(once, once, 1)).toHaveLength(1);
  });

  it("begin when two stretches agree", async () => {
    let calls = 0;
    await warmUp(async () => {
      calls++;
      // Each call blocks, so that a stretch is a few of them.
      for (const end = performance.now() + 20; performance.now() < end; );
      return span(calls <= 6 ? 100 / calls : 10);
    });
    expect(calls).toBeGreaterThan(6);
  });

  it("tell how long the loop stood still of what a call lasted", async () => {
    const waiting = await spanOf(() => new Promise((resolve) => setTimeout(resolve, 30)));
    expect(waiting.busy).toBeLessThan(waiting.whole);
    const spinning = await spanOf(() => {
      for (const end = performance.now() + 10; performance.now() < end; );
    }, 2);
    expect(spinning.busy).toBe(spinning.whole);
    expect(spinning.whole).toBeGreaterThanOrEqual(5);
  });
});
