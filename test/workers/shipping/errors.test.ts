import { afterAll, describe, expect, it } from "vitest";
import { type AnyFunction, ship } from "../../../dist/workers/core.js";
import { early, lexical, refused } from "../../fixtures/shipping/refused.mjs";
import { call, callIn, stop } from "../../fixtures/shipping/thread.mjs";

afterAll(stop);

describe("ship refuses", () => {
  it.each(Object.entries(refused))("%s", async (_, [fn, code, message]) => {
    const sent = (async () => ship(fn as AnyFunction))();
    await expect(sent).rejects.toMatchObject({
      name: "ShipError",
      code,
      message: expect.stringMatching(message as RegExp),
    });
  });
});

describe("a function that was sent", () => {
  it("has the `this` of the place where it was written", async () => {
    expect(await call(lexical())).toBe(1);
  });

  it("gets undefined for a variable that is not initialised yet, where V8 does not tell (Node 20)", async () => {
    const sent = early(call);
    if (Number.parseInt(process.versions.node, 10) < 22) expect(await sent).toBeNaN();
    else await expect(sent).rejects.toThrow(/variable later is not initialised yet/);
  });
});

describe('ship: "reference"', () => {
  it("forbids copies", async () => {
    await expect(callIn("reference", () => 1)).rejects.toMatchObject({
      code: "ERR_SHIP_NOT_EXPORTED",
      message: expect.stringMatching(
        /^Function \(anonymous\) \(file:.*errors\.test\.ts:\d+:\d+\) is not an export .*task\(import\.meta\.url, "name", fn\)/,
      ),
    });
  });
});
