import { once } from "node:events";
import {
  ContextVar,
  coroutine,
  createTask,
  type EventLoop,
  type ExceptionGroup,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  run,
  setEventLoop,
  shield,
  sleep,
  Task,
  taskGroup,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failureOf, now, turns, virtual, virtualLoop } from "../../support/virtual.ts";

/** Runs a loop until all that was scheduled at the start is over: it is stopped so many milliseconds later. */
async function runFor(loop: EventLoop, duration: number): Promise<void> {
  loop.callLater(duration, () => loop.stop());
  await loop.runForever();
}

afterEach(() => vi.restoreAllMocks());

describe("callSoon", () => {
  it("calls first-in first-out, each once, with the arguments", async () => {
    const loop = virtualLoop();
    const calls: unknown[] = [];
    for (const name of ["a", "b", "c"]) loop.callSoon((...args: unknown[]) => calls.push(args), name, 1);
    expect(calls).toEqual([]);
    await runFor(loop, 1);
    expect(calls).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 1],
    ]);
  });

  it("by a callback calls in the next iteration, after all that was ready", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      calls.push("a");
      loop.callSoon(() => calls.push("by a"));
    });
    loop.callSoon(() => calls.push("b"));
    await runFor(loop, 1);
    expect(calls).toEqual(["a", "b", "by a"]);
  });

  it.each([null, undefined, 1, Promise.resolve()])("refuses %s", (callback) => {
    // @ts-expect-error a callback is a function
    expect(() => virtualLoop().callSoon(callback)).toThrow(TypeError);
  });

  it("calls in the context in which it was scheduled, and what the callback sets stays there", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "unset" });
      const seen: string[] = [];
      const observe = () => {
        seen.push(variable.get());
        variable.set("by a callback");
      };
      variable.set("first");
      getRunningLoop().callSoon(observe);
      getRunningLoop().callLater(1, observe);
      variable.set("second");
      getRunningLoop().callSoon(observe);
      await sleep(1);
      expect([seen, variable.get()]).toEqual([["first", "second", "first"], "second"]);
    }));
});

describe("callLater", () => {
  it("calls when the time has come, in the order of deadlines, equal ones first-in first-out", async () => {
    const loop = virtualLoop();
    const calls: [string, number][] = [];
    for (const [delay, name] of [
      [5, "e"],
      [1, "a"],
      [3, "c"],
      [1, "b"],
      [3, "d"],
    ] as const) {
      loop.callLater(delay, () => calls.push([name, loop.time()]));
    }
    await runFor(loop, 10);
    expect(calls).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 3],
      ["d", 3],
      ["e", 5],
    ]);
  });

  it("of zero comes in the next iteration, behind what is ready then", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      loop.callLater(0, () => calls.push("timer"));
      loop.callSoon(() => calls.push("soon"));
    });
    loop.callSoon(() => calls.push("this iteration"));
    await runFor(loop, 1);
    expect(calls).toEqual(["this iteration", "soon", "timer"]);
  });

  it("puts timers that are due behind what is ready", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callLater(1, () => {
      calls.push("first");
      loop.callSoon(() => calls.push("soon"));
      loop.callLater(0, () => calls.push("timer of zero"));
    });
    await runFor(loop, 5);
    expect(calls).toEqual(["first", "soon", "timer of zero"]);
  });

  it("of more weeks than Node's timers can count neither comes at once nor warns", async () => {
    const loop = newEventLoop();
    const noise: unknown[] = [];
    const warn = (warning: Error) => noise.push(warning.message);
    process.on("warning", warn);
    loop.callLater(2 ** 40, () => noise.push("far too early"));
    setTimeout(() => loop.callSoonThreadsafe(() => loop.stop()), 5);
    await loop.runForever();
    loop.close();
    process.removeListener("warning", warn);
    expect(noise).toEqual([]);
  });

  it("takes negative delays and sorts them by their deadlines", async () => {
    const loop = virtualLoop();
    const calls: number[] = [];
    for (const delay of [0, -1, -2]) loop.callLater(delay, () => calls.push(delay));
    await runFor(loop, 1);
    expect(calls).toEqual([-2, -1, 0]);
  });

  it.each([null, undefined, "1", Number.NaN])("refuses %s as a delay, and callAt as a time", (delay) => {
    const loop = virtualLoop();
    // @ts-expect-error a delay is a number
    expect(() => loop.callLater(delay, () => {})).toThrow(TypeError);
    // @ts-expect-error a time is a number
    expect(() => loop.callAt(delay, () => {})).toThrow(TypeError);
  });
});

describe("callAt", () => {
  it("calls at a time of the loop's clock, and the handle knows it", async () => {
    const loop = virtualLoop();
    const times: number[] = [];
    const handle = loop.callAt(7, () => times.push(loop.time()));
    expect(handle.when()).toBe(7);
    await runFor(loop, 10);
    expect(times).toEqual([7]);
  });
});

