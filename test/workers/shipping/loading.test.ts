import { AsyncResource } from "node:async_hooks";
import { createServer } from "node:net";
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

describe("a server", () => {
  it("is refused as well where the thread has made servers before, and is not afterwards", async () => {
    const server = createServer();
    const loading = whileLoading("file:///app/tasks.js#work", () => void server.listen(0));
    await expect(loading).rejects.toMatchObject({
      code: "ERR_SHIP_REENTRANT",
      message: expect.stringContaining("tasks.js#work listens while a worker thread loads it"),
    });
    expect(server.listening).toBe(false);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    await new Promise((resolve) => server.close(resolve));
  });
});
