// These tests are what CPython's own test_queues asks of queues, with the names it has there.
import {
  CancelledError,
  createTask,
  Event,
  gather,
  getRunningLoop,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  TimeoutError,
  taskGroup,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

describe("Queue, as CPython tests it", () => {
  it("test_empty, test_full, test_order, test_float_maxsize", () => {
    const queue = new Queue<number>(1.3);
    expect([queue.empty(), queue.full()]).toEqual([true, false]);
    for (const item of [1, 2]) queue.putNowait(item);
    expect([queue.empty(), queue.full(), queue.qsize()]).toEqual([false, true, 2]);
    expect(() => queue.putNowait(3)).toThrow(QueueFull);
    expect([queue.getNowait(), queue.getNowait()]).toEqual([1, 2]);
  });

  it("test_maxsize: a putter goes on when there is room", () =>
    virtual(async () => {
      const queue = new Queue<number>(2);
      const notes: number[] = [];
      const putter = createTask(async () => {
        for (const item of [0, 1, 2]) {
          await queue.put(item);
          notes.push(item);
        }
        return true;
      });
      await turns(2);
      expect(notes).toEqual([0, 1]);
      expect(await queue.get()).toBe(0);
      await sleep(0);
      expect(notes).toEqual([0, 1, 2]);
      expect([await queue.get(), await queue.get(), putter.result()]).toEqual([1, 2, true]);
    }));

  it("test_blocking_get, test_nonblocking_get, test_nonblocking_get_exception, test_nonblocking_put_exception", () =>
    virtual(async () => {
      const queue = new Queue<number>(1);
      expect(() => queue.getNowait()).toThrow(QueueEmpty);
      queue.putNowait(1);
      expect(() => queue.putNowait(2)).toThrow(QueueFull);
      expect(await queue.get()).toBe(1);
    }));

  it("test_blocking_get_wait, test_blocking_put_wait", () =>
    virtual(async () => {
      const queue = new Queue<number>(1);
      const started = new Event();
      const getter = createTask(async () => {
        started.set();
        return await queue.get();
      });
      await started.wait();
      getRunningLoop().callLater(10, () => queue.putNowait(1));
      expect(await getter).toBe(1);
      const putter = createTask(async () => {
        await queue.put(1);
        await queue.put(2);
      });
      await turns(2);
      expect(putter.done()).toBe(false);
      getRunningLoop().callLater(10, () => queue.getNowait());
      await putter;
      expect(getRunningLoop().time()).toBe(20);
    }));

  it("test_get_cancelled_race, test_get_with_waiting_putters", () =>
    virtual(async () => {
      const queue = new Queue<string>(1);
      const [one, two] = [createTask(() => queue.get()), createTask(() => queue.get())];
      await sleep(0);
      one.cancel();
      await sleep(0);
      expect(one.done()).toBe(true);
      await queue.put("a");
      await sleep(0);
      expect(await two).toBe("a");
      createTask(() => queue.put("a"));
      createTask(() => queue.put("b"));
      expect([await queue.get(), await queue.get()]).toEqual(["a", "b"]);
    }));

  it("test_why_are_getters_waiting, test_why_are_putters_waiting", () =>
    virtual(async () => {
      const small = new Queue<number>(1);
      const queue = new Queue<number>(2);
      await taskGroup((group) => {
        group.createTask(async () => {
          for (let i = 0; i < 5; i++) await small.put(i);
        });
        group.createTask(async () => {
          for (let i = 0; i < 5; i++) await small.get();
        });
        group.createTask(async () => {
          await sleep(0);
          for (let left = queue.qsize(); left > 0; left--) queue.getNowait();
        });
        for (let i = 0; i < 4; i++) group.createTask(() => queue.put(i));
      });
      expect([small.qsize(), queue.qsize()]).toEqual([0, 2]);
    }));

  it("test_cancelled_getters_not_being_held_in_self_getters, test_cancelled_puts_not_being_held_in_self_putters", () =>
    virtual(async () => {
      const queue = new Queue<number>(1);
      expect(await failureOf(waitFor(() => queue.get(), 100))).toBeInstanceOf(TimeoutError);
      queue.putNowait(1);
      const putter = createTask(() => queue.put(2));
      await sleep(0);
      putter.cancel();
      expect(await failureOf(putter)).toBeInstanceOf(CancelledError);
      expect([queue.getNowait(), queue.empty()]).toEqual([1, true]);
      queue.putNowait(3);
      expect(queue.getNowait()).toBe(3);
    }));

  it("test_get_cancel_drop_one_pending_reader, test_get_cancel_drop_many_pending_readers", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const reader = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      reader.cancel();
      const first = await reader.catch(() => queue.get());
      expect([first, queue.getNowait()]).toEqual([1, 2]);
      const readers = Array.from({ length: 3 }, () => createTask(() => queue.get()));
      await sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      readers[0]?.cancel();
      const ends = await gather(readers, { returnExceptions: true });
      expect(ends).toEqual([expect.any(CancelledError), 1, 2]);
    }));

  it("test_put_cancel_drop, test_put_cancelled, test_put_cancelled_race", () =>
    virtual(async () => {
      const queue = new Queue<number | string>(1);
      queue.putNowait(1);
      const writer = createTask(() => queue.put(2));
      await sleep(0);
      expect(queue.getNowait()).toBe(1);
      writer.cancel();
      await writer.catch(() => queue.put(2));
      expect([queue.getNowait(), queue.qsize()]).toEqual([2, 0]);
      const [a, b, c] = ["a", "b", "X"].map((item) => createTask(() => queue.put(item)));
      await sleep(0);
      expect([a?.done(), b?.done()]).toEqual([true, false]);
      c?.cancel();
      await sleep(0);
      expect([c?.done(), queue.getNowait()]).toEqual([true, "a"]);
      await sleep(0);
      expect(queue.getNowait()).toBe("b");
      await b;
    }));

  it("test_put_with_waiting_getters, test_cancelled_put_silence_value_error_exception", () =>
    virtual(async () => {
      const queue = new Queue<string>(1);
      const getter = createTask(() => queue.get());
      await sleep(0);
      await queue.put("a");
      expect(await getter).toBe("a");
      queue.putNowait("b");
      const putter = createTask(() => queue.put("c"));
      await sleep(0);
      queue.getNowait();
      putter.cancel();
      expect(await failureOf(putter)).toBeInstanceOf(CancelledError);
      expect(queue.empty()).toBe(true);
    }));
});

