import {
  allTasks,
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  type EventLoop,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  Runner,
  RuntimeError,
  run,
  sleep,
  type Task,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { failureOf, now, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
const clock = () => new VirtualClock();

describe("run", () => {
  it("gives the result of main", async () => {
    expect(await run(async () => 42)).toBe(42);
    expect(await virtual(() => sleep(1_000_000, "slept"))).toBe("slept");
  });

  it("throws what main throws", async () => {
    expect(await failureOf(() => run(async () => Promise.reject(boom)))).toBe(boom);
  });

  it("runs main as a task of a loop of its own, which is closed at the end", async () => {
    const loop = await run(async () => {
      expect(currentTask()).not.toBe(null);
      expect(getEventLoop()).toBe(getRunningLoop());
      expect(getRunningLoop().isRunning()).toBe(true);
      return getRunningLoop();
    });
    expect([loop.isRunning(), loop.isClosed()]).toEqual([false, true]);
    expect(() => getRunningLoop()).toThrow(RuntimeError);
  });

  it("refuses to run inside a running loop", async () => {
    const error = await virtual(() => failureOf(() => run(async () => 1)));
    expect(error).toBeInstanceOf(RuntimeError);
  });

  it.each([
    ["a number", 1],
    ["a promise", Promise.resolve(1)],
    ["nothing", undefined],
  ])("refuses %s", async (_, main) => {
    // @ts-expect-error main is what has not started
    expect(await failureOf(() => run(main))).toBeInstanceOf(TypeError);
  });

  it.each([true, false])("sets the debug mode of its loop: %s", async (debug) => {
    expect(await run(async () => getRunningLoop().getDebug(), { debug })).toBe(debug);
  });

  it("makes its loop with `loopFactory`, once, and closes it", async () => {
    const loops: EventLoop[] = [];
    const loopFactory = () => {
      loops.push(newEventLoop({ clock: clock() }));
      return loops[0]!;
    };
    expect(await run(async () => getRunningLoop(), { loopFactory })).toBe(loops[0]);
    expect([loops.length, loops[0]!.isClosed()]).toEqual([1, true]);
  });

  it("cancels the tasks that are left and waits for them, in the order in which they were made", async () => {
    const ends: string[] = [];
    const child = (name: string) => async () => {
      try {
        await new Future();
      } finally {
        await sleep(5);
        ends.push(name);
      }
    };
    await virtual(async () => {
      for (const name of ["a", "b", "c"]) createTask(child(name));
      await sleep(1);
    });
    expect(ends).toEqual(["a", "b", "c"]);
  });

  it("cancels them also when main failed, and throws main's error", async () => {
    let cancelled = false;
    const error = await failureOf(() =>
      virtual(async () => {
        createTask(async () => {
          cancelled = (await failureOf(sleep(100))) instanceof CancelledError;
        });
        await sleep(1);
        throw boom;
      }),
    );
    expect([error, cancelled]).toEqual([boom, true]);
  });

  it("waits for a task that swallows its cancel", async () => {
    let ended = 0;
    await virtual(async () => {
      createTask(async () => {
        await failureOf(sleep(100));
        await sleep(50);
        ended = now();
      });
      await sleep(1);
    });
    expect(ended).toBe(51);
  });

  it("reports the errors of tasks that fail while they are cancelled", async () => {
    const reports: unknown[] = [];
    await virtual(async () => {
      getRunningLoop().setExceptionHandler((_, { message, exception }) => reports.push([message, exception]));
      createTask(async () => {
        await failureOf(sleep(100));
        throw boom;
      });
      await sleep(1);
    });
    expect(reports).toEqual([[expect.stringMatching(/unhandled exception during .*shutdown/), boom]]);
  });

  it("cancels the tasks that are there when main ends, and not those that they then make", async () => {
    const told: unknown[] = [];
    let late: Task | undefined;
    await virtual(async () => {
      getRunningLoop().setExceptionHandler((_, { message, task }) => told.push([message, task]));
      createTask(async () => {
        await failureOf(sleep(100));
        late = createTask(() => new Future(), { name: "made during the shutdown" });
        await sleep(1);
      });
      await sleep(1);
    });
    expect([late?.cancelling(), late?.done()]).toEqual([0, false]);
    expect(told).toEqual([["Task was destroyed but it is pending!", late]]);
  });

  it("is rejected with CancelledError when main cancels itself", async () => {
    const error = await failureOf(() =>
      virtual(async () => {
        currentTask()!.cancel("myself");
        await sleep(1);
      }),
    );
    expect(error).toMatchObject({ name: "CancelledError", message: "myself" });
  });
});

describe("Runner", () => {
  it("runs several mains on one loop, and context variables last from one to the next", async () => {
    const variable = new ContextVar("variable", { default: 0 });
    const runner = new Runner({ clock: clock() });
    const main = async () => {
      variable.set(variable.get() + 1);
      return [variable.get(), getRunningLoop()];
    };
    const results = [await runner.run(main), await runner.run(main)];
    expect(results).toEqual([
      [1, runner.getLoop()],
      [2, runner.getLoop()],
    ]);
    expect(variable.get()).toBe(0);
    await runner.close();
  });

  it("leaves tasks running between two runs and cancels them at its close", async () => {
    const runner = new Runner({ clock: clock() });
    const task = await runner.run(async () => [createTask(() => sleep(1_000_000))]);
    expect(task[0]!.done()).toBe(false);
    expect(await runner.run(async () => allTasks().includes(task[0]!))).toBe(true);
    await runner.close();
    expect(task[0]!.cancelled()).toBe(true);
  });

  it("may be closed twice, and is of no use afterwards", async () => {
    const runner = new Runner();
    await runner.run(async () => 1);
    await runner.close();
    await runner.close();
    expect(await failureOf(() => runner.run(async () => 1))).toBeInstanceOf(RuntimeError);
    expect(() => runner.getLoop()).toThrow(RuntimeError);
  });

  it("refuses to close while it runs, and closes later", async () => {
    const runner = new Runner({ clock: clock() });
    const task = await runner.run(async () => {
      expect(await failureOf(runner.close())).toBeInstanceOf(RuntimeError);
      expect(getRunningLoop().isClosed()).toBe(false);
      return [createTask(() => sleep(1_000_000))];
    });
    expect(await runner.run(async () => "runs on")).toBe("runs on");
    await run(async () => expect(await failureOf(runner.close())).toBeInstanceOf(RuntimeError));
    const loop = runner.getLoop();
    await Promise.all([runner.close(), runner.close()]);
    expect([loop.isClosed(), task[0]!.cancelled()]).toEqual([true, true]);
  });

  it("leaves the debug mode as the factory has set it, unless it is told", async () => {
    for (const made of [true, false]) {
      const loopFactory = () => {
        const loop = newEventLoop();
        loop.setDebug(made);
        return loop;
      };
      const debug = async () => getRunningLoop().getDebug();
      expect(await run(debug, { loopFactory })).toBe(made);
      expect(await run(debug, { loopFactory, debug: !made })).toBe(!made);
    }
  });

  it("test_env_var_debug: a new loop is in debug mode when the environment says so", async () => {
    const before = process.env.THREADLOOP_DEBUG;
    try {
      for (const [value, debug] of [
        ["1", true],
        ["0", false],
      ] as const) {
        process.env.THREADLOOP_DEBUG = value;
        const loop = newEventLoop();
        expect(loop.getDebug()).toBe(debug);
        loop.close();
        expect(await run(async () => getRunningLoop().getDebug())).toBe(debug);
      }
    } finally {
      if (before === undefined) delete process.env.THREADLOOP_DEBUG;
      else process.env.THREADLOOP_DEBUG = before;
    }
  });

  it("closed without a run does nothing", async () => {
    await new Runner().close();
  });

  it("refuses to run inside its own run", async () => {
    const runner = new Runner({ clock: clock() });
    const error = await runner.run(() => failureOf(() => runner.run(async () => 1)));
    expect(error).toBeInstanceOf(RuntimeError);
    await runner.close();
  });

  it("asks its `loopFactory` once", async () => {
    let made = 0;
    const runner = new Runner({
      loopFactory: () => {
        made += 1;
        return newEventLoop({ clock: clock() });
      },
    });
    await runner.run(async () => 1);
    await runner.run(async () => 2);
    expect(made).toBe(1);
    await runner.close();
  });
});
