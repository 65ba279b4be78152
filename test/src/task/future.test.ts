import {
  CancelledError,
  ContextVar,
  createTask,
  Future,
  getRunningLoop,
  InvalidStateError,
  isFuture,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual, virtualLoop } from "../../support/virtual.ts";

describe("Future", () => {
  it("is pending when it is new and has neither result nor exception", () =>
    virtual(async () => {
      const future = new Future();
      expect([future.done(), future.cancelled()]).toEqual([false, false]);
      expect(() => future.result()).toThrow(InvalidStateError);
      expect(() => future.exception()).toThrow(InvalidStateError);
    }));

  it("belongs to the running loop, or to the one it was made for", () =>
    virtual(async () => {
      const other = virtualLoop();
      expect(new Future().getLoop()).toBe(getRunningLoop());
      expect(getRunningLoop().createFuture().getLoop()).toBe(getRunningLoop());
      expect(new Future(other).getLoop()).toBe(other);
      other.close();
    }));

  it("has the result it was given, and no exception", () =>
    virtual(async () => {
      const future = new Future<number>();
      future.setResult(42);
      expect([future.done(), future.cancelled(), future.result(), future.exception()]).toEqual([
        true,
        false,
        42,
        null,
      ]);
      expect(await future).toBe(42);
    }));

  it("gives the very exception it was given, each time", () =>
    virtual(async () => {
      const future = new Future();
      const error = new Error("boom");
      future.setException(error);
      expect(future.exception()).toBe(error);
      expect(() => future.result()).toThrow(error);
      expect(await failureOf(future)).toBe(error);
      expect(await failureOf(future)).toBe(error);
    }));

  it("instantiates an error class", () =>
    virtual(async () => {
      const future = new Future();
      future.setException(RangeError);
      expect(future.exception()).toBeInstanceOf(RangeError);
    }));

  it.each([
    ["a result", (future: Future<number>) => future.setResult(1)],
    ["an exception", (future: Future<number>) => future.setException(new Error("boom"))],
    ["a cancel", (future: Future<number>) => future.cancel()],
  ])("is settled once: after %s nothing changes it", (_, settle) =>
    virtual(async () => {
      const future = new Future<number>();
      future.addDoneCallback((done) => done.cancelled() || done.exception());
      settle(future);
      expect(() => future.setResult(2)).toThrow(InvalidStateError);
      expect(() => future.setException(new Error("late"))).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
      await turns(2);
    }),
  );

  it("is cancelled once, and then reading it throws CancelledError", () =>
    virtual(async () => {
      const future = new Future();
      expect(future.cancel()).toBe(true);
      expect([future.done(), future.cancelled()]).toEqual([true, true]);
      expect(() => future.result()).toThrow(CancelledError);
      expect(() => future.exception()).toThrow(CancelledError);
      expect(future.cancel()).toBe(false);
    }));

  it.each(["", "why"])("throws a CancelledError with the message of the cancel: %j", (message) =>
    virtual(async () => {
      const future = new Future();
      future.cancel(message);
      for (const read of [() => future.result(), () => future.exception(), () => future]) {
        expect(await failureOf(read)).toMatchObject({ name: "CancelledError", message });
      }
    }),
  );

  it("gives the cancel's cause to whoever awaits it", () =>
    virtual(async () => {
      const future = new Future();
      const cause = new Error("the reason");
      future.cancel("why", cause);
      expect(await failureOf(future)).toMatchObject({ cause });
    }));

  it("wakes all its waiters in the order in which they began to wait", () =>
    virtual(async () => {
      const future = new Future<string>();
      const order: string[] = [];
      for (const name of ["a", "b", "c"]) {
        createTask(async () => void order.push(`${name}${await future}`));
      }
      await turns(1);
      future.setResult("!");
      expect(order).toEqual([]);
      await turns(2);
      expect(order).toEqual(["a!", "b!", "c!"]);
    }));

  it("does not suspend the task that awaits it when it is done", () =>
    virtual(async () => {
      const order: string[] = [];
      const future = new Future<void>();
      future.setResult();
      createTask(async () => void order.push("another task"));
      await future;
      await future;
      order.push("after the awaits");
      await sleep(0);
      expect(order).toEqual(["after the awaits", "another task"]);
    }));

  it("is recognised by isFuture, and a promise is not", () =>
    virtual(async () => {
      expect(isFuture(new Future())).toBe(true);
      expect(isFuture(Promise.resolve())).toBe(false);
    }));

  it("settles a promise as it settles itself", () =>
    virtual(async () => {
      const good = new Future<number>();
      const bad = new Future();
      const promises = Promise.allSettled([good.toPromise(), bad.toPromise()]);
      good.setResult(1);
      bad.setException(new Error("boom"));
      expect(await promises).toMatchObject([{ value: 1 }, { reason: { message: "boom" } }]);
    }));
});