describe("a handle that is cancelled", () => {
  it("never runs, and cancelling it again changes nothing", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    const handles = [loop.callSoon(() => calls.push("soon")), loop.callLater(1, () => calls.push("later"))];
    for (const handle of [...handles, ...handles]) handle.cancel();
    expect(handles.map((handle) => handle.cancelled())).toEqual([true, true]);
    await runFor(loop, 5);
    expect(calls).toEqual([]);
  });

  it("by a callback of the same iteration does not run either", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callSoon(() => second.cancel());
    const second = loop.callSoon(() => calls.push("second"));
    await runFor(loop, 1);
    expect(calls).toEqual([]);
  });

  it("does not make time pass, however many there are", async () => {
    const loop = virtualLoop();
    const handles = Array.from({ length: 1000 }, (_, i) => loop.callLater(i + 1, () => {}));
    for (const handle of handles) handle.cancel();
    loop.callSoon(() => loop.callLater(5, () => loop.stop()));
    await loop.runForever();
    expect(loop.time()).toBe(5);
  });
});

describe("callSoonThreadsafe", () => {
  it("wakes a loop that sleeps", async () => {
    const loop = newEventLoop();
    loop.callLater(3_600_000, () => {});
    setTimeout(() => loop.callSoonThreadsafe(() => loop.stop()), 1);
    await loop.runForever();
    loop.close();
  });
});

describe("a callback that throws", () => {
  it("is told to the exception handler with the loop, and the loop goes on", async () => {
    const loop = virtualLoop();
    const error = new Error("boom");
    const told: unknown[] = [];
    loop.setExceptionHandler((...args) => told.push(args));
    const handle = loop.callSoon(() => {
      throw error;
    });
    loop.callSoon(() => told.push("the next callback"));
    await runFor(loop, 1);
    const context = { message: expect.stringContaining("Exception in callback"), exception: error, handle };
    expect(told).toEqual([[loop, expect.objectContaining(context)], "the next callback"]);
  });

  it("is printed when there is no handler, or none any more", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const loop = virtualLoop();
    loop.setExceptionHandler(() => {
      throw new Error("the handler was removed");
    });
    loop.setExceptionHandler(null);
    loop.callSoon(() => {
      throw new Error("boom");
    });
    await runFor(loop, 1);
    expect(printed).toHaveBeenCalledOnce();
    expect(printed.mock.calls[0]![0]).toMatch(/Exception in callback[\s\S]*boom/);
  });

  it("is told in the context in which it was scheduled, a task's error in the task's", async () => {
    const variable = new ContextVar("variable", { default: "unset" });
    const seen: [unknown, string][] = [];
    const boom = (name: string) => () => {
      throw new Error(name);
    };
    await virtual(async () => {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_, { exception }) =>
        seen.push([(exception as Error).message, variable.get()]),
      );
      await createTask(async () => {
        variable.set("of the task");
        loop.callSoon(boom("callback"));
        createTask(boom("nobody looks"));
        shield(createTask(boom("shielded"))).cancel();
        createTask(async () => {
          await failureOf(sleep(100));
          boom("at the end")();
        });
      });
      variable.set("of main");
      loop.callSoon(boom("callback of main"));
      await turns(3);
    });
    expect(seen.sort()).toEqual([
      ["at the end", "of the task"],
      ["callback of main", "of main"],
      ["callback", "of the task"],
      ["nobody looks", "of the task"],
      ["shielded", "of the task"],
    ]);
  });

  it("and a handler that throws as well is printed, and the loop goes on", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const loop = virtualLoop();
    loop.setExceptionHandler(() => {
      throw new Error("the handler is broken");
    });
    loop.callSoon(() => {
      throw new Error("boom");
    });
    await runFor(loop, 1);
    expect(printed.mock.calls[0]![0]).toMatch(
      /Unhandled error in exception handler[\s\S]*the handler is broken/,
    );
  });

  it("needs a handler that is a function", () => {
    // @ts-expect-error a handler is a function
    expect(() => virtualLoop().setExceptionHandler("handler")).toThrow(TypeError);
  });
});

describe("stop", () => {
  it("before the loop runs lets exactly one iteration run", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      calls.push("first");
      loop.callSoon(() => calls.push("second"));
    });
    loop.stop();
    await loop.runForever();
    expect(calls).toEqual(["first"]);
  });

  it("by a callback ends the loop after this iteration; what is scheduled stays for the next run", async () => {
    const loop = virtualLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      loop.stop();
      loop.callSoon(() => calls.push("next run"));
    });
    loop.callSoon(() => calls.push("this iteration"));
    await loop.runForever();
    expect(calls).toEqual(["this iteration"]);
    loop.stop();
    await loop.runForever();
    expect(calls).toEqual(["this iteration", "next run"]);
  });
});

