import { describe, expect, it } from "vitest";
import { clusterSettingsOf, machineSettingsOf } from "../../dist/cluster/options.js";

const url = "redis://127.0.0.1:6379";

describe("options of a ClusterExecutor", () => {
  it("have defaults", () => {
    expect(clusterSettingsOf({ url })).toMatchObject({
      queue: "default",
      name: "default",
      ship: "reference",
      ahead: 3,
      lease: 60_000,
      orphans: "finish",
      secrets: [],
    });
  });

  it.each([
    [{}, /`url` to be the address of Redis/],
    [{ url: "localhost:6379" }, /begin with redis:\/\/ or rediss:\/\//],
    [{ url, queue: "a:b" }, /`queue` to be 1 to 100 letters/],
    [{ url, queue: "}*" }, /`queue`/],
    [{ url, queue: "" }, /`queue`/],
    [{ url, ship: "auto" }, /signed: give both sides the same `secret`/],
    [{ url, ship: "fast" }, /`ship` to be "auto" or/],
    [{ url, orphans: "kill" }, /`orphans` to be "finish" or "cancel"/],
    [{ url, ahead: 0 }, /`ahead` to be an integer >= 1/],
    [{ url, lease: 1 }, /`lease` to be an integer >= 100/],
    [{ url, secret: "" }, /`secret` to be a string that is not empty/],
    [{ url, secret: [] }, null],
    [{ url, modules: "/nowhere/at/all" }, /`modules` to be a folder, and \/nowhere/],
    [{ url, maxPayload: 2 ** 31 }, /`maxPayload` to be an integer from 1024/],
    [{ url, treads: 3 }, /Option `treads` is unknown to ClusterExecutor/],
    [{ url, context: { user: 1 } }, /`context.user` to be an AsyncLocalStorage/],
  ])("%j: %s", (options, message) => {
    const settings = () => clusterSettingsOf(options as never);
    if (message === null) expect(settings).not.toThrow();
    else expect(settings).toThrow(message);
  });

  it("tell no password in an error", () => {
    expect(() => clusterSettingsOf({ url: "https://ada:secret@example.org" })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  });
});

describe("options of a machine", () => {
  it("refuse source code without a secret", () => {
    expect(() => machineSettingsOf({ url, allowSource: true })).toThrow(/needs a `secret`/);
    expect(machineSettingsOf({ url, allowSource: true, secret: ["new", "old"] }).secrets).toEqual([
      "new",
      "old",
    ]);
  });

  it.each([
    [{ url, threads: 0 }, /`threads` to be an integer >= 1/],
    [{ url, lock: 10 }, /`lock` to be an integer >= 100/],
    [{ url, preload: ["./x.js"] }, /`preload\[0\]` to be a URL/],
    [{ url, allowsource: true }, /did you mean `allowSource`/],
  ])("%j: %s", (options, message) => {
    expect(() => machineSettingsOf(options as never)).toThrow(message);
  });
});
