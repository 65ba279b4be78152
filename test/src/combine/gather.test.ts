import {
  asCompleted,
  CancelledError,
  coroutine,
  createTask,
  Future,
  gather,
  getRunningLoop,
  shield,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual, virtualLoop } from "../../support/virtual.ts";

const boom = new Error("boom");

describe("gather", () => {
  it("gives the results in the order of its arguments, whichever ended first", () =>
    virtual(async () => {
      const results = await gather(
        sleep(3, "a"),
        async () => await sleep(1, "b"),
        createTask(() => sleep(2, "c")),
      );
      expect([results, now()]).toEqual([["a", "b", "c"], 3]);
    }));

  it("takes a list as well", () =>
    virtual(async () => {
      expect(await gather([1, 2, 3].map((n) => async () => n))).toEqual([1, 2, 3]);
    }));

  it("of nothing is done at once, with an empty list", () =>
    virtual(async () => {
      const empty = gather([]);
      expect([empty.done(), empty.result()]).toEqual([true, []]);
      expect(gather().result()).toEqual([]);
    }));

  it("starts a function as often as it is given", () =>
    virtual(async () => {
      let starts = 0;
      const work = async () => {
        await sleep(1);
        return ++starts;
      };
      expect(await gather(Array(3).fill(work))).toEqual([1, 2, 3]);
      expect(await gather(work, work)).toEqual([4, 5]);
      const completed: unknown[] = [];
      for await (const { future } of asCompleted(Array(3).fill(work))) completed.push(future.result());
      expect(completed).toEqual([6, 7, 8]);
    }));

  it("takes a future, promise or coroutine given twice as one child, and gives its result twice", () =>
    virtual(async () => {
      let starts = 0;
      const call = coroutine(async () => ++starts)();
      const promise = Promise.resolve("promised");
      const future = createTask(() => sleep(1, "slept"));
      expect(await gather(call, promise, future, call, promise, future)).toEqual([
        1,
        "promised",
        "slept",
        1,
        "promised",
        "slept",
      ]);
    }));

  it("is done only in the iteration after its last child's end", () =>
    virtual(async () => {
      const children = [new Future<number>(), new Future<number>()];
      const all = gather(children);
      children[1]!.setResult(2);
      children[0]!.setResult(1);
      expect(all.done()).toBe(false);
      await turns(1);
      expect([all.done(), all.result()]).toEqual([true, [1, 2]]);
    }));

  it("of futures that are all done is done at once", () =>
    virtual(async () => {
      const done = new Future<number>();
      done.setResult(1);
      expect(gather(done, done).result()).toEqual([1, 1]);
    }));

  it("fails with the first exception at once, leaves the others running, and looks at their exceptions", () =>
    virtual(async () => {
      const [a, b, c] = [new Future(), new Future(), new Future()];
      const all = gather(a, b, c);
      b.setException(boom);
      await turns(1);
      expect([all.exception(), a.done(), c.done()]).toEqual([boom, false, false]);
      a.setException(new Error("a second one, that nobody else looks at"));
      c.setResult(1);
      await turns(2);
    }));

  it("with returnExceptions gives exceptions and cancellations as values", () =>
    virtual(async () => {
      const cancelled = new Future();
      const all = gather([async () => 1, async () => Promise.reject(boom), cancelled], {
        returnExceptions: true,
      });
      cancelled.cancel("gone");
      const results = await all;
      expect(results.slice(0, 2)).toEqual([1, boom]);
      expect(results[2]).toBeInstanceOf(CancelledError);
    }));

  it("fails with CancelledError when a child is cancelled, and is not cancelled itself", () =>
    virtual(async () => {
      const [a, b] = [new Future(), new Future()];
      const all = gather(a, b);
      a.cancel();
      await turns(1);
      expect([all.done(), all.cancelled(), b.done()]).toEqual([true, false, false]);
      expect(await failureOf(all)).toBeInstanceOf(CancelledError);
    }));

  it("passes its cancel on to all children that are not done", () =>
    virtual(async () => {
      const [a, b, c] = [new Future<number>(), new Future<number>(), new Future<number>()];
      const all = gather(a, b, c);
      a.setResult(1);
      await turns(1);
      expect(all.cancel("stop")).toBe(true);
      expect([a.cancelled(), b.cancelled(), c.cancelled()]).toEqual([false, true, true]);
      expect(await failureOf(all)).toMatchObject({ name: "CancelledError", message: "stop" });
    }));

  it("cannot be cancelled when it is done, or when no child could be cancelled", () =>
    virtual(async () => {
      const child = new Future<number>();
      const all = gather(child);
      child.setResult(1);
      expect(all.cancel()).toBe(false);
      await turns(1);
      expect([all.result(), all.cancel()]).toEqual([[1], false]);
    }));

  it.each([true, false])(
    "cancelled, waits for every child and then throws, also when they swallow it (returnExceptions: %s)",
    (returnExceptions) =>
      virtual(async () => {
        const stubborn = async () => {
          await failureOf(sleep(100));
          return await sleep(10, "swallowed");
        };
        const all = gather([stubborn, stubborn], { returnExceptions });
        await sleep(1);
        expect(all.cancel()).toBe(true);
        await turns(3);
        expect(all.done()).toBe(false);
        expect(await failureOf(all)).toBeInstanceOf(CancelledError);
        expect(now()).toBe(11);
      }),
  );

  it("cancelled by the task that awaits it cancels the children too", () =>
    virtual(async () => {
      const children = [createTask(() => sleep(100)), createTask(() => sleep(100))];
      const parent = createTask(async () => await gather(children));
      await sleep(1);
      parent.cancel();
      await failureOf(parent);
      expect(children.map((child) => child.cancelled())).toEqual([true, true]);
    }));

  it("that has failed does not cancel the other children any more", () =>
    virtual(async () => {
      const failing = async () => Promise.reject(boom);
      const child = createTask(() => sleep(10, "alive"));
      const all = gather(failing, child);
      expect(await failureOf(all)).toBe(boom);
      expect(all.cancel()).toBe(false);
      expect(await child).toBe("alive");
    }));

  it("refuses futures of different loops", () =>
    virtual(async () => {
      const other = virtualLoop();
      const foreign = other.createFuture();
      expect(() => gather(new Future(), foreign)).toThrow(RangeError);
      other.close();
    }));

  it("of a shield leaves what is shielded alone", () =>
    virtual(async () => {
      const child = createTask(() => sleep(10, "alive"));
      const all = gather(shield(child));
      await turns(1);
      all.cancel();
      await failureOf(all);
      expect([child.done(), await child]).toEqual([false, "alive"]);
    }));

  it("runs its coroutines in the context of its caller and as tasks of the running loop", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      expect(await gather(async () => getRunningLoop())).toEqual([loop]);
    }));
});
