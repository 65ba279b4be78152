import { ShipError } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import { giveUp, ship } from "../../../dist/workers/core.js";
import { changedAfterwards, lookedUpOnce } from "../../fixtures/shipping/lib/fresh.mjs";
import { fib, Point } from "../../fixtures/shipping/lib/maths.mjs";
import { query } from "../../fixtures/shipping/lib/onlymain.mjs";
import { during, late } from "../../fixtures/shipping/lib/unready.mjs";
import { call, callIn, recipeOf, stop } from "../../fixtures/shipping/thread.mjs";

afterAll(stop);

describe("a reference that cannot be followed", () => {
  it("is not made while its module is still in its top-level await", async () => {
    expect(during).toBe("ERR_SHIP_NOT_EXPORTED");
    expect(await recipeOf(late)).toMatchObject({ kind: "module", path: ["late"] });
  });

  it("says so when the module throws in the worker, which stays usable", async () => {
    await expect(call(query)).rejects.toMatchObject({
      code: "ERR_SHIP_LOAD",
      message: expect.stringMatching(
        /onlymain\.mjs#query threw while a worker thread loaded it: no database here\. Guard/,
      ),
    });
    expect(await call(fib, 10)).toBe(55);
  });

  it("is given up after a worker could not load it, in every shipment that has it", async () => {
    const recipe = await recipeOf(Point.origin);
    const error = new ShipError("ERR_SHIP_NO_EXPORT", "no such export");
    expect(giveUp(recipe, error)).toBe(true);
    expect(giveUp(recipe, error)).toBe(true);
    await expect(callIn("reference", Point.origin)).rejects.toMatchObject({ code: "ERR_SHIP_NOT_EXPORTED" });
    expect(await recipeOf(fib)).toMatchObject({ path: ["fib"] });
  });

  it("is not given up because a module threw", async () => {
    expect(giveUp(await recipeOf(fib), new ShipError("ERR_SHIP_LOAD", "it threw"))).toBe(false);
  });
});

describe("ship", () => {
  it("answers at once, with the same object, when the function is known", async () => {
    const shipment = await ship(fib, "auto");
    expect(shipment.stable).toBe(true);
    expect(ship(fib, "auto")).toBe(shipment);
  });

  it("looks a function up once, however often it is given away before it is known", async () => {
    const first = ship(lookedUpOnce);
    expect(first).toBeInstanceOf(Promise);
    expect(ship(lookedUpOnce)).toBe(first);
    expect((await first).recipe).toMatchObject({ path: ["lookedUpOnce"] });
  });

  it("reads variables at the call, though the module has to be looked at first", async () => {
    expect(await changedAfterwards(call)).toBe(1);
  });
});