describe.each([
  ["Queue", Queue, [1, 3, 2]],
  ["LifoQueue", LifoQueue, [2, 3, 1]],
  ["PriorityQueue", PriorityQueue, [1, 2, 3]],
] as const)("%s, as CPython tests each kind", (_, Kind, order) => {
  const make = (maxsize = 0) => new Kind<number>(maxsize) as Queue<number>;
  const filled = async (...items: number[]) => {
    const queue = make();
    for (const item of items) await queue.put(item);
    return queue;
  };

  it("test_order", () =>
    virtual(async () => {
      const queue = await filled(1, 3, 2);
      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(order);
    }));

  it("test_task_done_underflow, test_join_empty_queue, test_task_done", () =>
    virtual(async () => {
      const queue = make();
      expect(() => queue.taskDone()).toThrow(RangeError);
      await queue.join();
      await queue.join();
      for (let i = 0; i < 100; i++) queue.putNowait(i);
      let [sum, running] = [0, true];
      await taskGroup(async (group) => {
        for (let i = 0; i < 2; i++)
          group.createTask(async () => {
            while (running) {
              sum += await queue.get();
              queue.taskDone();
            }
          });
        await queue.join();
        expect(sum).toBe(4950);
        running = false;
        queue.putNowait(0);
        queue.putNowait(0);
      });
    }));

  it("test_shutdown_empty, test_shutdown_nonempty: what is there can be taken, and nothing is put", () =>
    virtual(async () => {
      const queue = await filled(1);
      queue.shutdown();
      expect(() => queue.putNowait(2)).toThrow(QueueShutDown);
      expect(await failureOf(queue.put(2))).toBeInstanceOf(QueueShutDown);
      expect(await queue.get()).toBe(1);
      expect(() => queue.getNowait()).toThrow(QueueShutDown);
      expect(await failureOf(queue.get())).toBeInstanceOf(QueueShutDown);
    }));

  it("test_shutdown_immediate, test_shutdown_allowed_transitions, test_shutdown_immediate_with_undone_tasks", () =>
    virtual(async () => {
      const queue = await filled(1, 2);
      await queue.get();
      const joined = createTask(() => queue.join());
      queue.shutdown();
      queue.shutdown(true);
      queue.shutdown(false);
      await sleep(0);
      expect([queue.empty(), joined.done()]).toEqual([true, false]); // one was taken and is not done
      expect(await failureOf(queue.get())).toBeInstanceOf(QueueShutDown);
      queue.taskDone();
      await joined;
      expect(() => queue.taskDone()).toThrow(RangeError);
    }));

  it.each([false, true])(
    "test_shutdown_get, test_shutdown_put, test_shutdown_get_task_done_join (%s)",
    (immediate) =>
      virtual(async () => {
        const empty = make();
        const getters = [1, 2].map(() => createTask(() => empty.get()));
        const full = make(1);
        full.putNowait(1);
        const putters = [2, 3].map((item) => createTask(() => full.put(item)));
        const joining = createTask(() => full.join());
        await sleep(0);
        empty.shutdown(immediate);
        full.shutdown(immediate);
        const ends = await gather([...getters, ...putters], { returnExceptions: true });
        expect(ends).toEqual(Array(4).fill(expect.any(QueueShutDown)));
        await sleep(0);
        expect(joining.done()).toBe(immediate);
        if (immediate) return;
        await full.get();
        full.taskDone();
        await joining;
      }),
  );
});
