import { afterAll, describe, expect, it } from "vitest";
import { cases } from "../../fixtures/shipping/cases.mjs";
import { call, stop } from "../../fixtures/shipping/thread.mjs";

type Case = (run: typeof call) => Promise<readonly unknown[]>;

afterAll(stop);

describe("a function sent by value", () => {
  it.each(Object.entries(cases as unknown as Record<string, Case>))("%s", async (_, run) => {
    const [actual, expected] = await run(call);
    expect(actual).toEqual(expected);
  });
});
