import { Barrier, BrokenBarrierError, CancelledError, createTask, sleep, type Task } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const arrive = (barrier: Barrier, count: number): Task<number>[] =>
  Array.from({ length: count }, () => createTask(() => barrier.wait()));

const outcomes = async (tasks: Task<unknown>[]) => {
  const results: unknown[] = [];
  for (const task of tasks) results.push(await task.toPromise().catch((error) => (error as Error).name));
  return results;
};

describe("Barrier", () => {
  it.each([0, -1, 1.5])("refuses %d parties", (parties) => {
    expect(() => new Barrier(parties)).toThrow(RangeError);
  });

  it("lets a single party pass", () =>
    virtual(async () => {
      const barrier = new Barrier(1);
      expect([await barrier.wait(), barrier.parties, barrier.nWaiting, barrier.broken]).toEqual([
        0,
        1,
        0,
        false,
      ]);
    }));

  it("releases all when the last one comes, and gives each an index of its own", () =>
    virtual(async () => {
      const barrier = new Barrier(3);
      const tasks = arrive(barrier, 2);
      await turns(3);
      expect([barrier.nWaiting, tasks.some((task) => task.done())]).toEqual([2, false]);
      tasks.push(...arrive(barrier, 1));
      expect(new Set(await outcomes(tasks))).toEqual(new Set([0, 1, 2]));
      expect(barrier.nWaiting).toBe(0);
    }));

  it("can be used again, round after round", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const rounds: number[] = [];
      const worker = (delay: number) => async () => {
        for (let round = 0; round < 3; round++) {
          await sleep(delay);
          await barrier.wait();
          rounds.push(now());
        }
      };
      for (const task of [createTask(worker(1)), createTask(worker(5))]) await task;
      expect(rounds).toEqual([5, 5, 10, 10, 15, 15]);
    }));

  it("keeps those who come while it empties for the next round", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const first = arrive(barrier, 2);
      const late = arrive(barrier, 1);
      await outcomes(first);
      await turns(5);
      expect([late[0]!.done(), barrier.nWaiting]).toEqual([false, 1]);
      expect(new Set(await outcomes([...late, ...arrive(barrier, 1)]))).toEqual(new Set([0, 1]));
    }));

  it("is not broken by a waiter that is cancelled while it fills", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const [lost] = arrive(barrier, 1);
      await turns(3);
      lost!.cancel();
      expect(await failureOf(lost!)).toBeInstanceOf(CancelledError);
      expect([barrier.broken, barrier.nWaiting]).toEqual([false, 0]);
      expect(new Set(await outcomes(arrive(barrier, 2)))).toEqual(new Set([0, 1]));
    }));

  it("runs a function once all are there", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const entered: number[] = [];
      const early = createTask(() => barrier.with(async () => entered.push(now())));
      await sleep(5);
      expect(entered).toEqual([]);
      await barrier.with(async () => entered.push(now()));
      await early;
      expect(entered).toEqual([5, 5]);
    }));
});

describe("Barrier.reset", () => {
  it("throws BrokenBarrierError at those who wait, and the barrier stays usable", () =>
    virtual(async () => {
      const barrier = new Barrier(3);
      const tasks = arrive(barrier, 2);
      await turns(3);
      await barrier.reset();
      expect(await outcomes(tasks)).toEqual(["BrokenBarrierError", "BrokenBarrierError"]);
      expect([barrier.broken, barrier.nWaiting]).toEqual([false, 0]);
      expect(new Set(await outcomes(arrive(barrier, 3)))).toEqual(new Set([0, 1, 2]));
    }));

  it("of a barrier at which nobody waits changes nothing", () =>
    virtual(async () => {
      const barrier = new Barrier(1);
      await barrier.reset();
      expect([barrier.broken, await barrier.wait()]).toEqual([false, 0]);
    }));

  it("breaks one who was let through and has not left yet, and not one who has", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const tasks = arrive(barrier, 2);
      await turns(1);
      await barrier.reset();
      expect(await outcomes(tasks)).toEqual(["BrokenBarrierError", 1]);
      const again = arrive(barrier, 2);
      await outcomes(again);
      await barrier.reset();
      expect([barrier.broken, new Set(await outcomes(again))]).toEqual([false, new Set([0, 1])]);
    }));
});

describe("Barrier.abort", () => {
  it("throws BrokenBarrierError at those who wait and at those who come, until it is reset", () =>
    virtual(async () => {
      const barrier = new Barrier(2);
      const tasks = arrive(barrier, 1);
      await turns(3);
      await barrier.abort();
      expect([barrier.broken, await outcomes(tasks)]).toEqual([true, ["BrokenBarrierError"]]);
      expect(await failureOf(() => barrier.wait())).toBeInstanceOf(BrokenBarrierError);
      await barrier.reset();
      expect(barrier.broken).toBe(false);
      expect(new Set(await outcomes(arrive(barrier, 2)))).toEqual(new Set([0, 1]));
    }));

  it("by a waiter that fails frees the others", () =>
    virtual(async () => {
      const barrier = new Barrier(3);
      const tasks: Task<unknown>[] = arrive(barrier, 2);
      const failing = createTask(async () => {
        await sleep(1);
        await barrier.abort();
      });
      await failing;
      expect(await outcomes(tasks)).toEqual(["BrokenBarrierError", "BrokenBarrierError"]);
    }));
});
