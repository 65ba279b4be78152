import {
  CancelledError,
  createTask,
  gather,
  RuntimeError,
  run,
  sleep,
  TimeoutError,
  timeout,
} from "threadloop";
import { OwnerDiedError, SharedLock } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { errorOf, makePool } from "../../support/pools.ts";
import { arrived, makeWords, waiting } from "../../support/sharing.ts";

describe("SharedLock", () => {
  it("lets one task at a time in, of all threads", async () => {
    const pool = makePool();
    const lock = new SharedLock();
    const words = makeWords();
    await run(() =>
      gather(
        () => pool.submit(jobs.addUnderLock, lock, words, 500),
        () => pool.submit(jobs.addUnderLock, lock, words, 500),
        () => jobs.addUnderLock(lock, words, 500),
        () => makePool({ size: 1 }).submit(jobs.addUnderLockSync, lock, words, 500),
      ),
    );
    expect(words[2]).toBe(2000);
    expect(lock.locked()).toBe(false);
  });

  it("hands over first-in first-out across threads", async () => {
    const pool = makePool();
    const lock = new SharedLock();
    const words = makeWords();
    await run(async () => {
      await lock.acquire();
      const waiters = [];
      for (let place = 1; place <= 6; place++) {
        const queueUp = () => jobs.queueUp(lock, words, place);
        waiters.push(
          place % 3 === 0 ? createTask(queueUp) : pool.submit(jobs.queueUp, lock, words, place).toPromise(),
        );
        await arrived(words, place);
      }
      lock.release();
      await gather(...waiters);
    });
    expect([...words.slice(4, 10)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("does not suspend when it is free, and gives itself", async () => {
    const lock = new SharedLock();
    const taken = lock.acquire();
    expect(lock.locked()).toBe(true);
    expect(await taken).toBe(lock);
    lock.release();
    expect(() => lock.release()).toThrow(RuntimeError);
  });

  it("lets a cancelled waiter leave, and the next one has the lock", async () => {
    await run(async () => {
      const lock = new SharedLock();
      await lock.acquire();
      const first = createTask(() => lock.acquire());
      const second = createTask(() => lock.acquire());
      await sleep(0);
      first.cancel();
      expect(await errorOf(first)).toBeInstanceOf(CancelledError);
      lock.release();
      expect(await second).toBe(lock);
    });
  });

  it("hands the lock on when a waiter is cancelled at the moment it is woken", async () => {
    await run(async () => {
      const lock = new SharedLock();
      await lock.acquire();
      const first = createTask(() => lock.acquire());
      const second = createTask(() => lock.acquire());
      await sleep(0);
      lock.release();
      first.cancel();
      expect(await errorOf(first)).toBeInstanceOf(CancelledError);
      expect(await second).toBe(lock);
      lock.release();
      expect(lock.locked()).toBe(false);
    });
  });

  it("waits no longer than a timeout, and then is not taken", async () => {
    const pool = makePool({ size: 1 });
    const lock = await pool.submit(jobs.takeAndReturn, new SharedLock());
    await run(async () => {
      expect(await errorOf(timeout(1, () => lock.acquire()))).toBeInstanceOf(TimeoutError);
      lock.release();
      expect(lock.locked()).toBe(false);
    });
  });

  it("tells all who wait when the holder's thread dies, and is free again", async () => {
    const pool = makePool({ cancelGrace: 0 });
    const lock = new SharedLock();
    const words = makeWords();
    const holder = pool.submit(jobs.hold, lock, words);
    await arrived(words, 1);
    await run(async () => {
      const waiters = [createTask(() => lock.acquire()), createTask(() => lock.acquire())];
      const there = pool.submit(jobs.takeAndReturn, lock);
      await waiting(lock, 3);
      holder.cancel();
      for (const waiter of [...waiters, there]) expect(await errorOf(waiter)).toBeInstanceOf(OwnerDiedError);
      expect(await lock.acquire()).toBe(lock);
    });
  });

  it("tells the next who comes when the holder's thread dies and nobody waits", async () => {
    const pool = makePool({ cancelGrace: 0 });
    const lock = new SharedLock();
    const words = makeWords();
    const holder = pool.submit(jobs.hold, lock, words);
    await arrived(words, 1);
    holder.cancel();
    await errorOf(holder);
    expect(await errorOf(lock.acquire())).toBeInstanceOf(OwnerDiedError);
    expect(await lock.acquire()).toBe(lock);
  });

  it("passes over a waiter whose thread has died", async () => {
    const pool = makePool({ cancelGrace: 0 });
    const lock = new SharedLock();
    const words = makeWords();
    await lock.acquire();
    const dying = pool.submit(jobs.dieInLine, lock, words);
    await arrived(words, 1);
    const after = pool.submit(jobs.takeAndReturn, lock);
    await waiting(lock, 2);
    dying.cancel();
    await errorOf(dying);
    lock.release();
    await after;
    expect(lock.locked()).toBe(true);
  });

  it("refuses to block the main thread", () => {
    expect(() => new SharedLock().acquireSync()).toThrow("use `await lock.acquire()` there");
  });

  it("refuses to block a thread for a lock that the thread itself holds", async () => {
    const pool = makePool({ size: 1 });
    expect(await errorOf(pool.submit(jobs.holdAndBlock, new SharedLock()))).toBeInstanceOf(RuntimeError);
  });

  it("does not block a thread for ever when the lock goes to a task of that thread", async () => {
    const pool = makePool({ size: 1 });
    const lock = new SharedLock();
    const words = makeWords();
    await lock.acquire();
    const task = pool.submit(jobs.takeAndReturn, lock);
    await waiting(lock, 1);
    const blocked = pool.submit(jobs.blockOn, lock, words);
    await waiting(lock, 2);
    lock.release();
    await blocked; // it takes the turn of the task that it blocks
    lock.release();
    await task;
  });

  it("waits in synchronous code no longer than its limit", async () => {
    const pool = makePool({ size: 1 });
    const lock = new SharedLock();
    await lock.acquire();
    expect(await pool.submit(jobs.timedOut, lock)).toBe("TimeoutError");
  });

  it("notices in synchronous code that its job is cancelled, and leaves the line", async () => {
    const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
    const lock = new SharedLock();
    const words = makeWords();
    await lock.acquire();
    const job = pool.submit(jobs.blockOn, lock, words);
    await waiting(lock, 1);
    job.cancel();
    expect(await errorOf(job)).toBeInstanceOf(CancelledError);
    await waiting(lock, 0);
  });
});
