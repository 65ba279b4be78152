// These tests follow a caller's context to a machine whose modules lie elsewhere.
import { AsyncLocalStorage } from "node:async_hooks";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContextVar, copyContext, getRunningLoop, run, toThread } from "threadloop";
import { ClusterExecutor } from "threadloop/cluster";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Greeter, greet, request, user } from "../fixtures/cluster/variables.mjs";
import { MODULES, startMachine } from "../support/machines.ts";
import { startRedis } from "../support/redisserver.ts";
import { root } from "./support/cluster.ts";

const unknown = new ContextVar("unknown");
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "threadloop-copy-"));
  cpSync(MODULES, copy, { recursive: true });
  mkdirSync(join(copy, "node_modules"));
  symlinkSync(root, join(copy, "node_modules", "threadloop"), "dir");
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe("the context of a caller", () => {
  it("goes to machines as it goes to threads: stores and variables of the option, variables by toThread, to actors too", async () => {
    await using redis = await startRedis();
    await startMachine(redis, ["--modules", copy]);
    const storage = new AsyncLocalStorage<string>();
    const options = { url: redis.url, modules: MODULES };
    await using plain = new ClusterExecutor(options);
    await using carrying = new ClusterExecutor({ ...options, context: { request: storage, user, unknown } });
    const context = copyContext();
    context.run(() => user.set("ada"));
    context.run(() => unknown.set("of a file that the machine does not have"));
    expect(await context.run(() => carrying.submit(greet).toPromise())).toBe("hello ada");
    expect(await storage.run("r-17", () => carrying.submit(request).toPromise())).toBe("r-17");
    expect(await context.run(() => plain.submit(greet).toPromise())).toBe("hello nobody");
    await using greeter = await carrying.spawn(Greeter);
    expect(await context.run(() => greeter.greet().toPromise())).toBe("hello ada");
    expect(await greeter.greet()).toBe("hello nobody");
    expect(await context.run(() => carrying.broadcast(greet))).toEqual(["hello ada"]);
    await run(async () => {
      getRunningLoop().setDefaultExecutor(plain);
      user.set("bob");
      expect(await toThread(greet)).toBe("hello bob");
    });
  });
});
