import {
  CancelledError,
  createTask,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  type Task,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { random } from "../../support/random.ts";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

const KINDS = [
  ["Queue", Queue],
  ["LifoQueue", LifoQueue],
  ["PriorityQueue", PriorityQueue],
] as const;

const getters = (queue: Queue<number>, count: number): Task<number>[] =>
  Array.from({ length: count }, () => createTask(() => queue.get()));

const putters = (queue: Queue<number>, ...items: number[]): Task<void>[] =>
  items.map((item) => createTask(() => queue.put(item)));

function drain(queue: Queue<number>): number[] {
  const items: number[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

describe("the order of a queue", () => {
  it.each([
    ["Queue", Queue, [3, 1, 2]],
    ["LifoQueue", LifoQueue, [2, 1, 3]],
    ["PriorityQueue", PriorityQueue, [1, 2, 3]],
  ] as const)("%s", (_, Kind, order) => {
    const queue = new Kind<number>();
    for (const item of [3, 1, 2]) queue.putNowait(item);
    expect(drain(queue)).toEqual(order);
  });
});

describe("PriorityQueue", () => {
  it("orders by a comparator of the user's, and keeps the order of equals", () => {
    const queue = new PriorityQueue<{ rank: number; name: string }>(0, (a, b) => a.rank - b.rank);
    for (const [rank, name] of [
      [2, "c"],
      [1, "a"],
      [2, "d"],
      [1, "b"],
    ] as const)
      queue.putNowait({ rank, name });
    expect([1, 2, 3, 4].map(() => queue.getNowait().name)).toEqual(["a", "b", "c", "d"]);
  });

  it.each<[string, unknown[], unknown[]]>([
    [
      "pairs by their first parts",
      [
        [10, "c"],
        [9, "b"],
        [2, "a"],
      ],
      [
        [2, "a"],
        [9, "b"],
        [10, "c"],
      ],
    ],
    [
      "equal ones by the next part",
      [
        [1, "b"],
        [1, "a"],
        [0, "z"],
      ],
      [
        [0, "z"],
        [1, "a"],
        [1, "b"],
      ],
    ],
    ["a beginning before what it begins", [[1, 0], [1], []], [[], [1], [1, 0]]],
    [
      "parts of parts",
      [
        [[2, 1], "x"],
        [[1, 9], "y"],
      ],
      [
        [[1, 9], "y"],
        [[2, 1], "x"],
      ],
    ],
    ["numbers of both kinds", [3n, 1, 2.5, true], [1, true, 2.5, 3n]],
    ["dates", [new Date(2), new Date(1)], [new Date(1), new Date(2)]],
  ])("orders %s", (_, items, order) => {
    const queue = new PriorityQueue();
    for (const item of items) queue.putNowait(item);
    expect(order.map(() => queue.getNowait())).toEqual(order);
  });

  it.each<[string, unknown, unknown]>([
    ["objects", { cost: 1 }, { cost: 2 }],
    ["pairs whose parts have no order", [1, {}], [1, {}]],
    ["a string and a number", "1", 1],
    ["an array and a number", [1], 1],
    ["NaN", 1, Number.NaN],
    ["nothing", 1, undefined],
    ["null", 1, null],
    ["symbols", Symbol("a"), Symbol("b")],
    ["what throws when it is looked at", 1, Proxy.revocable({}, {})],
  ])("refuses %s, and is as it was", async (_, first, second) => {
    const queue = new PriorityQueue();
    queue.putNowait(first);
    expect(() => queue.putNowait(second)).toThrow(TypeError);
    expect(await failureOf(queue.put(second))).toBeInstanceOf(TypeError);
    expect([queue.qsize(), queue.getNowait(), queue.empty()]).toEqual([1, first, true]);
  });

  it.each([null, {}, 5, "ascending"])("refuses what cannot compare: %s", (compare) => {
    expect(() => new PriorityQueue(0, compare as never)).toThrow("Expected `compare` to be a function");
  });

  it("loses nothing to a comparison that throws, whenever it does", () => {
    const below = random(7);
    const chance = (of: number) => below(100) < of;
    let fails = false;
    const queue = new PriorityQueue<number>(0, (a, b) => {
      if (fails && chance(30)) throw new Error("no order");
      return a - b;
    });
    const model: number[] = [];
    for (let i = 0; i < 3000; i++) {
      fails = chance(50);
      const item = below(50);
      try {
        if (chance(55)) {
          queue.putNowait(item);
          model.push(item);
        } else if (model.length > 0) {
          const taken = queue.getNowait();
          model.sort((a, b) => a - b);
          expect(taken).toBe(model.shift());
        }
      } catch (error) {
        expect(String(error)).toBe("Error: no order");
      }
      expect(queue.qsize()).toBe(model.length);
    }
    fails = false;
    expect(model.map(() => queue.getNowait())).toEqual(model.sort((a, b) => a - b));
  });
});

describe.each(KINDS)("%s", (_, Kind) => {
  it("knows its size, and that it is empty or full", () => {
    const queue = new Kind<number>(2);
    const seen = [[queue.qsize(), queue.empty(), queue.full()]];
    for (const item of [1, 2]) {
      queue.putNowait(item);
      seen.push([queue.qsize(), queue.empty(), queue.full()]);
    }
    expect(seen).toEqual([
      [0, true, false],
      [1, false, false],
      [2, false, true],
    ]);
    expect(queue.maxsize).toBe(2);
  });

  it.each([0, -1])("without a limit (%d) is never full", (maxsize) => {
    const queue = new Kind<number>(maxsize);
    for (let i = 0; i < 100; i++) queue.putNowait(i);
    expect([queue.full(), queue.qsize()]).toEqual([false, 100]);
  });

  it("throws QueueEmpty and QueueFull where it may not wait", () => {
    const queue = new Kind<number>(1);
    expect(() => queue.getNowait()).toThrow(QueueEmpty);
    queue.putNowait(1);
    expect(() => queue.putNowait(2)).toThrow(QueueFull);
  });

  it("gives and takes without suspending when it need not wait", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      let others = 0;
      createTask(async () => {
        others += 1;
      });
      await queue.put(1);
      expect([await queue.get(), others]).toEqual([1, 0]);
    }));

  it("lets a getter wait for an item, and getters come first-in first-out", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      const tasks = getters(queue, 3);
      await turns(2);
      for (const item of [1, 2]) {
        queue.putNowait(item);
        await turns(2);
      }
      expect(tasks.map((task) => task.done() && task.result())).toEqual([1, 2, false]);
    }));

  it("lets a putter wait for room, and putters come first-in first-out", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      queue.putNowait(0);
      const tasks = putters(queue, 1, 2);
      await turns(2);
      expect(tasks.map((task) => task.done())).toEqual([false, false]);
      expect(queue.getNowait()).toBe(0);
      await turns(2);
      expect([tasks.map((task) => task.done()), queue.qsize()]).toEqual([[true, false], 1]);
      expect(queue.getNowait()).toBe(1);
      await turns(2);
      expect(drain(queue)).toEqual([2]);
    }));

  it("sends a woken getter whose item was taken back to the end of the line", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      const order: string[] = [];
      const getter = (name: string) => createTask(async () => void order.push(name + (await queue.get())));
      getter("a");
      getter("b");
      await turns(1);
      queue.putNowait(1);
      expect(queue.getNowait()).toBe(1);
      await turns(2);
      queue.putNowait(2);
      await turns(2);
      queue.putNowait(3);
      await turns(2);
      expect(order).toEqual(["b2", "a3"]);
    }));

  it("wakes the next getter when the woken one is cancelled, and no item is lost", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      const [a, b] = getters(queue, 2);
      await turns(1);
      queue.putNowait(1);
      a!.cancel();
      expect(await failureOf(a!)).toBeInstanceOf(CancelledError);
      expect(await b).toBe(1);
    }));

  it("wakes the next putter when the woken one is cancelled", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      queue.putNowait(0);
      const [a, b] = putters(queue, 1, 2);
      await turns(1);
      queue.getNowait();
      a!.cancel();
      await b;
      expect([a!.cancelled(), drain(queue)]).toEqual([true, [2]]);
    }));

  it("forgets getters and putters that are cancelled", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      for (let i = 0; i < 3; i++) await failureOf(() => waitFor(() => queue.get(), 1));
      queue.putNowait(1);
      for (let i = 0; i < 3; i++) await failureOf(() => waitFor(() => queue.put(2), 1));
      expect(drain(queue)).toEqual([1]);
      await turns(2);
      expect(queue.qsize()).toBe(0);
      const [getter] = getters(queue, 1);
      await turns(1);
      queue.putNowait(3);
      expect(await getter).toBe(3);
    }));

  it("feeds a producer and a consumer through one place", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      const producer = createTask(async () => {
        for (let i = 0; i < 5; i++) await queue.put(i);
      });
      const got: number[] = [];
      for (let i = 0; i < 5; i++) got.push(await queue.get());
      await producer;
      expect(got).toEqual([0, 1, 2, 3, 4]);
    }));
});

