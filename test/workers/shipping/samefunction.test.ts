// By reference means the same function: what a worker finds under the name is compared with what was handed over.
import { describe, expect, it } from "vitest";
import { runForJson, runNode } from "../../support/programs.ts";

describe.concurrent("a function sent by reference", () => {
  it("is the one of this moment when its export was assigned since: then it goes by value", async () => {
    expect(await runForJson(["reassigned.mjs"])).toEqual({ ran: 21, wrong: [] });
    expect(await runForJson(["reassigned.mjs", "early"])).toEqual({ ran: 14, wrong: [] });
  });

  it("has the class of this moment when functions were put on that, or on its prototype, since it was loaded", async () => {
    expect(await runForJson(["changedclass.mjs"])).toEqual({ ran: 24, wrong: [] });
    expect(await runForJson(["changedclass.mjs", "early"])).toEqual({ ran: 18, wrong: [] });
    expect(await runForJson(["changedclass.mjs", "added"])).toEqual({ ran: 48, wrong: [] });
  });

  it("is the one that was loaded when its file has changed on disk, which is told", async () => {
    const { stdout, stderr } = await runNode(["deployed.mjs"]);
    expect(JSON.parse(stdout)).toEqual({ loaded: 1, before: 1, changed: 1 });
    expect(stderr).toMatch(/THREADLOOP_FILE_CHANGED.*version\.mjs#version has changed on disk/);
  });
});
