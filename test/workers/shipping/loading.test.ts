import { describe, expect, it } from "vitest";
import { refuseWhileLoading, whileLoading } from "../../../dist/workers/shipping/loading.js";

describe("a pool", () => {
  it("is refused to a module that a worker is loading for a job, and to nobody else", async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let afterwards: () => void = () => {};
    const loading = whileLoading("file:///app/tasks.js#work", async () => {
      await gate;
      afterwards = await new Promise((resolve) => setImmediate(() => resolve(refuseWhileLoading)));
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