describe("runUntilComplete", () => {
  it("gives the result of a coroutine, a task and a future, and throws what they throw", async () => {
    const loop = virtualLoop();
    const future = loop.createFuture<string>();
    loop.callLater(5, () => future.setResult("future"));
    expect(await loop.runUntilComplete(() => sleep(1, "coroutine"))).toBe("coroutine");
    expect(await loop.runUntilComplete(loop.createTask(() => sleep(1, "task")))).toBe("task");
    expect(await loop.runUntilComplete(future)).toBe("future");
    const error = new Error("boom");
    expect(await failureOf(() => loop.runUntilComplete(async () => Promise.reject(error)))).toBe(error);
  });

  it("stopped before its end is an error, and the next run is not affected", async () => {
    const loop = virtualLoop();
    loop.callLater(1, () => loop.stop());
    const task = loop.createTask(() => sleep(5, "done"));
    const error = await failureOf(() => loop.runUntilComplete(task));
    expect(error).toMatchObject({
      name: "RuntimeError",
      message: expect.stringMatching(/stopped before Future completed/),
    });
    expect(await loop.runUntilComplete(task)).toBe("done");
  });

  it("refuses what cannot be run, and a future of another loop", async () => {
    const loop = virtualLoop();
    // @ts-expect-error a string cannot be run
    expect(await failureOf(() => loop.runUntilComplete("main"))).toBeInstanceOf(TypeError);
    const foreign = virtualLoop().createFuture();
    expect(await failureOf(() => loop.runUntilComplete(foreign))).toBeInstanceOf(RangeError);
  });
});

describe("a running loop", () => {
  it("cannot be run again, nor can another loop in it", () =>
    virtual(async () => {
      const other = virtualLoop();
      for (const start of [
        () => getRunningLoop().runForever(),
        () => other.runForever(),
        () => other.runUntilComplete(async () => 1),
      ]) {
        expect(await failureOf(start)).toBeInstanceOf(RuntimeError);
      }
      other.close();
    }));

  it("cannot be closed", () =>
    virtual(async () => {
      expect(() => getRunningLoop().close()).toThrow(RuntimeError);
    }));

  it("keeps time, which only grows", () =>
    virtual(async () => {
      expect(now()).toBe(0);
      await sleep(2.5);
      expect(now()).toBe(2.5);
    }));
});

describe("a closed loop", () => {
  it("takes no callback, timer or task and does not run; closing it again is fine", async () => {
    const loop = virtualLoop();
    loop.close();
    loop.close();
    expect([loop.isClosed(), loop.isRunning()]).toEqual([true, false]);
    const uses = [
      () => loop.callSoon(() => {}),
      () => loop.callLater(1, () => {}),
      () => loop.callAt(1, () => {}),
      () => loop.createTask(async () => 1),
      () => loop.runForever(),
      () => loop.runUntilComplete(async () => 1),
      () => loop.runInExecutor(null, () => 1),
    ];
    for (const use of uses) {
      expect(await failureOf(async () => use())).toMatchObject({
        name: "RuntimeError",
        message: expect.stringMatching(/closed/),
      });
    }
  });

  it("tells of the tasks that are still pending", async () => {
    const loop = virtualLoop();
    const told: unknown[] = [];
    loop.setExceptionHandler((_, { message, task }) => told.push([message, task]));
    const waiting = loop.createTask(() => new Future());
    const done = loop.createTask(async () => 1);
    await loop.runUntilComplete(done);
    loop.close();
    expect(told).toEqual([["Task was destroyed but it is pending!", waiting]]);
  });

  it("has dropped what was scheduled", async () => {
    const loop = virtualLoop();
    let called = false;
    loop.callSoon(() => {
      called = true;
    });
    loop.close();
    await new Promise(setImmediate);
    expect(called).toBe(false);
  });
});

describe("the task factory", () => {
  it("makes the loop's tasks until it is taken away", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      const made: (string | undefined)[] = [];
      loop.setTaskFactory((owner, startable, options) => {
        made.push(options.name);
        expect(owner).toBe(loop);
        return new Task(owner, startable, options);
      });
      expect(await createTask(async () => 1, { name: "by the factory" })).toBe(1);
      loop.setTaskFactory(null);
      expect(loop.getTaskFactory()).toBe(null);
      expect(await createTask(async () => 2)).toBe(2);
      expect(made).toEqual(["by the factory"]);
    }));

  it("that throws leaves no coroutine behind that was never awaited", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      loop.setTaskFactory(() => {
        throw new Error("no task today");
      });
      const main = coroutine(async () => 1)();
      expect(() => createTask(main)).toThrow("no task today");
      loop.setTaskFactory(null);
      await expect(main).rejects.toThrow(/twice/); // it was closed, so that nothing is warned of
    }));

  it("must be a function", () => {
    // @ts-expect-error a factory is a function
    expect(() => virtualLoop().setTaskFactory(1)).toThrow(TypeError);
  });
});

