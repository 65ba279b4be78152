import { expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

it("a function knows its file among more scripts than the list of their URLs holds", async () => {
  expect(await runForJson(["manyscripts.mjs"])).toEqual(["early", "late"]);
});
