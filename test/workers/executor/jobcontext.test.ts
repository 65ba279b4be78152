import { AsyncLocalStorage } from "node:async_hooks";
import { ContextVar, copyContext, run, runInExecutor, toThread } from "threadloop";
import { jobContext, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import {
  readRequest,
  readTwin,
  readUser,
  request,
  setAndReadUser,
  twinA,
  twinB,
  user,
} from "../../fixtures/workers/variables.mjs";

const local = new ContextVar("local", { default: "nothing" });
const plain = new ContextVar<string>("plain");

describe("toThread", () => {
  it("carries the values of context variables, to variables of modules and captured ones", async () => {
    await run(async () => {
      expect(await toThread(readUser)).toBe("nobody");
      user.set("ada");
      local.set("here");
      expect(await toThread(readUser)).toBe("ada");
      expect(await toThread(() => `${user.get()} ${local.get()}`)).toBe("ada here");
    });
  });

  it("carries those of the context it is called in, and runInExecutor none", async () => {
    await run(async () => {
      user.set("ada");
      const other = copyContext();
      other.run(() => user.set("bob"));
      expect(await other.run(() => toThread(readUser))).toBe("bob");
      expect(await toThread(readUser)).toBe("ada");
      expect(await runInExecutor(readUser)).toBe("nobody");
    });
  });

  it("outside a loop carries them too, and lets nothing that the job sets come back or stay in the thread", async () => {
    const context = copyContext();
    context.run(() => user.set("ada"));
    const seen = await context.run(() => toThread(setAndReadUser, "eve"));
    expect(seen).toEqual(["ada", "eve", "eve", "ada"]);
    expect(context.run(() => user.get())).toBe("ada");
    expect(await runInExecutor(readUser)).toBe("nobody");
  });

  it("carries objects as copies; what cannot be copied is told where it is read, and fails nobody else", async () => {
    const context = copyContext();
    context.run(() => user.set({ name: "ada" } as unknown as string));
    context.run(() => request.set({ socket: () => {} }));
    expect(await context.run(() => toThread(readUser))).toEqual({ name: "ada" });
    await expect(context.run(() => toThread(readRequest)).toPromise()).rejects.toThrow(
      /context variable `request` cannot be copied/,
    );
  });

  it("tells two variables of one name and file, where both have a value, from none", async () => {
    const one = copyContext();
    one.run(() => twinA.set("A"));
    one.run(() => twinB.set("B"));
    await expect(one.run(() => toThread(readTwin)).toPromise()).rejects.toThrow(
      /Several context variables named `twin`/,
    );
  });

  it("carries a value that looks like nothing, and a variable without a default", async () => {
    const context = copyContext();
    context.run(() => user.set(undefined as unknown as string));
    context.run(() => plain.set(""));
    expect(await context.run(() => toThread(() => [user.get(), plain.get()]))).toEqual([undefined, ""]);
    await expect(toThread(() => plain.get()).toPromise()).rejects.toThrow(/`plain` has no value here/);
  });
});

describe("a pool with a `context`", () => {
  it("carries its AsyncLocalStorages and ContextVars with each job", async () => {
    const trace = new AsyncLocalStorage<string>();
    await using pool = new WorkerPool({ size: 1, context: { trace, user } });
    const read = () => [jobContext("trace"), jobContext("user"), user.get()];
    expect(await pool.submit(read)).toEqual([undefined, undefined, "nobody"]);
    const context = copyContext();
    context.run(() => user.set("ada"));
    const job = context.run(() => trace.run("t1", () => pool.submit(read)));
    expect(await job).toEqual(["t1", "ada", "ada"]);
  });

  it("refuses what is neither, by name", () => {
    expect(() => new WorkerPool({ context: { user: 5 as never } })).toThrow(
      /`context.user`.*an AsyncLocalStorage or a ContextVar/,
    );
  });
});
