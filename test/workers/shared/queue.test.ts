import {
  CancelledError,
  createTask,
  gather,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  run,
  sleep,
  TimeoutError,
  timeout,
} from "threadloop";
import { CloneError, OwnerDiedError, SharedLock, SharedQueue } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { errorOf, makePool } from "../../support/pools.ts";
import { arrived, makeWords, waiting } from "../../support/sharing.ts";

describe("SharedQueue", () => {
  it("gives items in the order in which they were put, and copies of them", () => {
    const queue = new SharedQueue<unknown>();
    const items = [
      1,
      -0.5,
      "",
      "text",
      "\ud800 alone",
      "x".repeat(100_000),
      null,
      undefined,
      10n ** 30n,
      { deep: [new Map([[1, new Set([2])]]), new Date(3)], bytes: new Uint8Array([1, 2, 3]) },
      new Float64Array(1000).fill(0.25),
    ];
    for (const item of items) queue.putNowait(item);
    expect(queue.qsize()).toBe(items.length);
    expect(items.map(() => queue.getNowait())).toEqual(items);
    expect(queue.empty()).toBe(true);
  });

  it("gives typed arrays memory of their own", () => {
    const queue = new SharedQueue<Uint8Array>();
    queue.putNowait(new Uint8Array([1, 2, 3]));
    const bytes = queue.getNowait();
    queue.putNowait(new Uint8Array([4, 5, 6]));
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(bytes.buffer.byteLength).toBe(3);
  });

  it("refuses what cannot be copied, and takes nothing of its room", () => {
    const queue = new SharedQueue<unknown>(1);
    expect(() => queue.putNowait({ fn: () => 1 })).toThrow(CloneError);
    const shared = { memory: new SharedArrayBuffer(8), view: new Int32Array(new SharedArrayBuffer(8)) };
    for (const item of [shared.memory, shared.view, new SharedLock(), new Map([[1, { queue }]])])
      expect(() => queue.putNowait(item)).toThrow("goes to the threads as an argument");
    expect(queue.full()).toBe(false);
  });

  it("refuses items beyond its memory, and uses freed memory again", () => {
    const queue = new SharedQueue<string>(0, { maxBytes: 1 << 16 });
    const large = "x".repeat(10_000);
    for (let i = 0; i < 10; i++) {
      queue.putNowait(large);
      expect(queue.getNowait()).toBe(large);
    }
    expect(() => queue.putNowait("x".repeat(100_000))).toThrow("maxBytes = 65536");
    queue.putNowait("small");
    expect(queue.getNowait()).toBe("small");
  });

  it("has room for so many items", async () => {
    const queue = new SharedQueue<number>(2);
    queue.putNowait(1);
    await queue.put(2);
    expect(queue.full()).toBe(true);
    expect(() => queue.putNowait(3)).toThrow(QueueFull);
    await run(async () => {
      const putter = createTask(() => queue.put(3));
      await waiting(queue, 1);
      expect(await queue.get()).toBe(1);
      await putter;
    });
    expect([queue.getNowait(), queue.getNowait()]).toEqual([2, 3]);
    expect(() => queue.getNowait()).toThrow(QueueEmpty);
  });

  it("takes the limits that its twin takes", () => {
    for (const [maxsize, room] of [
      [1.5, 2],
      [2 ** 32, 0],
      [Infinity, 0],
      [-1, 0],
    ] as const) {
      const queue = new SharedQueue<number>(maxsize);
      expect(queue.maxsize).toBe(room);
      queue.putNowait(1);
      queue.putNowait(2);
      expect(queue.full()).toBe(room === 2);
    }
    for (const Class of [Queue, SharedQueue]) {
      for (const wrong of [Number.NaN, "2", null] as number[]) {
        const make = () => new Class(wrong);
        expect(make).toThrow(TypeError);
        expect(make).toThrow("Expected `maxsize` to be a number");
      }
    }
  });

  it("joins three workers to a pipeline", async () => {
    const pool = makePool();
    const numbers = new SharedQueue<number>(4);
    const results = new SharedQueue<{ n: number; square: number }>(4);
    const worker = pool.submit(jobs.squares, numbers, results);
    await run(async () => {
      const producer = createTask(async () => {
        await jobs.putAll(numbers, 0, 200);
        await numbers.join();
        numbers.shutdown();
      });
      const taken = await jobs.takeUntilShutDown(results);
      expect(taken).toEqual(Array.from({ length: 200 }, (_, n) => ({ n, square: n * n })));
      await producer;
    });
    await worker;
  });

  it("loses and doubles nothing between many producers and many consumers", async () => {
    const pool = makePool();
    const queue = new SharedQueue<number>(3);
    await run(async () => {
      const consumers = [
        pool.submit(jobs.takeUntilShutDown<number>, queue),
        createTask(() => jobs.takeUntilShutDown(queue)),
      ];
      const producers = [0, 1, 2].map((i) => () => {
        return i === 0 ? jobs.putAll(queue, 0, 300) : pool.submit(jobs.putAll, queue, i * 300, (i + 1) * 300);
      });
      await gather(producers);
      queue.shutdown();
      const taken = (await gather(consumers)).flat();
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 900 }, (_, i) => i));
    });
  });

  it("keeps an item when its taker is cancelled at the moment it comes", async () => {
    await run(async () => {
      const queue = new SharedQueue<number>();
      const taker = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait(7);
      taker.cancel();
      expect(await errorOf(taker)).toBeInstanceOf(CancelledError);
      expect(queue.getNowait()).toBe(7);
    });
  });

  it("waits no longer than a timeout", async () => {
    await run(async () => {
      const queue = new SharedQueue<number>(1);
      expect(await errorOf(timeout(1, () => queue.get()))).toBeInstanceOf(TimeoutError);
      queue.putNowait(1);
      expect(await errorOf(timeout(1, () => queue.put(2)))).toBeInstanceOf(TimeoutError);
      expect(queue.getNowait()).toBe(1);
      expect(queue.empty()).toBe(true);
    });
  });

  it("wakes all who wait when it is shut down", async () => {
    const pool = makePool({ size: 1 });
    const empty = new SharedQueue<number>();
    const full = new SharedQueue<number>(1);
    full.putNowait(0);
    const there = pool.submit(jobs.takeUntilShutDown<number>, empty);
    const putting = pool.submit(jobs.putAll, full, 1, 2);
    await waiting(empty, 1);
    await waiting(full, 1);
    empty.shutdown();
    full.shutdown();
    expect(await there).toEqual([]);
    expect(await errorOf(putting)).toBeInstanceOf(QueueShutDown);
    expect(await errorOf(full.put(2))).toBeInstanceOf(QueueShutDown);
    expect(full.getNowait()).toBe(0);
    expect(() => full.getNowait()).toThrow(QueueShutDown);
  });

  it("drops its items when it is shut down at once, and who joins goes on", async () => {
    await run(async () => {
      const queue = new SharedQueue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      const joining = createTask(() => queue.join());
      await sleep(0);
      queue.shutdown(true);
      await joining;
      expect(await errorOf(queue.get())).toBeInstanceOf(QueueShutDown);
    });
  });

  it("lets those join who wait until all is dealt with", async () => {
    await run(async () => {
      const queue = new SharedQueue<number>();
      await queue.join();
      queue.putNowait(1);
      const joining = createTask(() => queue.join());
      await sleep(0);
      expect(joining.done()).toBe(false);
      queue.getNowait();
      queue.taskDone();
      await joining;
      expect(() => queue.taskDone()).toThrow(RangeError);
    });
  });

  it("tells those who join that a thread died with an item it had taken", async () => {
    const pool = makePool({ size: 1, cancelGrace: 0 });
    const queue = new SharedQueue<number>();
    const words = makeWords();
    queue.putNowait(1);
    const dying = pool.submit(jobs.takeOneAndDie, queue, words);
    await arrived(words, 1);
    await run(async () => {
      const joining = createTask(() => queue.join());
      await sleep(0);
      dying.cancel();
      expect(await errorOf(joining)).toBeInstanceOf(OwnerDiedError);
      await queue.join();
    });
  });

  it("gives an item to another taker when the first one's thread has died", async () => {
    const pool = makePool({ size: 1, cancelGrace: 0 });
    const queue = new SharedQueue<number>();
    const words = makeWords();
    const dying = pool.submit(jobs.dieWaitingForItem, queue, words);
    await arrived(words, 1);
    // The dying thread is promised the item, and never takes it.
    queue.putNowait(5);
    await run(async () => {
      const taker = createTask(() => queue.get());
      await waiting(queue, 1);
      dying.cancel();
      expect(await taker).toBe(5);
    });
  });

  it("blocks synchronous code in workers", async () => {
    const input = new SharedQueue<number>(2);
    const output = new SharedQueue<number>(2);
    const job = makePool({ size: 1 }).submit(jobs.doubleSync, input, output, 20);
    await run(async () => {
      const producer = createTask(() => jobs.putAll(input, 0, 20));
      for (let i = 0; i < 20; i++) expect(await output.get()).toBe(2 * i);
      await producer;
    });
    await job;
    expect(() => input.getSync()).toThrow("use `await queue.get()` there");
  });
});
