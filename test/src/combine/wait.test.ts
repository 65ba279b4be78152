import {
  any,
  asCompleted,
  createTask,
  type Future,
  moveOnAfter,
  race,
  sleep,
  staggeredRace,
  type Task,
  TimeoutError,
  wait,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
const later = <T>(delay: number, value: T) => createTask(() => sleep(delay, value), { name: String(value) });
const names = (tasks: Iterable<Future>) => [...tasks].map((task) => (task as Task).name);

function failing(delay: number, name: string): Task<never> {
  const fail = async () => {
    await sleep(delay);
    throw boom;
  };
  return createTask(fail, { name });
}

describe("wait", () => {
  it("waits for all and says which are done", () =>
    virtual(async () => {
      const { done, pending } = await wait([later(2, "a"), later(1, "b")]);
      expect([names(done), names(pending), now()]).toEqual([["a", "b"], [], 2]);
    }));

  it("never throws what the tasks fail with", () =>
    virtual(async () => {
      const { done } = await wait([failing(1, "a"), later(2, "b")], { returnWhen: "ALL_COMPLETED" });
      const errors = [...done].map((task) => task.exception());
      expect([errors, now()]).toEqual([[boom, null], 2]);
    }));

  it("does not cancel what is still pending after its timeout, and does not throw", () =>
    virtual(async () => {
      const slow = later(10, "slow");
      const { done, pending } = await wait([later(1, "quick"), slow], { timeout: 5 });
      expect([names(done), names(pending), now()]).toEqual([["quick"], ["slow"], 5]);
      expect(await slow).toBe("slow");
    }));

  it("with a timeout of zero still lets the tasks have a turn", () =>
    virtual(async () => {
      const { done, pending } = await wait([createTask(async () => 1), later(1, "slow")], { timeout: 0 });
      expect([done.size, names(pending), now()]).toEqual([1, ["slow"], 0]);
    }));

  it("does not let its timer fire after the tasks are done", () =>
    virtual(async () => {
      await wait([later(1, "a")], { timeout: 1000 });
      await sleep(1);
      expect(now()).toBe(2);
    }));

  it("returns with FIRST_COMPLETED as soon as one is done, with all that are done by then", () =>
    virtual(async () => {
      const tasks = [later(10, "slow"), later(1, "a"), later(1, "b")];
      const { done, pending } = await wait(tasks, { returnWhen: "FIRST_COMPLETED" });
      expect([names(done), names(pending), now()]).toEqual([["a", "b"], ["slow"], 1]);
    }));

  it("counts what was done before the call", () =>
    virtual(async () => {
      const early = later(0, "early");
      await sleep(1);
      const { done } = await wait([early, later(10, "late")], { returnWhen: "FIRST_COMPLETED" });
      expect([names(done), now()]).toEqual([["early"], 1]);
    }));

  it("returns with FIRST_EXCEPTION at the first failure, and a cancellation is none", () =>
    virtual(async () => {
      const cancelled = later(100, "cancelled");
      const waiting = wait([cancelled, failing(5, "failing"), later(10, "slow")], {
        returnWhen: "FIRST_EXCEPTION",
      });
      await sleep(1);
      cancelled.cancel();
      const { done, pending } = await waiting;
      expect([names(done), names(pending), now()]).toEqual([["cancelled", "failing"], ["slow"], 5]);
      for (const task of done) if (!task.cancelled()) expect(task.exception()).toBe(boom);
    }));

  it("returns with FIRST_EXCEPTION at the end of all when none fails", () =>
    virtual(async () => {
      const { done } = await wait([later(1, "a"), later(2, "b")], { returnWhen: "FIRST_EXCEPTION" });
      expect([done.size, now()]).toEqual([2, 2]);
    }));

  it("returns with FIRST_EXCEPTION at once when one has failed before", () =>
    virtual(async () => {
      const early = failing(0, "early");
      await sleep(1);
      const { done, pending } = await wait([early, later(10, "slow")], { returnWhen: "FIRST_EXCEPTION" });
      expect([names(done), names(pending), now()]).toEqual([["early"], ["slow"], 1]);
      expect(early.exception()).toBe(boom);
    }));

  it("takes the same task twice as one, and any iterable", () =>
    virtual(async () => {
      const task = later(1, "a");
      const { done } = await wait(new Set([task, task]));
      const again = await wait([task, task]);
      expect([names(done), names(again.done)]).toEqual([["a"], ["a"]]);
    }));

  it("cancelled, leaves the tasks running", () =>
    virtual(async () => {
      const task = later(10, "alive");
      const waiter = createTask(() => wait([task]));
      await sleep(1);
      waiter.cancel();
      await failureOf(waiter);
      expect([task.done(), await task]).toEqual([false, "alive"]);
    }));

  it("refuses nothing, what is not a future, and an unknown `returnWhen`", () =>
    virtual(async () => {
      expect(await failureOf(() => wait([]))).toBeInstanceOf(RangeError);
      // @ts-expect-error a coroutine must be made a task first: else its task would be nobody's
      expect(await failureOf(() => wait([async () => 1]))).toBeInstanceOf(TypeError);
      // @ts-expect-error there is no such condition
      expect(await failureOf(() => wait([later(1, "a")], { returnWhen: "SOMETIME" }))).toBeInstanceOf(
        RangeError,
      );
    }));
});

describe("What is given one by one, and not in an array", () => {
  const one = async () => 1;
  it.each<[string, () => unknown]>([
    ["wait", () => wait(one as never)],
    ["asCompleted", async () => asCompleted(one as never)],
    ["race", () => race(one as never)],
    ["any", () => any(null as never)],
    ["staggeredRace", () => staggeredRace(one as never, 5)],
  ])("is refused by %s in words", (_, call) =>
    virtual(async () => {
      const error = (await failureOf(call as () => Promise<unknown>)) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(
        /^Expected `(futures|awaitables|starters)` to be an array or another iterable, got /,
      );
    }),
  );
});

describe("asCompleted", () => {
  it("loses nothing to a step that timed out or was cancelled", () =>
    virtual(async () => {
      const iterator = asCompleted([() => sleep(25, "a"), () => sleep(34, "b"), () => sleep(34, "c")]);
      const seen: unknown[] = [];
      let idle = 0;
      for (;;) {
        const next = await moveOnAfter(10, () => iterator.next());
        if (next === undefined) idle++;
        else if (next.done) break;
        else seen.push(next.value.future.result());
      }
      expect([seen, idle]).toEqual([["a", "b", "c"], 2]);
    }));

  it("gives each of several steps at once one, and the others the end", () =>
    virtual(async () => {
      const iterator = asCompleted([() => sleep(5, "a"), () => sleep(5, "b")]);
      const steps = Array.from({ length: 4 }, () => createTask(() => iterator.next()));
      await sleep(1);
      steps[0]!.cancel();
      await sleep(10);
      const results = steps.slice(1).map((step) => step.result().value?.future.result());
      expect([results, (await iterator.next()).value?.future.result()]).toEqual([
        ["a", undefined, undefined],
        "b",
      ]);
    }));

  it("yields the very tasks it was given, in the order of their ends", () =>
    virtual(async () => {
      const tasks = [later(3, "a"), later(1, "b"), later(2, "c")];
      const order: [Future, number][] = [];
      for await (const { future: task } of asCompleted(tasks)) order.push([task, now()]);
      expect(order).toEqual([
        [tasks[1], 1],
        [tasks[2], 2],
        [tasks[0], 3],
      ]);
    }));

  it("makes tasks of coroutines", () =>
    virtual(async () => {
      const results: unknown[] = [];
      for await (const { future: task } of asCompleted([() => sleep(2, "a"), () => sleep(1, "b")]))
        results.push(task.result());
      expect(results).toEqual(["b", "a"]);
    }));

  it("yields failed and cancelled tasks too, as they are", () =>
    virtual(async () => {
      const cancelled = later(10, "cancelled");
      cancelled.cancel();
      const ends: unknown[] = [];
      for await (const { future: task } of asCompleted([failing(1, "failing"), cancelled])) {
        ends.push(task.cancelled() ? "cancelled" : task.exception());
      }
      expect(ends).toEqual(["cancelled", boom]);
    }));

  it("yields a task given twice once, and nothing for nothing", () =>
    virtual(async () => {
      const task = later(1, "a");
      const seen: Future[] = [];
      for await (const { future: done } of asCompleted([task, task])) seen.push(done);
      for await (const { future: done } of asCompleted([])) seen.push(done);
      expect(seen).toEqual([task]);
    }));

  it("can be gone on with after a break", () =>
    virtual(async () => {
      const iterator = asCompleted([later(1, "a"), later(2, "b"), later(3, "c")]);
      const seen: unknown[] = [];
      for await (const { future } of iterator) {
        seen.push(future.result());
        if (seen.length === 1) break;
      }
      for await (const { future } of iterator) seen.push(future.result());
      expect(seen).toEqual(["a", "b", "c"]);
    }));

  it("throws TimeoutError when its time is over, and cancels nothing", () =>
    virtual(async () => {
      const slow = later(10, "slow");
      const seen: unknown[] = [];
      const error = await failureOf(async () => {
        for await (const { future: task } of asCompleted([later(1, "quick"), slow], { timeout: 5 }))
          seen.push(task.result());
      });
      expect(error).toBeInstanceOf(TimeoutError);
      expect([seen, now(), await slow]).toEqual([["quick"], 5, "slow"]);
    }));

  it("does not time out once all are done, however long the loop body takes", () =>
    virtual(async () => {
      const seen: unknown[] = [];
      for await (const { future: task } of asCompleted([later(1, "a"), later(2, "b")], { timeout: 3 })) {
        await sleep(10);
        seen.push(task.result());
      }
      expect(seen).toEqual(["a", "b"]);
    }));

  it("gives its items to whoever asks for several at once", () =>
    virtual(async () => {
      const iterator = asCompleted([later(2, "a"), later(1, "b")])[Symbol.asyncIterator]();
      const ask = () =>
        createTask(async () => {
          const { value } = await iterator.next();
          return value?.future.result();
        });
      const asked = [ask(), ask()];
      expect([await asked[0], await asked[1]]).toEqual(["b", "a"]);
      expect((await iterator.next()).done).toBe(true);
    }));

  it("cancelled at its wait, leaves the tasks running", () =>
    virtual(async () => {
      const task = later(10, "alive");
      const consumer = createTask(async () => {
        for await (const { future: done } of asCompleted([task])) done.result();
      });
      await turns(2);
      consumer.cancel();
      await failureOf(consumer);
      expect(await task).toBe("alive");
    }));
});
