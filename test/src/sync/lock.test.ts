import {
  BoundedSemaphore,
  CancelledError,
  Condition,
  createTask,
  Lock,
  RuntimeError,
  Semaphore,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

/** Tasks that take the lock one after the other, and note it. */
function takers(lock: Lock, names: string[], order: string[]): Task<void>[] {
  return names.map((name) =>
    createTask(async () => {
      await lock.acquire();
      order.push(name);
    }),
  );
}

describe("Lock", () => {
  it("is taken, held and given back", () =>
    virtual(async () => {
      const lock = new Lock();
      expect(lock.locked()).toBe(false);
      expect(await lock.acquire()).toBe(lock);
      expect(lock.locked()).toBe(true);
      expect(lock.release()).toBe(undefined);
      expect(lock.locked()).toBe(false);
    }));

  it("does not suspend the task that takes it when it is free", () =>
    virtual(async () => {
      const lock = new Lock();
      let others = 0;
      createTask(async () => {
        others += 1;
      });
      for (let i = 0; i < 3; i++) {
        await lock.acquire();
        lock.release();
      }
      expect(others).toBe(0);
    }));

  it("cannot be released when it is free", () =>
    virtual(async () => {
      expect(() => new Lock().release()).toThrow(RuntimeError);
    }));

  it("hands over first-in first-out, one at a time", () =>
    virtual(async () => {
      const lock = new Lock();
      const order: string[] = [];
      await lock.acquire();
      const tasks = takers(lock, ["a", "b", "c"], order);
      await turns(3);
      expect(order).toEqual([]);
      for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
        lock.release();
        await turns(3);
        expect([order, lock.locked()]).toEqual([expected, true]);
      }
      for (const task of tasks) expect(task.done()).toBe(true);
    }));

  it("is not re-entrant: taking it twice in a task waits", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      expect(await failureOf(() => waitFor(() => lock.acquire(), 10))).toBeInstanceOf(TimeoutError);
      expect(lock.locked()).toBe(true);
    }));

  it("is not owned: another task may release it", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      await createTask(async () => lock.release());
      expect(lock.locked()).toBe(false);
    }));

  it("goes to the waiter and not to a newcomer, though it is free for a moment", () =>
    virtual(async () => {
      const lock = new Lock();
      const order: string[] = [];
      await lock.acquire();
      takers(lock, ["waiter"], order);
      await turns(1);
      lock.release();
      expect(lock.locked()).toBe(false);
      const newcomer = createTask(async () => {
        await lock.acquire();
        order.push("newcomer");
      });
      await turns(2);
      expect(order).toEqual(["waiter"]);
      lock.release();
      await newcomer;
    }));

  it("goes to a newcomer at once when all waiters are cancelled", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const [waiter] = takers(lock, ["waiter"], []);
      await turns(1);
      waiter!.cancel();
      lock.release();
      let others = 0;
      createTask(async () => {
        others += 1;
      });
      await lock.acquire();
      expect([others, lock.locked()]).toEqual([0, true]);
      await failureOf(waiter!);
    }));

  it("leaves out a waiter that was cancelled", () =>
    virtual(async () => {
      const lock = new Lock();
      const order: string[] = [];
      await lock.acquire();
      const [a, b, c] = takers(lock, ["a", "b", "c"], order);
      await turns(1);
      b!.cancel();
      lock.release();
      await turns(2);
      lock.release();
      await turns(2);
      expect([order, a!.done(), b!.cancelled(), c!.done()]).toEqual([["a", "c"], true, true, true]);
    }));

  it.each(["before", "after"])(
    "passes on when the woken waiter is cancelled %s the release, and nobody hangs",
    (when) =>
      virtual(async () => {
        const lock = new Lock();
        const order: string[] = [];
        await lock.acquire();
        const [a, b] = takers(lock, ["a", "b"], order);
        await turns(1);
        if (when === "before") a!.cancel();
        lock.release();
        if (when === "after") a!.cancel();
        await b;
        expect([order, a!.cancelled(), lock.locked()]).toEqual([["b"], true, true]);
      }),
  );

  it("is not held by a task whose wait was cancelled", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const [waiter] = takers(lock, ["a"], []);
      await turns(1);
      waiter!.cancel();
      expect(await failureOf(waiter!)).toBeInstanceOf(CancelledError);
      lock.release();
      expect(lock.locked()).toBe(false);
    }));
});

const locks: [string, () => Lock | Condition | Semaphore][] = [
  ["Lock", () => new Lock()],
  ["Condition", () => new Condition()],
  ["Semaphore", () => new Semaphore()],
  ["BoundedSemaphore", () => new BoundedSemaphore()],
];

describe.each(locks)("%s.with", (_, make) => {
  it("holds it during the function and gives the function's result", () =>
    virtual(async () => {
      const lock = make();
      const result = await lock.with(async () => {
        await sleep(1);
        return lock.locked();
      });
      expect([result, lock.locked()]).toEqual([true, false]);
    }));

  it("is not taken for what is no function", () =>
    virtual(async () => {
      const lock = new Lock();
      // @ts-expect-error
      expect(String(await failureOf(() => lock.with(Promise.resolve())))).toMatch(/with got a promise/);
      expect(lock.locked()).toBe(false);
    }));

  it("gives it back when the function throws", () =>
    virtual(async () => {
      const lock = make();
      const error = new Error("boom");
      expect(await failureOf(() => lock.with(async () => Promise.reject(error)))).toBe(error);
      expect(lock.locked()).toBe(false);
    }));

  it("gives it back when the task is cancelled inside, and never took it when it is cancelled before", () =>
    virtual(async () => {
      const lock = make();
      const entered: string[] = [];
      const enter = (name: string) =>
        createTask(() =>
          lock.with(async () => {
            entered.push(name);
            await sleep(100);
          }),
        );
      const [holder, waiter] = [enter("holder"), enter("waiter")];
      await sleep(1);
      waiter.cancel();
      await failureOf(waiter);
      expect(lock.locked()).toBe(true);
      holder.cancel();
      await failureOf(holder);
      expect([entered, lock.locked()]).toEqual([["holder"], false]);
    }));
});
