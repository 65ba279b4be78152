import { BrokenBarrierError, CancelledError, createTask, Lock, RuntimeError, run, sleep } from "threadloop";
import {
  OwnerDiedError,
  SharedBarrier,
  SharedBoundedSemaphore,
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedSemaphore,
} from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { errorOf, makePool } from "../../support/pools.ts";
import { arrived, makeWords, waiting } from "../../support/sharing.ts";

describe("SharedSemaphore", () => {
  it("lets so many in, and gives a released permit to the head of the line", async () => {
    const pool = makePool();
    const semaphore = new SharedSemaphore(1);
    const words = makeWords();
    await semaphore.acquire();
    const there = pool.submit(jobs.takePermit, semaphore, words);
    await waiting(semaphore, 1);
    expect(semaphore.locked()).toBe(true);
    semaphore.release();
    await there;
    expect(semaphore.value).toBe(0);
    semaphore.release();
    expect(semaphore.value).toBe(1);
  });

  it("gets the permits of a dead thread back", async () => {
    const pool = makePool({ cancelGrace: 0 });
    const semaphore = new SharedSemaphore(2);
    const words = makeWords();
    await pool.submit(jobs.takePermit, semaphore, words);
    const holders = [
      pool.submit(jobs.hold, semaphore, words),
      pool.submit(jobs.hold, new SharedLock(), words),
    ];
    await arrived(words, 3);
    await run(async () => {
      const waiter = createTask(() => semaphore.acquire());
      await waiting(semaphore, 1);
      for (const holder of holders) holder.cancel();
      expect(await waiter).toBe(semaphore);
    });
    for (const holder of holders) await errorOf(holder);
    expect(semaphore.value).toBe(1);
  });

  it("refuses more permits than it had, when it is bounded", async () => {
    const semaphore = new SharedBoundedSemaphore(1);
    expect(() => semaphore.release()).toThrow(RangeError);
    await semaphore.with(() => expect(semaphore.value).toBe(0));
    expect(() => new SharedSemaphore(-1)).toThrow(RangeError);
  });
});

describe("SharedEvent", () => {
  it("wakes all who wait in all threads, also when it is cleared at once", async () => {
    const event = new SharedEvent();
    const words = makeWords();
    await run(async () => {
      const here = createTask(() => event.wait());
      const there = makePool({ size: 1 }).submit(jobs.waitEvent, event, words);
      const blocked = makePool({ size: 1 }).submit(jobs.waitEventSync, event, words);
      await waiting(event, 3);
      event.set();
      event.clear();
      expect([await here, await there, await blocked]).toEqual([true, true, true]);
      expect(event.isSet()).toBe(false);
    });
  });

  it("lets those through who come while it is set", async () => {
    const event = new SharedEvent();
    event.set();
    expect(await event.wait()).toBe(true);
  });
});

