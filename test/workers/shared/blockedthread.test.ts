/** In these tests a thread blocks in the synchronous twin of a wait, in line behind tasks of its own. */
import { gather, run, sleep } from "threadloop";
import {
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedQueue,
  SharedSemaphore,
  type WorkerPool,
} from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as blocked from "../../fixtures/workers/blocked.mjs";
import { makePool } from "../../support/pools.ts";

type Order = SharedQueue<string>;

interface Turns {
  readonly take: (pool: WorkerPool, order: Order) => Promise<unknown>;
  readonly block: (pool: WorkerPool, order: Order) => Promise<unknown>;
  /** Gives so many turns. */
  readonly give: (count: number) => Promise<unknown>;
}

const takeSemaphore = async (semaphore: SharedSemaphore, order: Order, begun: SharedSemaphore) => {
  const waiting = semaphore.acquire();
  begun.release();
  await waiting;
  order.putNowait("task");
  semaphore.release();
};
const blockSemaphore = (semaphore: SharedSemaphore, order: Order, begun: SharedSemaphore) => {
  begun.release();
  semaphore.acquireSync(20_000);
  order.putNowait("blocked");
  semaphore.release();
};
const takeLock = async (lock: SharedLock, order: Order, begun: SharedSemaphore) => {
  const waiting = lock.acquire();
  begun.release();
  await waiting;
  order.putNowait("task");
  lock.release();
};
const blockLock = (lock: SharedLock, order: Order, begun: SharedSemaphore) => {
  begun.release();
  lock.acquireSync(20_000);
  order.putNowait("blocked");
  lock.release();
};
const takeItem = async (queue: SharedQueue<number>, order: Order, begun: SharedSemaphore) => {
  const waiting = queue.get();
  begun.release();
  await waiting;
  order.putNowait("task");
};
const blockItem = (queue: SharedQueue<number>, order: Order, begun: SharedSemaphore) => {
  begun.release();
  queue.getSync(20_000);
  order.putNowait("blocked");
};
const takeRoom = async (queue: SharedQueue<number>, order: Order, begun: SharedSemaphore) => {
  const waiting = queue.put(1);
  begun.release();
  await waiting;
  order.putNowait("task");
};
const blockRoom = (queue: SharedQueue<number>, order: Order, begun: SharedSemaphore) => {
  begun.release();
  queue.putSync(2, 20_000);
  order.putNowait("blocked");
};
const takeNotice = (condition: SharedCondition, order: Order, begun: SharedSemaphore) =>
  condition.with(async () => {
    begun.release();
    await condition.wait();
    order.putNowait("task");
  });
const blockNotice = (condition: SharedCondition, order: Order, begun: SharedSemaphore) => {
  using _held = condition.acquireSync();
  begun.release();
  condition.waitSync(20_000);
  order.putNowait("blocked");
};

/** How turns are taken and given; `begun` counts those who wait, or are about to. */
const kinds: Record<string, (begun: SharedSemaphore) => Turns> = {
  "SharedSemaphore.acquireSync": (begun) => {
    const semaphore = new SharedSemaphore(0);
    return {
      take: (pool, order) => pool.submit(takeSemaphore, semaphore, order, begun).toPromise(),
      block: (pool, order) => pool.submit(blockSemaphore, semaphore, order, begun).toPromise(),
      give: async () => semaphore.release(),
    };
  },
  "SharedLock.acquireSync": (begun) => {
    const lock = new SharedLock();
    const held = lock.acquire();
    return {
      take: (pool, order) => pool.submit(takeLock, lock, order, begun).toPromise(),
      block: (pool, order) => pool.submit(blockLock, lock, order, begun).toPromise(),
      give: async () => {
        await held;
        lock.release();
      },
    };
  },
  "SharedQueue.getSync": (begun) => {
    const queue = new SharedQueue<number>();
    return {
      take: (pool, order) => pool.submit(takeItem, queue, order, begun).toPromise(),
      block: (pool, order) => pool.submit(blockItem, queue, order, begun).toPromise(),
      give: async (count) => {
        for (let i = 0; i < count; i++) {
          queue.putNowait(i);
          await sleep(30);
        }
      },
    };
  },
  "SharedQueue.putSync": (begun) => {
    const queue = new SharedQueue<number>(1);
    queue.putNowait(0);
    return {
      take: (pool, order) => pool.submit(takeRoom, queue, order, begun).toPromise(),
      block: (pool, order) => pool.submit(blockRoom, queue, order, begun).toPromise(),
      give: async (count) => {
        for (let i = 0; i < count; i++) await queue.get();
      },
    };
  },
  "SharedCondition.waitSync": (begun) => {
    const condition = new SharedCondition();
    return {
      take: (pool, order) => pool.submit(takeNotice, condition, order, begun).toPromise(),
      block: (pool, order) => pool.submit(blockNotice, condition, order, begun).toPromise(),
      give: async (count) => {
        for (let i = 0; i < count; i++) {
          await condition.with(() => condition.notify());
          await sleep(30);
        }
      },
    };
  },
};

describe.each(Object.entries(kinds))("%s", (_, make) => {
  it.each([1, 3])(
    "takes the turn of a task that it blocks, which then waits on (%s tasks)",
    async (tasks) => {
      const begun = new SharedSemaphore(0);
      const { take, block, give } = make(begun);
      const pool = makePool({ size: 1 });
      const order: Order = new SharedQueue();
      await run(async () => {
        const waiting = Array.from({ length: tasks }, () => take(pool, order));
        for (let i = 0; i < tasks; i++) await begun.acquire();
        const blocking = block(pool, order);
        await begun.acquire();
        await sleep(30); // so that it most likely blocks by now; it must end well if not
        await give(tasks + 1);
        await Promise.all([...waiting, blocking]);
        const ends = await gather(Array.from({ length: tasks + 1 }, () => () => order.get()));
        expect(ends.sort()).toEqual(["blocked", ...Array(tasks).fill("task")]);
      });
    },
  );
});

it.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])(
  "A turn that came to a task before its thread blocks is not lost (told: %s, cancelled: %s)",
  async (told, cancelled) => {
    const pool = makePool({ size: 1 });
    const [end, value] = await pool.submit(blocked.comesFirst, new SharedSemaphore(0), told, cancelled);
    expect([["served", "CancelledError"].includes(String(end)), value]).toEqual([true, 1]);
  },
);

it("SharedEvent.waitSync goes on beside tasks of its thread", async () => {
  const event = new SharedEvent();
  const begun = new SharedSemaphore(0);
  const pool = makePool({ size: 1 });
  await run(async () => {
    const waiting = pool.submit(
      async (shared: SharedEvent, ready: SharedSemaphore) => {
        const wait = shared.wait();
        ready.release();
        return await wait;
      },
      event,
      begun,
    );
    await begun.acquire();
    const blocking = pool.submit((shared: SharedEvent) => shared.waitSync(20_000), event);
    await sleep(20);
    event.set();
    expect([await waiting, await blocking]).toEqual([true, true]);
  });
});

it("SharedLock.acquireSync is refused where a task of the thread holds the lock", async () => {
  const [name, message] = await makePool({ size: 1 }).submit(blocked.holdsItself, new SharedLock());
  expect([name, message]).toEqual(["RuntimeError", expect.stringContaining("This thread holds the lock")]);
});
