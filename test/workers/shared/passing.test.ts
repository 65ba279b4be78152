import { execFile } from "node:child_process";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import * as threadloop from "threadloop";
import {
  OwnerDiedError,
  packed,
  SharedBarrier,
  SharedBoundedSemaphore,
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedQueue,
  SharedSemaphore,
  unpacked,
} from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { errorOf, makePool } from "../../support/pools.ts";
import { arrived, makeWords } from "../../support/sharing.ts";

/** What arrives of a value that is posted. */
function post<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(packed(value));
  const received = receiveMessageOnPort(port2)?.message as unknown;
  port1.close();
  return unpacked(received) as T;
}

describe("Shared objects", () => {
  it("have all the methods of their twins", () => {
    const twins = [
      [threadloop.Lock, SharedLock],
      [threadloop.Semaphore, SharedSemaphore],
      [threadloop.BoundedSemaphore, SharedBoundedSemaphore],
      [threadloop.Event, SharedEvent],
      [threadloop.Condition, SharedCondition],
      [threadloop.Barrier, SharedBarrier],
      [threadloop.Queue, SharedQueue],
    ] as const;
    for (const [twin, shared] of twins) {
      const missing = Reflect.ownKeys(twin.prototype).filter((name) => !(name in shared.prototype));
      expect(missing, shared.name).toEqual([]);
    }
  });

  it("have the types of their twins", () => {
    const lock: Omit<threadloop.Lock, "acquire"> & threadloop.Lockable = new SharedLock();
    const semaphore: Omit<threadloop.Semaphore, "acquire"> = new SharedSemaphore();
    const event: Omit<threadloop.Event, never> = new SharedEvent();
    const condition: Omit<threadloop.Condition, "acquire"> & threadloop.Lockable = new SharedCondition();
    const barrier: Omit<threadloop.Barrier, never> = new SharedBarrier(1);
    const queue: Omit<threadloop.Queue<string>, never> = new SharedQueue<string>();
    expect([lock, semaphore, event, condition, barrier, queue]).toHaveLength(6);
  });

  it("keep their class nested in arguments", async () => {
    const value = { deep: { list: [new SharedLock()], event: new SharedEvent() } };
    expect(await makePool({ size: 1 }).submit(jobs.isShared, value)).toEqual([true, true]);
  });

  it("come back as results, one object each time they occur", async () => {
    const { lock, again, list } = await makePool({ size: 1 }).submit(jobs.makeLock);
    expect(lock).toBeInstanceOf(SharedLock);
    expect(list[0]).toBe(lock);
    expect(again.get(lock)?.has(lock)).toBe(true);
  });

  it("come back with what a job throws", async () => {
    const lock = new SharedLock();
    const error = await errorOf(makePool({ size: 1 }).submit(jobs.throwHolding, lock));
    expect(error).toHaveProperty("held", [expect.any(SharedLock)]);
    const { held } = error as Error & { held: [SharedLock] };
    held[0].release();
    expect(lock.locked()).toBe(false);
  });

  it("are the same lock wherever they go", async () => {
    const lock = new SharedLock();
    const back = await makePool({ size: 1 }).submit(jobs.takeAndReturn, lock);
    expect(lock.locked()).toBe(true);
    back.release();
    expect(lock.locked()).toBe(false);
  });

  it("travel with a closure that captures them", async () => {
    const lock = new SharedLock();
    await makePool({ size: 1 }).submit(async () => {
      await lock.acquire();
    });
    expect(lock.locked()).toBe(true);
  });

  it("travel with callbacks, both ways", async () => {
    const pool = makePool({ size: 1 });
    const answer = await pool.submit(jobs.callWithLock, async ({ lock }: { lock: SharedLock }) => {
      expect(lock.locked()).toBe(true);
      return { lock };
    });
    expect(answer).toBe(true);
  });

  describe("in a thread whose code has not loaded them", () => {
    const lock = new SharedLock();
    const place = globalThis as { called?: number; held?: object };

    it("are whole, and no job overtakes the one that brings the first", async () => {
      const pool = makePool({ size: 1 });
      const count = (value: object) => {
        place.called = (place.called ?? 0) + 1;
        return [place.called, value.constructor.name];
      };
      const jobs = [];
      for (const value of [{}, lock, [], new Map([[1, lock]])]) {
        jobs.push(pool.submit(count, value));
        await setImmediate(); // each in a message of its own
      }
      expect(await Promise.all(jobs)).toEqual([
        [1, "Object"],
        [2, "SharedLock"],
        [3, "Array"],
        [4, "Map"],
      ]);
    });

    it("are whole as answers of callbacks", async () => {
      const ask = async (get: () => unknown) => ((await get()) as object).constructor.name;
      expect(await makePool({ size: 1 }).submit(ask, () => lock)).toBe("SharedLock");
    });

    it("are whole in what the thread is set up with", async () => {
      const pool = makePool({
        size: 1,
        initializer: () => {
          place.held = lock;
        },
      });
      expect(await pool.submit(() => place.held?.constructor.name)).toBe("SharedLock");
    });
  });

  it("keep the lock that conditions share", () => {
    const lock = new SharedLock();
    const [one, two] = post([new SharedCondition(lock), new SharedCondition(lock)]) as [
      SharedCondition,
      SharedCondition,
    ];
    void one.acquire();
    expect(two.locked()).toBe(true);
  });

  it("leave the rest of a message alone", () => {
    const cycle: { self?: unknown; lock: SharedLock; data: unknown } = {
      lock: new SharedLock(),
      data: [new Map([["a", 1]]), new Set([2]), new Date(3), new Uint8Array([4]), null],
    };
    cycle.self = cycle;
    const got = post(cycle);
    expect(got.self).toBe(got);
    expect(got.data).toEqual(cycle.data);
    expect(got.lock).toBeInstanceOf(SharedLock);
  });

  it("are refused when the memory is not theirs", () => {
    const { memory } = { memory: new SharedArrayBuffer(4096) };
    expect(() => Reflect.construct(SharedLock, [memory])).toThrow("Expected the memory of a SharedLock");
  });

  it("know that a thread is dead which a dead thread had started", async () => {
    const pool = makePool({ size: 1, cancelGrace: 0 });
    const lock = new SharedLock();
    const words = makeWords();
    const parent = pool.submit(jobs.startHolder, lock, words);
    await arrived(words, 2);
    const taking = errorOf(lock.acquire());
    parent.cancel();
    expect(await taking).toBeInstanceOf(OwnerDiedError);
  });

  it("pass between the workers of a program that has never heard of them", async () => {
    const program = `
      import { run, runInExecutor } from "threadloop";
      await run(async () => {
        const lock = await runInExecutor(async () => {
          const { SharedLock } = await import("threadloop/workers");
          return new SharedLock();
        });
        await runInExecutor(async () => {
          await lock.acquire();
        });
        console.log(lock.locked());
      });`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect((await run).stdout).toBe("true\n");
  });

  it("keep the process alive while somebody waits, and only then", async () => {
    const program = (last: string) => `
      import { SharedEvent } from "threadloop/workers";
      const event = new SharedEvent();
      event.set();
      await event.wait();
      event.clear();
      ${last}`;
    const start = (code: string) =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
    await start(program(""));
    await start(program("setImmediate(() => event.set()); await event.wait();"));
    // This timer does not keep it alive: it comes only if the wait does.
    const timer = 'setTimeout(() => { console.log("alive"); event.set(); }, 50).unref();';
    expect((await start(program(`${timer} await event.wait();`))).stdout).toBe("alive\n");
  });
});
