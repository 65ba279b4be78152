// These tests are about what the waits of Lock, Semaphore, Event and Queue have in common: how they are served when
// they are not simply awaited.
import {
  CancelledError,
  createTask,
  Event,
  gather,
  Lock,
  Queue,
  Semaphore,
  sleep,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

describe("a wait in a line", () => {
  it("that is awaited only later has its turn all the same", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const first = queue.get();
      const second = createTask(() => queue.get());
      await turns(2);
      queue.putNowait(1);
      queue.putNowait(2);
      await turns(2);
      expect(await second).toBe(2);
      expect(await first).toBe(1);
    }));

  it("that nobody awaits is served: what is put arrives", () =>
    virtual(async () => {
      const queue = new Queue<string>(1);
      queue.putNowait("first");
      await createTask(async () => {
        void queue.put("second");
      });
      expect(await queue.get()).toBe("first");
      expect(await queue.get()).toBe("second");
    }));

  it("gives up its turn when the task that began it was cancelled before it awaited it", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const task = createTask(async () => {
        const taken = lock.acquire();
        await sleep(1000);
        await taken;
      });
      const next = createTask(() => lock.acquire());
      await turns(2);
      task.cancel();
      await failureOf(task);
      lock.release();
      expect(await waitFor(next, 10)).toBe(lock);
    }));

  it("can be awaited by several, who all get what it gives", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const got = queue.get();
      const awaiting = [createTask(async () => await got), createTask(async () => await got)];
      await turns(2);
      queue.putNowait(7);
      expect(await gather(...awaiting)).toEqual([7, 7]);
      expect(await got).toBe(7);
    }));

  it("counts one more who awaits it between its turn and its task", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const taken = lock.acquire();
      const first = createTask(async () => await taken);
      await turns(2);
      lock.release();
      const second = createTask(async () => await taken);
      expect(await gather(first, second)).toEqual([lock, lock]);
    }));

  it("goes with others into gather, Promise.all and Promise.race", () =>
    virtual(async () => {
      const [lock, semaphore, event, queue] = [
        new Lock(),
        new Semaphore(0),
        new Event(),
        new Queue<number>(),
      ];
      await lock.acquire();
      createTask(async () => {
        lock.release();
        semaphore.release();
        event.set();
        queue.putNowait(5);
      });
      const waits = [lock.acquire(), semaphore.acquire(), event.wait(), queue.get()];
      expect(await gather(...waits)).toEqual([lock, semaphore, true, 5]);
      expect(await Promise.all(waits)).toEqual([lock, semaphore, true, 5]);
      expect(await Promise.race(waits)).toBe(lock);
    }));

  it("waits again when somebody else took what it was woken for", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const getter = createTask(() => queue.get());
      await turns(1);
      queue.putNowait(1);
      expect(queue.getNowait()).toBe(1);
      await turns(3);
      expect(getter.done()).toBe(false);
      queue.putNowait(2);
      expect(await getter).toBe(2);
    }));

  it.each<[string, (taken: PromiseLike<unknown>) => Promise<unknown>]>([
    ["a task that awaits it", async (taken) => await taken],
    ["a gather", async (taken) => await gather(taken)],
    ["Promise.all", (taken) => Promise.all([taken])],
  ])("that is cancelled through %s after it was woken passes its turn on", (_, wait) =>
    virtual(async () => {
      const queue = new Queue<number>();
      const cancelled = createTask(() => wait(queue.get()));
      await turns(2);
      const next = createTask(() => queue.get());
      await turns(2);
      queue.putNowait(1);
      cancelled.cancel();
      expect(await failureOf(cancelled)).toBeInstanceOf(CancelledError);
      expect(await waitFor(next, 10)).toBe(1);
    }),
  );

  it("gives the reason of the cancel that reached its task after it was woken", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const task = createTask(() => lock.acquire());
      await turns(1);
      lock.release();
      task.cancel("enough");
      expect(await failureOf(task)).toMatchObject({ message: "enough" });
      expect(lock.locked()).toBe(false);
    }));

  it("is told of as what a task waits on", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const task = createTask(() => lock.acquire());
      await turns(1);
      expect(task._waiter?._what()).toBe("acquire of <Lock locked, 1 waiting>");
      lock.release();
      await task;
    }));
});

describe("a wait in a line, outside every loop", () => {
  it("is served as soon as it is its turn", async () => {
    const lock = new Lock();
    await lock.acquire();
    const taken = lock.acquire();
    lock.release();
    expect(await taken).toBe(lock);
  });
});