describe("SharedCondition", () => {
  it("wakes waiters in other threads, each with the lock held", async () => {
    const pool = makePool();
    const condition = new SharedCondition();
    const words = makeWords();
    const buyers: PromiseLike<number>[] = [pool.submit(jobs.waitCondition, condition, words)];
    await waiting(condition, 1);
    buyers.push(makePool({ size: 1 }).submit(jobs.waitConditionSync, condition, words));
    await waiting(condition, 2);
    await condition.with(() => {
      words[2] = 2;
      condition.notifyAll();
    });
    expect((await Promise.all(buyers)).sort()).toEqual([0, 1]);
  });

  it("keeps its place in the line for the lock when the job of a blocked thread is cancelled", async () => {
    const pool = makePool({ size: 1, cancelGrace: Infinity });
    const lock = new SharedLock();
    const condition = new SharedCondition(lock);
    const words = makeWords();
    await run(async () => {
      const job = pool.submit(jobs.waitAndTell, condition, words);
      await waiting(condition, 1);
      await lock.acquire();
      job.cancel();
      await waiting(lock, 1);
      const next = createTask(() => lock.with(() => Atomics.compareExchange(words, 3, 0, 2)));
      await waiting(lock, 2);
      lock.release();
      expect(await next).toBe(1);
      expect(await errorOf(job)).toBeInstanceOf(CancelledError);
      expect(condition.locked()).toBe(false);
    });
  });

  it("passes the notification on when the notified one is cancelled", async () => {
    await run(async () => {
      const condition = new SharedCondition();
      const wait = () => condition.with(() => condition.wait());
      const first = createTask(wait);
      const second = createTask(wait);
      await waiting(condition, 2);
      await condition.with(() => condition.notify());
      first.cancel();
      await errorOf(first);
      expect(await second).toBe(true);
    });
  });

  it("throws OwnerDiedError, with the lock held, when a thread dies that held the lock", async () => {
    const pool = makePool({ cancelGrace: 0, size: 1 });
    const lock = new SharedLock();
    const condition = new SharedCondition(lock);
    const words = makeWords();
    await run(async () => {
      const waiter = createTask(() => condition.with(() => condition.wait()));
      await waiting(condition, 1);
      const holder = pool.submit(jobs.hold, lock, words);
      await arrived(words, 1);
      holder.cancel();
      expect(await errorOf(waiter)).toBeInstanceOf(OwnerDiedError);
      expect(condition.locked()).toBe(false);
    });
  });

  it("refuses a lock of one loop", () => {
    for (const lock of [new Lock(), null] as unknown as SharedLock[]) {
      expect(() => new SharedCondition(lock)).toThrow("Expected `lock` to be a SharedLock");
    }
  });

  it("refuses to wait and to notify without the lock", async () => {
    const condition = new SharedCondition();
    expect(() => condition.notify()).toThrow(RuntimeError);
    expect(await errorOf(condition.wait())).toBeInstanceOf(RuntimeError);
  });
});

describe("SharedBarrier", () => {
  it("lets tasks of several threads through in rounds", async () => {
    const pool = makePool();
    const barrier = new SharedBarrier(3);
    const words = makeWords();
    const seen = await Promise.all([
      pool.submit(jobs.rounds, barrier, words, 20),
      pool.submit(jobs.rounds, barrier, words, 20),
      jobs.rounds(barrier, words, 20),
    ]);
    const expected = Array.from({ length: 20 }, (_, i) => 3 * (i + 1));
    expect(seen).toEqual([expected, expected, expected]);
  });

  it("gives each a number of its own", async () => {
    const barrier = new SharedBarrier(3);
    const numbers = await Promise.all([
      makePool({ size: 1 }).submit(jobs.waitAtBarrier, barrier, makeWords()),
      makePool({ size: 1 }).submit(jobs.waitAtBarrierSync, barrier),
      barrier.wait(),
    ]);
    expect(numbers.sort()).toEqual([0, 1, 2]);
  });

  it("refuses more parties than it can count", () => {
    for (const parties of [2 ** 31, 2 ** 32 + 2]) {
      expect(() => new SharedBarrier(parties)).toThrow("Expected `parties` to be at most");
    }
    expect(() => new SharedBarrier(0)).toThrow("Expected `parties` to be an integer >= 1");
  });

  it("throws to those who wait when it is reset or aborted, and works again after a reset", async () => {
    await run(async () => {
      const barrier = new SharedBarrier(2);
      for (const end of [() => barrier.reset(), () => barrier.abort()]) {
        const waiter = createTask(() => barrier.wait());
        await sleep(0);
        expect(barrier.nWaiting).toBe(1);
        await end();
        expect(await errorOf(waiter)).toBeInstanceOf(BrokenBarrierError);
      }
      expect(await errorOf(barrier.wait())).toBeInstanceOf(BrokenBarrierError);
      await barrier.reset();
      expect((await Promise.all([barrier.wait(), barrier.wait()])).sort()).toEqual([0, 1]);
    });
  });

  it("throws OwnerDiedError when a thread dies that waits at it, and is broken then", async () => {
    const pool = makePool({ cancelGrace: 0, size: 1 });
    const barrier = new SharedBarrier(3);
    const words = makeWords();
    await run(async () => {
      const waiter = createTask(() => barrier.wait());
      const dying = pool.submit(jobs.dieAtBarrier, barrier, words);
      await arrived(words, 1);
      dying.cancel();
      expect(await errorOf(waiter)).toBeInstanceOf(OwnerDiedError);
      expect(barrier.broken).toBe(true);
    });
  });
});
