import { AsyncResource } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { refuseWhileLoading, whileLoading } from "../../../dist/workers/core.js";

describe("a pool", () => {
  it("is refused to a module that a worker is loading for a job, but not to others, nor to it afterwards", async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let afterwards: () => void = () => {};
    const loading = whileLoading("file:///app/tasks.js#work", async () => {
      await gate;
      afterwards = AsyncResource.bind(refuseWhileLoading);
      refuseWhileLoading();
    });
    expect(refuseWhileLoading).not.toThrow();
    goOn();
    await expect(loading).rejects.toMatchObject({
      code: "ERR_SHIP_REENTRANT",
      message: expect.stringMatching(
        /tasks\.js#work uses a pool while a worker thread loads it.*isMainThread/,
      ),
    });
    expect(afterwards).not.toThrow();
  });
});