describe("what a task factory gives", () => {
  it.each([null, undefined, 5, {}, () => {}])("must be a task, not %s, and nothing is started", (junk) =>
    virtual(async () => {
      const loop = getRunningLoop();
      loop.setTaskFactory(() => junk as never);
      try {
        expect(() => createTask(async () => {})).toThrow("Expected the task factory to give a Task, got");
        const error = (await failureOf(
          taskGroup((group) => void group.createTask(async () => {})),
        )) as ExceptionGroup;
        expect(error.errors).toEqual([expect.any(TypeError)]);
      } finally {
        loop.setTaskFactory(null);
      }
    }),
  );
});

describe("a clock", () => {
  it.each([
    ["no object", 5],
    ["one without `now`", {}],
    ["one that tells text", { now: () => "5" }],
    ["one that tells NaN", { now: () => Number.NaN }],
  ])("is refused before anything runs when it is %s", async (_, clock) => {
    let started = false;
    const main = async () => {
      started = true;
    };
    await expect(run(main, { clock: clock as never })).rejects.toThrow(/^Expected `clock/);
    expect(() => newEventLoop({ clock: clock as never })).toThrow(TypeError);
    expect(started).toBe(false);
  });
});

describe("an executor", () => {
  const immediate = () => {
    const calls: unknown[][] = [];
    let closed = 0;
    return {
      calls,
      closed: () => closed,
      submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
        const future = new Future<Awaited<R>>();
        calls.push(args);
        future.setResult(fn(...args) as Awaited<R>);
        return future;
      },
      async close() {
        closed += 1;
      },
    };
  };

  it("gets the function and its arguments, given by hand or as the loop's default", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      const [own, fallback] = [immediate(), immediate()];
      loop.setDefaultExecutor(fallback);
      expect(await loop.runInExecutor(own, (a: number, b: number) => a + b, 1, 2)).toBe(3);
      expect(await loop.runInExecutor(null, (a: number) => -a, 4)).toBe(-4);
      expect([own.calls, fallback.calls]).toEqual([[[1, 2]], [[4]]]);
    }));

  it("that is the default is closed once by the loop's end, and refuses then", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      const executor = immediate();
      loop.setDefaultExecutor(executor);
      await loop.shutdownDefaultExecutor();
      expect(executor.closed()).toBe(1);
      expect(() => loop.runInExecutor(null, () => 1)).toThrow(RuntimeError);
    }));

  it("that does not finish its jobs in time is given up, with a warning", () =>
    run(async () => {
      const loop = getRunningLoop();
      const never = new Promise<void>(() => {});
      loop.setDefaultExecutor({ submit: <R>() => new Future<R>(), close: () => never });
      const warned = once(process, "warning");
      await loop.shutdownDefaultExecutor(5);
      const [warning] = await warned;
      expect(warning).toMatchObject({
        name: "RuntimeWarning",
        message: expect.stringMatching(/within 5 ms/),
      });
    }));

  it("must have a submit method", () => {
    // @ts-expect-error an executor has a submit method
    expect(() => virtualLoop().setDefaultExecutor({})).toThrow(TypeError);
  });
});

describe("what a loop holds when it closes", () => {
  it("is released one by one: one that fails is told, and the others and the executor are closed", () => {
    const loop = virtualLoop();
    const told: unknown[] = [];
    const ends: string[] = [];
    loop.setExceptionHandler((_, { message, exception }) => told.push([message, exception]));
    loop._atClose.add(() => {
      throw null;
    });
    loop._atClose.add(() => ends.push("released"));
    loop.setDefaultExecutor({
      submit: () => new Future<never>(loop),
      close: async () => ends.push("executor closed"),
    });
    loop.close();
    expect(ends).toEqual(["released", "executor closed"]);
    expect(told).toEqual([["What the loop holds failed to be released", null]]);
  });
});

describe("the loop of the thread", () => {
  it("is made at first use, is the same until it is closed, and runs", async () => {
    const loop = getEventLoop();
    expect(getEventLoop()).toBe(loop);
    expect(await loop.runUntilComplete(async () => getEventLoop() === getRunningLoop())).toBe(true);
    loop.close();
    expect(getEventLoop()).not.toBe(loop);
    getEventLoop().close();
  });

  it("can be set", () => {
    const loop = newEventLoop({ clock: new VirtualClock() });
    setEventLoop(loop);
    expect(getEventLoop()).toBe(loop);
    setEventLoop(null);
    expect(getEventLoop()).not.toBe(loop);
    getEventLoop().close();
  });

  it("is not the running one where none runs", () => {
    expect(() => getRunningLoop()).toThrow(RuntimeError);
  });
});
