import { BoundedSemaphore, CancelledError, createTask, Semaphore, type Task } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

const takers = (semaphore: Semaphore, names: string, order: string[]): Task<void>[] =>
  [...names].map((name) =>
    createTask(async () => {
      await semaphore.acquire();
      order.push(name);
    }),
  );

describe.each([
  ["Semaphore", Semaphore],
  ["BoundedSemaphore", BoundedSemaphore],
])("%s", (_, Kind) => {
  it("starts with one permit unless told otherwise", () =>
    virtual(async () => {
      const semaphore = new Kind();
      expect(semaphore.locked()).toBe(false);
      expect(await semaphore.acquire()).toBe(semaphore);
      expect(semaphore.locked()).toBe(true);
      semaphore.release();
      expect(semaphore.locked()).toBe(false);
    }));

  it.each([-1, 1.5, Number.NaN])("refuses to start with %d permits", (value) => {
    expect(() => new Kind(value)).toThrow(RangeError);
  });

  it("gives as many permits as it has without a wait, and the next waits", () =>
    virtual(async () => {
      const semaphore = new Kind(2);
      const order: string[] = [];
      takers(semaphore, "abc", order);
      await turns(3);
      expect([order.join(""), semaphore.locked()]).toEqual(["ab", true]);
      semaphore.release();
      await turns(2);
      expect(order.join("")).toBe("abc");
    }));

  it("hands permits over first-in first-out, one for each release", () =>
    virtual(async () => {
      const semaphore = new Kind(3);
      for (let i = 0; i < 3; i++) await semaphore.acquire();
      const order: string[] = [];
      takers(semaphore, "abcd", order);
      await turns(2);
      for (const expected of ["a", "abc"]) {
        for (let i = order.length; i < expected.length; i++) semaphore.release();
        await turns(2);
        expect(order.join("")).toBe(expected);
      }
    }));

  it("keeps a released permit for the first waiter: a newcomer does not overtake it", () =>
    virtual(async () => {
      const semaphore = new Kind(1);
      await semaphore.acquire();
      const order: string[] = [];
      takers(semaphore, "a", order);
      await turns(1);
      semaphore.release();
      expect(semaphore.locked()).toBe(true);
      takers(semaphore, "b", order);
      await turns(3);
      expect(order.join("")).toBe("a");
      semaphore.release();
      await turns(2);
      expect(order.join("")).toBe("ab");
    }));

  it("wakes in order when several permits come back at once", () =>
    virtual(async () => {
      const semaphore = new Kind(2);
      await semaphore.acquire();
      await semaphore.acquire();
      const order: string[] = [];
      takers(semaphore, "abc", order);
      await turns(1);
      semaphore.release();
      semaphore.release();
      takers(semaphore, "d", order);
      await turns(3);
      expect(order.join("")).toBe("ab");
      semaphore.release();
      semaphore.release();
      await turns(3);
      expect(order.join("")).toBe("abcd");
    }));

  it("forgets a waiter that is cancelled", () =>
    virtual(async () => {
      const semaphore = new Kind(1);
      await semaphore.acquire();
      const order: string[] = [];
      const [a, b] = takers(semaphore, "ab", order);
      await turns(1);
      a!.cancel();
      semaphore.release();
      await b;
      expect([order, a!.cancelled()]).toEqual([["b"], true]);
    }));

  it("hands the permit to the next waiter when the woken one is cancelled", () =>
    virtual(async () => {
      const semaphore = new Kind(1);
      await semaphore.acquire();
      const order: string[] = [];
      const [a, b] = takers(semaphore, "ab", order);
      await turns(1);
      semaphore.release();
      a!.cancel();
      expect(await failureOf(a!)).toBeInstanceOf(CancelledError);
      await b;
      expect(order).toEqual(["b"]);
    }));

  it("is free again when all its waiters were cancelled", () =>
    virtual(async () => {
      const semaphore = new Kind(1);
      await semaphore.acquire();
      const tasks = takers(semaphore, "ab", []);
      await turns(1);
      for (const task of tasks) task.cancel();
      semaphore.release();
      await turns(3);
      expect(semaphore.locked()).toBe(false);
    }));

  it("lets nobody hang when a release and a cancel meet", () =>
    virtual(async () => {
      const semaphore = new Kind(1);
      await semaphore.acquire();
      const order: string[] = [];
      const [a, b, c] = takers(semaphore, "abc", order);
      await turns(1);
      a!.cancel();
      await turns(1);
      semaphore.release();
      b!.cancel();
      await c;
      expect(order).toEqual(["c"]);
    }));
});

describe("Semaphore", () => {
  it("may be released more often than it was taken", () =>
    virtual(async () => {
      const semaphore = new Semaphore(0);
      expect(semaphore.locked()).toBe(true);
      semaphore.release();
      semaphore.release();
      await semaphore.acquire();
      expect(semaphore.locked()).toBe(false);
    }));
});

describe("BoundedSemaphore", () => {
  it("may not be released more often than it was taken", () =>
    virtual(async () => {
      const semaphore = new BoundedSemaphore(1);
      expect(() => semaphore.release()).toThrow(RangeError);
      await semaphore.acquire();
      semaphore.release();
      expect(() => semaphore.release()).toThrow(RangeError);
    }));
});
