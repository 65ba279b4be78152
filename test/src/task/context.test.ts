import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import {
  ContextVar,
  copyContext,
  createTask,
  gather,
  getRunningLoop,
  RuntimeError,
  sleep,
  taskGroup,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { turns, virtual } from "../../support/virtual.ts";

describe("a context variable", () => {
  it("has its default until it is set, and without one it throws", () => {
    expect(new ContextVar("variable", { default: 1 }).get()).toBe(1);
    expect(new ContextVar("variable", { default: undefined }).get()).toBe(undefined);
    expect(() => new ContextVar("variable").get()).toThrow(RangeError);
  });

  it("goes back to what it was by the token of its set, also to nothing", () =>
    virtual(async () => {
      const variable = new ContextVar<number>("variable");
      const first = variable.set(1);
      const second = variable.set(2);
      variable.reset(second);
      expect(variable.get()).toBe(1);
      variable.reset(first);
      expect(() => variable.get()).toThrow(RangeError);
    }));

  it("takes a token once, its own, and in the context in which it was set", () =>
    virtual(async () => {
      const [variable, other] = [new ContextVar<number>("variable"), new ContextVar<number>("other")];
      const token = variable.set(1);
      expect(() => other.reset(token)).toThrow(RangeError);
      await createTask(async () => expect(() => variable.reset(token)).toThrow(RangeError));
      variable.reset(token);
      expect(() => variable.reset(token)).toThrow(RuntimeError);
    }));

  it("is apart for each of two variables of the same name", () => {
    const [a, b] = [new ContextVar("same", { default: "a" }), new ContextVar("same", { default: "b" })];
    copyContext().run(() => {
      a.set("set");
      expect([a.get(), b.get()]).toEqual(["set", "b"]);
    });
  });

  it("keeps its value over awaits of every kind", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: 0 });
      variable.set(1);
      const seen: number[] = [];
      const note = () => seen.push(variable.get());
      await sleep(1);
      note();
      await sleep(0);
      note();
      await null;
      note();
      await Promise.all([sleep(1), sleep(2)]);
      note();
      await taskGroup(async () => note());
      expect(seen).toEqual([1, 1, 1, 1, 1]);
    }));
});

describe("a context", () => {
  it("is a copy: what is set in it stays in it", () => {
    const variable = new ContextVar("variable", { default: "outside" });
    const context = copyContext();
    expect(context.run((value: string) => variable.set(value) && variable.get(), "inside")).toBe("inside");
    expect([variable.get(), context.get(variable), context.copy().get(variable)]).toEqual([
      "outside",
      "inside",
      "inside",
    ]);
  });

  it("of a task is one, and has nothing that its creator set later", () =>
    virtual(async () => {
      const variable = new ContextVar<string>("variable");
      const task = createTask(async () => variable.set("own"));
      const context = task.getContext();
      variable.set("later");
      expect(context.get(variable)).toBe(undefined);
      await task;
      expect([context.get(variable), task.getContext() === context]).toEqual(["own", true]);
      expect(
        createTask(async () => {})
          .getContext()
          .get(variable),
      ).toBe("later");
    }));

  it("that is given to a task is used as it is, not copied", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: 0 });
      const context = copyContext();
      const add = async () => {
        variable.set(variable.get() + 1);
        await sleep(1);
      };
      const first = createTask(add, { context });
      const second = createTask(add, { context });
      await first;
      await second;
      await taskGroup(async (group) => void group.createTask(add, { context }));
      expect([context.get(variable), variable.get(), first.getContext()]).toEqual([3, 0, context]);
    }));

  it("of another kind that a task enters does not keep it from ending with its own body", () =>
    virtual(async () => {
      const storage = new AsyncLocalStorage<number>();
      const bodies = [
        async (id: number) => storage.enterWith(id),
        (id: number) => storage.run(id, async () => storage.getStore()),
        (id: number) => new AsyncResource("Body").runInAsyncScope(async () => id),
        (id: number) => copyContext().run(async () => await sleep(id, id)),
        (id: number) => Promise.resolve().then(() => createTask(() => sleep(0, id))),
        async (id: number) => await Promise.reject(id),
      ];
      const outcomes = bodies.map((body, id) => createTask(() => body(id) as unknown));
      const ended = await gather(outcomes, { returnExceptions: true });
      expect(ended).toEqual([undefined, 1, 2, 3, 4, 5]);
    }));

  it("does not take the application's own storages along", () =>
    virtual(async () => {
      const storage = new AsyncLocalStorage<string>();
      const context = storage.run("where it was made", () => copyContext());
      const seen = storage.run("where it is used", () => context.run(() => storage.getStore()));
      expect(seen).toBe("where it is used");
    }));

  it("of a callback is a copy that its handle has", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "outside" });
      variable.set("when it was scheduled");
      const handle = getRunningLoop().callSoon(() => variable.set("by the callback"));
      variable.set("later");
      const before = handle.getContext().get(variable);
      await turns(1);
      expect([before, handle.getContext().get(variable)]).toEqual([
        "when it was scheduled",
        "by the callback",
      ]);
    }));

  it("is seen by the callbacks that were scheduled in it", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "outside" });
      const seen: string[] = [];
      copyContext().run(() => {
        variable.set("inside");
        getRunningLoop().callSoon(() => seen.push(variable.get()));
      });
      getRunningLoop().callSoon(() => seen.push(variable.get()));
      await turns(2);
      expect(seen).toEqual(["inside", "outside"]);
    }));
});
