import {
  CancelledError,
  Condition,
  createTask,
  Lock,
  RuntimeError,
  sleep,
  type Task,
  TimeoutError,
  timeout,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

/** A task that waits for the condition, notes that it was woken, and gives the lock back. */
const waiter = (condition: Condition, name: string, order: string[]): Task<void> =>
  createTask(() =>
    condition.with(async () => {
      await condition.wait();
      order.push(name);
    }),
  );

const notify = (condition: Condition, count?: number) => condition.with(async () => condition.notify(count));

describe("Condition", () => {
  it("is a lock of its own, or shares one", () =>
    virtual(async () => {
      const lock = new Lock();
      const [own, shared] = [new Condition(), new Condition(lock)];
      await own.acquire();
      expect([own.locked(), shared.locked()]).toEqual([true, false]);
      await lock.acquire();
      expect(shared.locked()).toBe(true);
      shared.release();
      expect(lock.locked()).toBe(false);
    }));

  it("refuses to share what is no lock", () => {
    // @ts-expect-error
    expect(() => new Condition({})).toThrow("Expected `lock` to be a Lock, got `{}` (object)");
  });

  it("cannot be waited for, notified or released without the lock", () =>
    virtual(async () => {
      const condition = new Condition();
      expect(await failureOf(() => condition.wait())).toBeInstanceOf(RuntimeError);
      expect(await failureOf(() => condition.waitFor(() => false))).toBeInstanceOf(RuntimeError);
      expect(() => condition.notify()).toThrow(RuntimeError);
      expect(() => condition.notifyAll()).toThrow(RuntimeError);
      expect(() => condition.release()).toThrow(RuntimeError);
    }));

  it("gives the lock back while it waits, and has it again when it returns true", () =>
    virtual(async () => {
      const condition = new Condition();
      const task = createTask(async () => {
        await condition.acquire();
        const result = await condition.wait();
        return [result, condition.locked()];
      });
      await turns(1);
      expect(condition.locked()).toBe(false);
      await notify(condition);
      expect(await task).toEqual([true, true]);
    }));

  it("wakes as many as it is told, in the order in which they came, and notifyAll wakes the rest", () =>
    virtual(async () => {
      const condition = new Condition();
      const order: string[] = [];
      for (const name of ["a", "b", "c", "d", "e"]) waiter(condition, name, order);
      await turns(2);
      for (const [count, expected] of [
        [1, "a"],
        [2, "abc"],
        [0, "abc"],
        [undefined, "abcd"],
      ] as const) {
        await notify(condition, count);
        await turns(10);
        expect(order.join("")).toBe(expected);
      }
      await condition.with(async () => condition.notifyAll());
      await turns(10);
      expect(order.join("")).toBe("abcde");
    }));

  it("does not remember a notification for those who wait later", () =>
    virtual(async () => {
      const condition = new Condition();
      await notify(condition, 5);
      const task = waiter(condition, "late", []);
      await turns(5);
      expect(task.done()).toBe(false);
    }));

  it("lets the woken queue for the lock first-in first-out, while it is still held", () =>
    virtual(async () => {
      const condition = new Condition();
      const order: string[] = [];
      for (const name of ["a", "b"]) waiter(condition, name, order);
      await turns(2);
      await condition.acquire();
      condition.notifyAll();
      await turns(5);
      expect(order).toEqual([]);
      condition.release();
      await turns(5);
      expect(order).toEqual(["a", "b"]);
    }));

  it("waits until a condition is true and gives what it was", () =>
    virtual(async () => {
      const condition = new Condition();
      let items = 0;
      let asked = 0;
      const task = createTask(() =>
        condition.with(() =>
          condition.waitFor(() => {
            asked += 1;
            return items >= 2 && `${items} items`;
          }),
        ),
      );
      for (items of [0, 1, 2]) {
        await turns(5);
        await notify(condition);
      }
      expect([await task, asked]).toEqual(["2 items", 3]);
    }));

  it("does not wait for a condition that is true already", () =>
    virtual(async () => {
      const condition = new Condition();
      expect(await condition.with(() => condition.waitFor(() => 42))).toBe(42);
    }));
});

describe("a cancelled Condition.wait", () => {
  it("has the lock again when it throws", () =>
    virtual(async () => {
      const condition = new Condition();
      const task = createTask(async () => {
        await condition.acquire();
        const error = await failureOf(() => condition.wait());
        return [error, condition.locked()];
      });
      await turns(1);
      task.cancel();
      expect(await task).toEqual([expect.any(CancelledError), true]);
    }));

  it("waits for the lock however often it is cancelled meanwhile, and throws the last cancel", () =>
    virtual(async () => {
      const condition = new Condition();
      const task = createTask(() => condition.with(() => condition.wait()));
      await turns(1);
      await condition.acquire();
      for (const message of ["first", "second", "third"]) {
        task.cancel(message);
        await turns(3);
        expect(task.done()).toBe(false);
      }
      condition.release();
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "third" });
      expect(condition.locked()).toBe(false);
    }));

  it("that was notified passes the notification on", () =>
    virtual(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const [a, b] = [waiter(condition, "a", order), waiter(condition, "b", order)];
      await turns(2);
      await notify(condition, 1);
      a.cancel();
      await b;
      expect([a.cancelled(), order]).toEqual([true, ["b"]]);
    }));

  it("that was notified and waits for the lock passes it on too", () =>
    virtual(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const [a, b] = [waiter(condition, "a", order), waiter(condition, "b", order)];
      await turns(2);
      await condition.acquire();
      condition.notify(1);
      await turns(2);
      a.cancel();
      await turns(2);
      condition.release();
      await b;
      expect([a.cancelled(), order]).toEqual([true, ["b"]]);
    }));

  it("leaves those who were not notified asleep", () =>
    virtual(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const [a, b, c] = ["a", "b", "c"].map((name) => waiter(condition, name, order));
      await turns(2);
      b!.cancel();
      await failureOf(b!);
      await notify(condition, 1);
      await a;
      await turns(5);
      // The cancelled one wakes the next: a wake-up that nobody needed, which Condition allows.
      expect(order[0]).toBe("a");
      await condition.with(async () => condition.notifyAll());
      await c;
      expect(order).toEqual(["a", "c"]);
    }));

  it.each([
    ["an async function, whose promise would always count as true", async () => false],
    ["what is no function", 5],
  ])("waitFor refuses %s", (_, predicate) =>
    virtual(async () => {
      const condition = new Condition();
      const error = await failureOf(() => condition.with(() => condition.waitFor(predicate as never)));
      expect([error, condition.locked()]).toEqual([expect.any(TypeError), false]);
      expect((error as Error).message).toContain("Expected `predicate` to");
    }),
  );

  it("inside a timeout leaves the lock held until the block around both ends", () =>
    virtual(async () => {
      const condition = new Condition();
      const held = await condition.with(async () => {
        const error = await failureOf(() => timeout(5, () => condition.wait()));
        return [error, condition.locked(), now()];
      });
      expect([held, condition.locked()]).toEqual([[expect.any(TimeoutError), true, 5], false]);
    }));

  it("lets the timeout around it come late when another task keeps the lock", () =>
    virtual(async () => {
      const condition = new Condition();
      const task = createTask(() => condition.with(() => timeout(5, () => condition.wait())));
      await turns(1);
      await condition.with(() => sleep(20));
      expect([await failureOf(task), now()]).toEqual([expect.any(TimeoutError), 20]);
    }));
});