describe("a done callback", () => {
  const settlings: [string, (future: Future<number>) => unknown][] = [
    ["a result", (future) => future.setResult(1)],
    ["an exception", (future) => future.setException(new Error("boom"))],
    ["a cancel", (future) => future.cancel()],
  ];

  it.each(settlings)(
    "is called in the next iteration after %s, in the order of adding, with the future",
    (_, settle) =>
      virtual(async () => {
        const future = new Future<number>();
        const calls: unknown[] = [];
        future.addDoneCallback((done) => calls.push(["first", done]));
        future.addDoneCallback((done) => calls.push(["second", done]));
        settle(future);
        expect(calls).toEqual([]);
        await sleep(0);
        expect(calls).toEqual([
          ["first", future],
          ["second", future],
        ]);
        if (!future.cancelled()) future.exception();
      }),
  );

  it("added to a done future is called in the next iteration, never at once", () =>
    virtual(async () => {
      const future = new Future<number>();
      future.setResult(1);
      const calls: unknown[] = [];
      future.addDoneCallback((done) => calls.push(done.result()));
      expect(calls).toEqual([]);
      await sleep(0);
      expect(calls).toEqual([1]);
    }));

  it("is called as often as it was added", () =>
    virtual(async () => {
      const future = new Future<number>();
      let calls = 0;
      const callback = () => {
        calls += 1;
      };
      future.addDoneCallback(callback);
      future.addDoneCallback(callback);
      future.setResult(1);
      await sleep(0);
      expect(calls).toBe(2);
    }));

  it("is removed wherever it was added, and the removal says how often that was", () =>
    virtual(async () => {
      const future = new Future<number>();
      const calls: string[] = [];
      const callbacks = ["a", "b", "c"].map((name) => () => calls.push(name));
      const [a, b, c] = callbacks as [() => number, () => number, () => number];
      for (const callback of [a, b, a, c, a]) future.addDoneCallback(callback);
      expect(future.removeDoneCallback(a)).toBe(3);
      expect(future.removeDoneCallback(a)).toBe(0);
      expect(future.removeDoneCallback(c)).toBe(1);
      future.setResult(1);
      await sleep(0);
      expect(calls).toEqual(["b"]);
    }));

  it("can remove and add callbacks while the callbacks are being called", () =>
    virtual(async () => {
      const future = new Future<number>();
      const calls: string[] = [];
      const late = () => calls.push("late");
      future.addDoneCallback(() => {
        calls.push("first");
        future.addDoneCallback(late);
      });
      const second = () => calls.push("second");
      future.addDoneCallback(() => calls.push(`removed ${future.removeDoneCallback(second)}`));
      future.addDoneCallback(second);
      future.setResult(1);
      await turns(2);
      expect(calls).toEqual(["first", "removed 0", "second", "late"]);
    }));

  it("runs in the context in which it was added", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "unset" });
      const future = new Future<number>();
      const seen: string[] = [];
      const observe = () => seen.push(variable.get());
      await createTask(async () => {
        variable.set("adder");
        future.addDoneCallback(observe);
      });
      future.addDoneCallback(observe);
      variable.set("settler");
      future.setResult(1);
      await sleep(0);
      expect(seen).toEqual(["adder", "unset"]);
    }));

  it("that throws is reported to the loop's exception handler, and the others are called", () =>
    virtual(async () => {
      const reports: unknown[] = [];
      getRunningLoop().setExceptionHandler((_, { message, exception }) => reports.push([message, exception]));
      const error = new Error("boom");
      const future = new Future<number>();
      future.addDoneCallback(() => {
        throw error;
      });
      future.addDoneCallback(() => reports.push("the next callback"));
      future.setResult(1);
      await sleep(0);
      expect(reports).toEqual([
        [expect.stringContaining("Exception in callback"), error],
        "the next callback",
      ]);
    }));

  it("must be a function", () =>
    virtual(async () => {
      // @ts-expect-error a callback is a function
      expect(() => new Future().addDoneCallback(null)).toThrow(TypeError);
    }));
});
