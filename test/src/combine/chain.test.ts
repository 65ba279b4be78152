import { setTimeout as delay } from "node:timers/promises";
import {
  CancelledError,
  createTask,
  currentTask,
  type ExceptionContext,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  runCoroutineThreadsafe,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
  wrapFuture,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";

describe("Future.then, catch and finally", () => {
  it("chain as a promise's do", async () => {
    const seen = await run(async () => {
      const failed = new Future<number>();
      failed.setException(new Error("no"));
      const done = new Future<number>();
      done.setResult(1);
      const ended: string[] = [];
      const values = [
        await done.then((value) => value + 1),
        await failed.catch((error) => (error as Error).message),
        await done.finally(() => ended.push("done")),
        await failed.finally(() => ended.push("failed")).catch(() => "caught"),
        await done.then(async (value) => {
          await sleep(0);
          return value + 2;
        }),
      ];
      return [values, ended];
    });
    expect(seen).toEqual([
      [2, "no", 1, "caught", 3],
      ["done", "failed"],
    ]);
  });

  it("stay cancellable: a cancel of the awaiting task reaches what was chained on", async () => {
    const seen = await run(async () => {
      const ended: string[] = [];
      const sleeper = sleep(60_000);
      const task = createTask(() => sleeper.finally(() => ended.push("finally")));
      await sleep(0);
      task.cancel();
      const error = await task.catch((reason) => reason);
      return [error instanceof CancelledError, sleeper.cancelled(), ended];
    });
    expect(seen).toEqual([true, true, ["finally"]]);
  });

  it("leave the future alone when nobody awaits the chain", async () => {
    const cancelled = await run(async () => {
      const background = createTask(() => sleep(60_000));
      const task = createTask(async () => {
        background.catch(() => {});
        await sleep(60_000);
      });
      await sleep(0);
      task.cancel();
      await task.catch(() => {});
      return background.cancelled();
    });
    expect(cancelled).toBe(false);
  });
});

describe("A function given to then that cancels the very block or task which waits for it", () => {
  const told: ExceptionContext[] = [];
  const program = (main: () => Promise<void>) =>
    run(
      async () => {
        told.length = 0;
        getRunningLoop().setExceptionHandler((_loop, context) => void told.push(context));
        await main();
      },
      { clock: new VirtualClock() },
    );

  it("ends it, and that is no error of the loop", () =>
    program(async () => {
      await taskGroup(async (group) => {
        await Promise.all([sleep(5).then(() => group.cancel()), sleep(6).then(() => group.cancel())]);
      });
      const task: Task = createTask(() => sleep(5).then(() => task.cancel()));
      await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
      const chained: Future = sleep(5).then(() => void chained.cancel()) as Future;
      await expect(Promise.resolve(chained)).rejects.toBeInstanceOf(CancelledError);
      expect(told).toEqual([]);
    }));

  it("has the error told that it throws all the same", () =>
    program(async () => {
      const error = new Error("and failed");
      await taskGroup(async (group) => {
        await sleep(5).then(() => {
          group.cancel();
          throw error;
        });
      });
      expect(told).toMatchObject([{ exception: error }]);
    }));
});

describe("An AbortError made of the task's own signal", () => {
  it("is the task's cancellation", async () => {
    const cancelled = await run(async () => {
      const task = createTask(() => delay(60_000, undefined, { signal: currentTask()?.signal }));
      await sleep(1);
      task.cancel();
      await task.catch(() => {});
      return task.cancelled();
    });
    expect(cancelled).toBe(true);
  });

  it("becomes the TimeoutError of a timeout", async () => {
    const late = run(async () => {
      await timeout(1, () => delay(60_000, undefined, { signal: currentTask()?.signal }));
    });
    await expect(late).rejects.toBeInstanceOf(TimeoutError);
  });
});

describe("Futures of other loops", () => {
  it("are followed by wrapFuture, and cancelled through it", async () => {
    const outside = new Future<number>();
    const second = new Future<number>();
    await run(async () => {
      const wrapped = wrapFuture(outside);
      outside.setResult(7);
      expect(await wrapped).toBe(7);
      const task = createTask(async () => await wrapFuture(second));
      await sleep(0);
      task.cancel();
      await task.catch(() => {});
      await sleep(0);
    });
    expect(second.cancelled()).toBe(true);
  });

  it("are the same future in their own loop", async () => {
    await run(async () => {
      const future = new Future<number>();
      expect(wrapFuture(future)).toBe(future);
    });
  });

  it("that end when the loop which follows them is closed are not followed any more", async () => {
    const [one, other] = [newEventLoop(), newEventLoop()];
    const source = one.createFuture<number>();
    const wrapped = wrapFuture(source, other);
    other.close();
    source.setResult(1);
    await one.runUntilComplete(() => sleep(1));
    one.close();
    expect(wrapped.done()).toBe(false);
  });

  it("are not promises, which wrapFuture refuses with the fix", () =>
    run(async () => {
      // @ts-expect-error
      expect(() => wrapFuture(Promise.resolve())).toThrow(/`future` to be a future, got .*: wrapPromise\(\)/);
    }));

  it("of runCoroutineThreadsafe cancel the task", async () => {
    const loop = newEventLoop();
    const future = runCoroutineThreadsafe(() => sleep(60_000), loop);
    future.cancel();
    await loop.runUntilComplete(() => sleep(2));
    loop.close();
    expect(future.cancelled()).toBe(true);
  });

  it("pass on the message and the cause of a cancel", async () => {
    const loop = newEventLoop();
    const origin = new Error("origin");
    let seen: unknown;
    const work = () =>
      sleep(60_000).catch((error: unknown) => {
        seen = error;
        throw error;
      });
    const future = runCoroutineThreadsafe(work, loop);
    loop.callSoon(() => future.cancel("why", origin));
    await loop.runUntilComplete(() => sleep(2));
    loop.close();
    expect(seen).toMatchObject({ name: "CancelledError", message: "why", cause: origin });
  });
});
