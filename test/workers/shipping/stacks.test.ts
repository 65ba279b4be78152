import { afterAll, describe, expect, it } from "vitest";
import { callIn, stop } from "../../fixtures/shipping/thread.mjs";
import { throwing } from "../../fixtures/shipping/throwing.mjs";

type Throwing = (n: number) => unknown;

afterAll(stop);

/** The places in the user's file that the error went through, innermost first. */
async function placesOf(run: () => unknown): Promise<string[]> {
  const error = await (async () => run())().then(
    () => expect.fail("did not throw"),
    (thrown: Error) => thrown,
  );
  return [...(error.stack ?? "").matchAll(/throwing\.mjs:\d+:\d+/g)].map(([place]) => place);
}

describe("the stack of an error thrown by shipped code", () => {
  it.each(Object.entries(throwing()))("shows the user's file, line and column for %s", async (_, fn) => {
    const here = await placesOf(() => (fn as Throwing)(1));
    const there = await placesOf(() => callIn("value", fn as Throwing, 1));
    expect(here.length).toBeGreaterThan(0);
    expect(there).toEqual(here);
  });
});
