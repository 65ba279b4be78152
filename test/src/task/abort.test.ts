import { getEventListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import {
  CancelledError,
  createTask,
  currentTask,
  type ExceptionGroup,
  Future,
  isCancelled,
  moveOnAfter,
  run,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

const reason = new Error("the client went away");

/** A wait of Node's own, which only its signal can end. */
const foreign = () => delay(3_600_000, undefined, { signal: currentTask()!.signal });

describe("a task made with an AbortSignal", () => {
  it("is cancelled when the signal aborts, and the reason is the cause", () =>
    virtual(async () => {
      const controller = new AbortController();
      const task = createTask(() => sleep(100), { signal: controller.signal });
      await sleep(1);
      controller.abort(reason);
      expect(await failureOf(task)).toMatchObject({
        name: "CancelledError",
        message: "the client went away",
        cause: reason,
      });
      expect(task.cancelled()).toBe(true);
    }));

  it("never starts when the signal has aborted already", () =>
    virtual(async () => {
      let started = false;
      const work = async () => {
        started = true;
      };
      const task = createTask(work, { signal: AbortSignal.abort(reason) });
      expect(await failureOf(task)).toMatchObject({ cause: reason });
      expect(started).toBe(false);
    }));

  it("is refused, and never starts, when the signal is none", () =>
    virtual(async () => {
      let started = false;
      const work = async () => {
        started = true;
      };
      // @ts-expect-error
      expect(() => createTask(work, { signal: 5 })).toThrow(
        "Expected `signal` to be an AbortSignal, got `5` (number)",
      );
      await sleep(0);
      expect(started).toBe(false);
    }));

  it("takes its listener off the signal when it is done", () =>
    virtual(async () => {
      const { signal } = new AbortController();
      const task = createTask(() => sleep(1), { signal });
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      await task;
      await turns(1);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    }));

  it("can be a child of a group, and its abort is no error of the group", () =>
    virtual(async () => {
      const controller = new AbortController();
      const ended = await taskGroup(async (group) => {
        const task = group.createTask(() => sleep(100), { signal: controller.signal });
        await sleep(1);
        controller.abort();
        return [task];
      });
      expect(ended[0]!.cancelled()).toBe(true);
    }));
});

describe("a task's own signal", () => {
  it("aborts with the CancelledError when the task is cancelled, so that a foreign wait ends at once", () =>
    run(async () => {
      let error: Error | undefined;
      const task = createTask(async () => {
        error = (await failureOf(foreign)) as Error;
        throw error.cause;
      });
      await sleep(1);
      task.cancel("enough");
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "enough" });
      expect(error).toMatchObject({
        name: "AbortError",
        cause: { name: "CancelledError", message: "enough" },
      });
      expect(task.cancelled()).toBe(true);
    }));

  it("has aborted when it is asked for after the cancel", () =>
    virtual(async () => {
      const task = createTask(async () => {
        const error = await failureOf(sleep(100));
        const { signal } = currentTask()!;
        return [signal.aborted, signal.reason, error];
      });
      await sleep(1);
      task.cancel("enough");
      const [aborted, given] = await task;
      expect([aborted, given]).toEqual([true, expect.any(CancelledError)]);
    }));

  it("is the same each time, and has not aborted while nobody cancels", () =>
    virtual(async () => {
      const { signal } = currentTask()!;
      await sleep(1);
      expect(currentTask()!.signal).toBe(signal);
      expect(signal.aborted).toBe(false);
    }));

  it("is a fresh one when all cancels are taken back", () =>
    virtual(async () => {
      const task = createTask(async () => {
        await failureOf(new Future());
        const self = currentTask()!;
        const before = self.signal.aborted;
        self.uncancel();
        return [before, self.signal.aborted];
      });
      await turns(1);
      task.cancel();
      expect(await task).toEqual([true, false]);
    }));

  it("ends a foreign wait in a timeout", () =>
    run(async () => {
      const error = await failureOf(() =>
        timeout(5, async () => {
          try {
            await foreign();
          } catch (aborted) {
            throw (aborted as Error).cause;
          }
        }),
      );
      expect(error).toBeInstanceOf(TimeoutError);
      expect(currentTask()!.signal.aborted).toBe(false);
    }));
});

describe("an AbortError that does not keep its signal's reason", () => {
  class AbortError extends Error {
    override name = "AbortError";
  }

  /** As libraries do that throw an error of their own when their signal aborts. */
  const library = (signal = currentTask()!.signal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new AbortError("The user aborted a request.")));
    });

  it("is the timeout's, whichever block around gave the signal", () =>
    run(async () => {
      expect(await failureOf(timeout(5, () => library()))).toBeInstanceOf(TimeoutError);
      expect(await failureOf(timeout(5, () => timeout(1000, () => library())))).toBeInstanceOf(TimeoutError);
      expect(await failureOf(waitFor(() => library(), 5))).toBeInstanceOf(TimeoutError);
      expect(await moveOnAfter(5, () => library())).toBe(undefined);
      expect(currentTask()!.cancelling()).toBe(0);
      await sleep(1); // and nothing is left of the cancel
    }));

  it("ends a cancelled task as cancelled, with the reason", () =>
    run(async () => {
      const task = createTask(() => library());
      await sleep(1);
      task.cancel("no longer needed");
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "no longer needed" });
      expect(task.cancelled()).toBe(true);
    }));

  it("is not among the errors of a group, in its children or in its block", () =>
    run(async () => {
      const boom = new Error("boom");
      const error = await failureOf(
        taskGroup(async (group) => {
          group.createTask(() => library());
          group.createTask(async () => {
            await sleep(1);
            throw boom;
          });
          await library();
        }),
      );
      expect((error as ExceptionGroup).errors).toEqual([boom]);
    }));

  it("is known as a cancellation where it is one, in a task, its blocks and what it left behind", () =>
    run(async () => {
      const seen: unknown[] = [];
      const retrying = async () => {
        for (let attempt = 1; attempt <= 3; attempt++) {
          try {
            return await library();
          } catch (error) {
            seen.push(attempt);
            if (isCancelled(error)) throw error;
          }
        }
      };
      expect(await failureOf(timeout(5, retrying))).toBeInstanceOf(TimeoutError);
      expect(seen).toEqual([1]);
      const task = createTask(retrying);
      await sleep(1);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual([1, 1]);
      const mine = new AbortError("mine");
      expect([isCancelled(mine), isCancelled(null), isCancelled(new CancelledError())]).toEqual([
        false,
        false,
        true,
      ]);
      const late = createTask(async () => {
        const left = timeout(5, async () => await failureOf(library()).then((error) => isCancelled(error)));
        return [left];
      });
      expect(await (await late)[0]).toBe(true);
    }));

  it("is an error where nothing was cancelled, or nobody asked for a signal", () =>
    run(async () => {
      const own = new AbortController();
      const task = createTask(() => library(own.signal));
      await sleep(1);
      own.abort();
      expect(await failureOf(task)).toBeInstanceOf(AbortError);
      const cleanup = createTask(async () => {
        await failureOf(sleep(1000));
        throw new AbortError("mine");
      });
      await sleep(1);
      cleanup.cancel();
      expect(await failureOf(cleanup)).toMatchObject({ message: "mine" });
      await timeout(1000, async () => currentTask()!.signal);
      expect(await failureOf(timeout(1000, () => Promise.reject(new AbortError("mine"))))).toBeInstanceOf(
        AbortError,
      );
    }));
});
