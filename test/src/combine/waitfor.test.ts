import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  shield,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");

/** Sleeps, and when it is cancelled does something else for a while. */
const onCancel =
  <T>(cleanup: () => Promise<T>) =>
  async () => {
    try {
      await sleep(1000);
      throw new Error("was not cancelled");
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      return cleanup();
    }
  };

describe("waitFor", () => {
  it("gives the result of what ends in time", () =>
    virtual(async () => {
      expect(await waitFor(() => sleep(5, "done"), 10)).toBe("done");
      await sleep(1);
      expect(now()).toBe(6);
    }));

  it("waits as long as it takes when the timeout is null", () =>
    virtual(async () => {
      expect(await waitFor(() => sleep(1_000_000, "done"), null)).toBe("done");
    }));

  it("throws TimeoutError when the time is over, and the work was cancelled", () =>
    virtual(async () => {
      const work = createTask(() => sleep(10));
      expect(await failureOf(() => waitFor(work, 5))).toBeInstanceOf(TimeoutError);
      expect([work.cancelled(), now()]).toEqual([true, 5]);
    }));

  it("passes on the exception of the work", () =>
    virtual(async () => {
      const failing = async () => {
        await sleep(1);
        throw boom;
      };
      expect(await failureOf(() => waitFor(failing, 5))).toBe(boom);
    }));

  it.each([0, -1])("with a timeout of %d gives the result of what is done already", (timeout) =>
    virtual(async () => {
      const done = new Future<number>();
      done.setResult(42);
      expect(await waitFor(done, timeout)).toBe(42);
    }),
  );

  it.each([0, -1])("with a timeout of %d does not start a coroutine", (timeout) =>
    virtual(async () => {
      let started = false;
      const work = async () => {
        started = true;
      };
      expect(await failureOf(() => waitFor(work, timeout))).toBeInstanceOf(TimeoutError);
      expect(started).toBe(false);
    }),
  );

  it.each([0, -1])("with a timeout of %d cancels what is pending and waits for it", (timeout) =>
    virtual(async () => {
      let cleaned = false;
      const work = createTask(
        onCancel(async () => {
          await sleep(3);
          cleaned = true;
          throw new CancelledError();
        }),
      );
      await sleep(0);
      expect(await failureOf(() => waitFor(work, timeout))).toBeInstanceOf(TimeoutError);
      expect([cleaned, now()]).toEqual([true, 3]);
    }),
  );

  it("waits for the cleanup of what it cancelled, and only then throws", () =>
    virtual(async () => {
      let cleaned = false;
      const work = async () => {
        try {
          await sleep(1000);
        } finally {
          await sleep(3);
          cleaned = true;
        }
      };
      expect(await failureOf(() => waitFor(createTask(work), 5))).toBeInstanceOf(TimeoutError);
      expect([cleaned, now()]).toEqual([true, 8]);
    }));

  it.each([5, 0])("gives what the work returns when that swallows the cancel (timeout %d)", (timeout) =>
    virtual(async () => {
      const work = createTask(onCancel(async () => "returned all the same"));
      await turns(2);
      expect(await waitFor(work, timeout)).toBe("returned all the same");
    }),
  );

  it.each([5, 0])("throws what the work throws when it is cancelled (timeout %d)", (timeout) =>
    virtual(async () => {
      const work = createTask(onCancel(async () => Promise.reject(boom)));
      await turns(2);
      expect(await failureOf(() => waitFor(work, timeout))).toBe(boom);
    }),
  );

  it("cancelled, cancels the work and throws CancelledError", () =>
    virtual(async () => {
      const work = createTask(() => sleep(100));
      const waiter = createTask(() => waitFor(work, 50));
      await sleep(1);
      waiter.cancel();
      expect(await failureOf(waiter)).toBeInstanceOf(CancelledError);
      expect([work.cancelled(), now()]).toEqual([true, 1]);
    }));

  it("cancelled, leaves no timer behind", () =>
    virtual(async () => {
      const waiter = createTask(() => waitFor(new Future(), 50));
      await sleep(1);
      waiter.cancel();
      await failureOf(waiter);
      await sleep(1);
      expect(now()).toBe(2);
    }));

  it("never swallows a cancel, also when the work ends at the same moment", () =>
    virtual(async () => {
      const work = new Future<string>();
      const waiter = createTask(() => waitFor(work, 50));
      await sleep(1);
      work.setResult("too late");
      waiter.cancel();
      expect(await failureOf(waiter)).toBeInstanceOf(CancelledError);
    }));

  it("gives a result that came before the timeout", () =>
    virtual(async () => {
      const work = new Future<string>();
      const loop = getRunningLoop();
      loop.callLater(4, () => work.setResult("in time"));
      expect(await waitFor(work, 5)).toBe("in time");
    }));

  it.each([Number.NaN, "-5", false, [], Symbol("limit")])(
    "refuses a limit that is none, and starts nothing: %s",
    (limit) =>
      virtual(async () => {
        let started = false;
        const work = async () => {
          started = true;
        };
        expect(await failureOf(waitFor(work, limit as number))).toBeInstanceOf(TypeError);
        await sleep(1);
        expect(started).toBe(false);
      }),
  );

  it("refuses what cannot be awaited", () =>
    virtual(async () => {
      // @ts-expect-error
      expect(await failureOf(() => waitFor(5, 10))).toBeInstanceOf(TypeError);
    }));

  it("runs a coroutine in the same task", () =>
    virtual(async () => {
      const task = currentTask();
      expect(await waitFor(async () => currentTask() === task, 5)).toBe(true);
    }));

  it("leaves a task in its own", () =>
    virtual(async () => {
      const work: Task<boolean> = createTask(async () => currentTask() === work);
      expect(await waitFor(work, 5)).toBe(true);
    }));

  it("can be used when the task is being cancelled", () =>
    virtual(async () => {
      const task = createTask(
        onCancel(async () => {
          const inTime = await waitFor(() => sleep(1, "in time"), 5);
          return [inTime, await failureOf(() => waitFor(() => sleep(9), 5))];
        }),
      );
      await sleep(1);
      task.cancel();
      expect(await task).toEqual(["in time", expect.any(TimeoutError)]);
    }));

  it("of a shield does not cancel what is shielded", () =>
    virtual(async () => {
      const work = createTask(() => sleep(10, "alive"));
      expect(await failureOf(() => waitFor(shield(work), 0))).toBeInstanceOf(TimeoutError);
      expect(await work).toBe("alive");
    }));

  it("nested, is ended by the one whose time is over", () =>
    virtual(async () => {
      const ends: string[] = [];
      const inner = async () => {
        try {
          await waitFor(() => sleep(100), 10);
        } catch (error) {
          ends.push((error as Error).name);
          throw error;
        }
      };
      expect(await failureOf(() => waitFor(inner, 5))).toBeInstanceOf(TimeoutError);
      expect(await failureOf(() => waitFor(inner, 50))).toBeInstanceOf(TimeoutError);
      expect([ends, now()]).toEqual([["CancelledError", "TimeoutError"], 15]);
    }));
});
