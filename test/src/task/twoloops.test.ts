/** These tests have locks, queues and their like whose waiters belong to a loop that does not run any more. */
import {
  Barrier,
  Condition,
  createTask,
  Event,
  type EventLoop,
  gather,
  Lock,
  newEventLoop,
  Queue,
  RuntimeError,
  run,
  Semaphore,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

/** Makes a task of a loop wait, and leaves the loop standing with it; closed, or only stopped. */
async function leaveWaiting(loop: EventLoop, wait: () => Promise<unknown>) {
  loop.setExceptionHandler(() => {}); // the task is destroyed with its loop
  await loop.runUntilComplete(async () => {
    createTask(wait);
    await sleep(1);
  });
}

const full = () => {
  const queue = new Queue<number>(1);
  queue.putNowait(1);
  return queue;
};
const inCondition = (condition: Condition) => condition.with(() => condition.wait());

const primitives: Record<string, () => [owner: object, wait: () => Promise<unknown>]> = {
  Lock: () => {
    const lock = new Lock();
    return [lock, () => lock.acquire().then(() => lock.acquire())];
  },
  Semaphore: () => {
    const semaphore = new Semaphore(0);
    return [semaphore, () => semaphore.acquire()];
  },
  Queue: () => {
    const queue = new Queue();
    return [queue, () => queue.get()];
  },
  "Queue that is full": () => {
    const queue = full();
    return [queue, () => queue.put(2)];
  },
  Condition: () => {
    const condition = new Condition();
    return [condition, () => inCondition(condition)];
  },
  Barrier: () => {
    const barrier = new Barrier(2);
    return [barrier, () => barrier.wait()];
  },
};

describe.each(Object.entries(primitives))("test_ambiguous_loops: %s", (name, make) => {
  it.each([true, false])("refuses to wait beside a task of another loop (closed: %s)", async (closed) => {
    const loop = newEventLoop();
    const [owner, wait] = make();
    await leaveWaiting(loop, wait);
    if (closed) loop.close();
    const kind = name.split(" ", 1)[0] as string;
    await run(async () => {
      const waits = name === "Lock" ? () => (owner as Lock).acquire() : wait;
      const error = await failureOf(waits);
      expect(error).toBeInstanceOf(RuntimeError);
      expect((error as Error).message).toMatch(
        new RegExp(`^<${kind} .*> is bound to a different event loop, whose tasks wait for it`),
      );
    });
    if (!closed) loop.close();
  });

  it("may be used in several runs one after the other, contended in each", async () => {
    const lock = new Lock();
    const queue = new Queue<number>();
    const barrier = new Barrier(2);
    const condition = new Condition();
    for (let i = 0; i < 3; i++)
      await run(async () => {
        let ready = false;
        await gather(
          () => lock.with(() => sleep(1)),
          () => lock.with(() => sleep(1)),
          () => queue.get(),
          () => sleep(1).then(() => queue.put(1)),
          () => barrier.wait(),
          () => barrier.wait(),
          () => condition.with(() => condition.waitFor(() => ready)),
          () =>
            condition.with(() => {
              ready = true;
              condition.notifyAll();
            }),
        );
      });
  });
});

describe("a waiter of another loop", () => {
  it("does not keep a Lock locked: who tries is told", async () => {
    const loop = newEventLoop();
    const lock = new Lock();
    await leaveWaiting(loop, async () => {
      await lock.acquire();
      await lock.acquire();
    });
    loop.close();
    await run(async () => {
      lock.release();
      await expect(lock.acquire()).rejects.toThrow(
        "<Lock unlocked, 1 waiting> is bound to a different event loop",
      );
    });
  });

  it("leaves a condition locked by whom it refuses", async () => {
    const loop = newEventLoop();
    const condition = new Condition();
    await leaveWaiting(loop, () => inCondition(condition));
    await run(async () => {
      await condition.with(async () => {
        await expect(condition.wait()).rejects.toThrow("bound to a different event loop");
        expect(condition.locked()).toBe(true);
      });
      expect(condition.locked()).toBe(false);
    });
    loop.close();
  });

  it("is woken by an Event beside one of the running loop", async () => {
    const loop = newEventLoop();
    const event = new Event();
    let woken = 0;
    await leaveWaiting(loop, async () => {
      await event.wait();
      woken++;
    });
    await run(async () => {
      createTask(async () => {
        await sleep(1);
        event.set();
      });
      await event.wait();
    });
    await loop.runUntilComplete(() => sleep(1));
    expect(woken).toBe(1);
    loop.close();
  });

  it("takes its turn when its loop runs again", async () => {
    const loop = newEventLoop();
    const semaphore = new Semaphore(0);
    let taken = false;
    await leaveWaiting(loop, async () => {
      await semaphore.acquire();
      taken = true;
    });
    await run(async () => semaphore.release());
    await loop.runUntilComplete(() => sleep(1));
    expect(taken).toBe(true);
    loop.close();
  });
});