describe.each(KINDS)("%s.join", (_, Kind) => {
  it("returns at once when nothing is unfinished", () =>
    virtual(async () => {
      await new Kind<number>().join();
    }));

  it("waits until every item that was put is done, not only taken", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      for (let i = 0; i < 4; i++) queue.putNowait(i);
      const done: number[] = [];
      const worker = async () => {
        for (;;) {
          const item = await queue.get();
          await sleep(1);
          done.push(item);
          queue.taskDone();
        }
      };
      const workers = [createTask(worker), createTask(worker)];
      await queue.join();
      expect(done).toHaveLength(4);
      for (const task of workers) task.cancel();
    }));

  it("waits again when more is put", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      queue.putNowait(1);
      queue.getNowait();
      queue.taskDone();
      queue.putNowait(2);
      const joining = createTask(() => queue.join());
      await turns(2);
      expect(joining.done()).toBe(false);
      queue.getNowait();
      queue.taskDone();
      await joining;
    }));

  it("counts: more taskDone than items is an error", () => {
    const queue = new Kind<number>();
    expect(() => queue.taskDone()).toThrow(RangeError);
    queue.putNowait(1);
    queue.taskDone();
    expect(() => queue.taskDone()).toThrow(RangeError);
  });
});

describe.each(KINDS)("%s.shutdown", (_, Kind) => {
  it("makes put throw, and get once the items are gone", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      queue.putNowait(1);
      queue.shutdown();
      expect(() => queue.putNowait(2)).toThrow(QueueShutDown);
      expect(await failureOf(() => queue.put(2))).toBeInstanceOf(QueueShutDown);
      expect(await queue.get()).toBe(1);
      expect(await failureOf(() => queue.get())).toBeInstanceOf(QueueShutDown);
      expect(() => queue.getNowait()).toThrow(QueueShutDown);
    }));

  it("wakes those who wait to get, and they throw", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      const tasks = getters(queue, 2);
      await turns(1);
      queue.shutdown();
      for (const task of tasks) expect(await failureOf(task)).toBeInstanceOf(QueueShutDown);
    }));

  it("wakes those who wait to put, and they throw; the items are still there", () =>
    virtual(async () => {
      const queue = new Kind<number>(1);
      queue.putNowait(1);
      const tasks = putters(queue, 2, 3);
      await turns(1);
      queue.shutdown();
      for (const task of tasks) expect(await failureOf(task)).toBeInstanceOf(QueueShutDown);
      expect(drain(queue)).toEqual([1]);
    }));

  it("leaves join waiting for the items that are still there", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      queue.putNowait(1);
      queue.shutdown();
      const joining = createTask(() => queue.join());
      await turns(2);
      expect(joining.done()).toBe(false);
      queue.getNowait();
      queue.taskDone();
      await joining;
    }));

  it("at once drops the items and counts them as done", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      for (const item of [1, 2]) queue.putNowait(item);
      const joining = createTask(() => queue.join());
      await turns(1);
      queue.shutdown(true);
      await joining;
      expect(queue.qsize()).toBe(0);
      expect(await failureOf(() => queue.get())).toBeInstanceOf(QueueShutDown);
      expect(() => queue.taskDone()).toThrow(RangeError);
    }));

  it("at once does not count an item that somebody works on as done", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      for (const item of [1, 2]) queue.putNowait(item);
      queue.getNowait();
      queue.shutdown(true);
      const joining = createTask(() => queue.join());
      await turns(2);
      expect(joining.done()).toBe(false);
      queue.taskDone();
      await joining;
    }));

  it("may be called again, and at once after gently", () =>
    virtual(async () => {
      const queue = new Kind<number>();
      queue.putNowait(1);
      queue.shutdown();
      queue.shutdown();
      expect(queue.qsize()).toBe(1);
      queue.shutdown(true);
      expect(queue.qsize()).toBe(0);
    }));
});

describe("the iteration of a queue", () => {
  it("gives each item as it comes and ends when the queue is shut down and empty", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const got: number[] = [];
      const consumer = createTask(async () => {
        for await (const item of queue) got.push(item);
        return "ended";
      });
      for (let i = 0; i < 3; i++) {
        await queue.put(i);
        await sleep(1);
      }
      queue.putNowait(3);
      queue.shutdown();
      expect([await consumer, got]).toEqual(["ended", [0, 1, 2, 3]]);
    }));

  it("can be cancelled at its wait", () =>
    virtual(async () => {
      const consumer = createTask(async () => {
        for await (const _ of new Queue<number>()) throw new Error("there is no item");
      });
      await turns(2);
      consumer.cancel();
      expect(await failureOf(consumer)).toBeInstanceOf(CancelledError);
    }));
});
