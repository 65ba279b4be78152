// These tests are what CPython's own test_base_events, test_events and test_runners ask of a loop, with the names they
// have there.
import {
  CancelledError,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  type EventLoop,
  type ExceptionContext,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  Runner,
  RuntimeError,
  run,
  setEventLoop,
  sleep,
  Task,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failureOf, virtualLoop } from "../../support/virtual.ts";

class Mine extends Error {}

const failing = () => {
  throw new Mine();
};

afterEach(() => {
  vi.restoreAllMocks();
  setEventLoop(null);
});

/** A loop on virtual time for one test. */
async function withLoop(work: (loop: EventLoop) => unknown): Promise<void> {
  const loop = virtualLoop();
  try {
    await work(loop);
  } finally {
    loop.close();
  }
}

/** Runs one iteration of a loop. */
async function runOnce(loop: EventLoop): Promise<void> {
  loop.stop();
  await loop.runForever();
}

describe("A loop, as CPython tests it", () => {
  it("test_close", async () => {
    const loop = virtualLoop();
    expect(loop.isClosed()).toBe(false);
    loop.close();
    loop.close();
    expect(loop.isClosed()).toBe(true);
    expect(await failureOf(loop.runForever())).toBeInstanceOf(RuntimeError);
    expect(await failureOf(loop.runUntilComplete(new Future()))).toBeInstanceOf(RuntimeError);
    for (const call of [
      () => loop.callSoon(() => {}),
      () => loop.callLater(1, () => {}),
      () => loop.createTask(failing),
    ])
      expect(call).toThrow(RuntimeError);
  });

  it("test_call_soon, test_call_later, test_call_later_negative_delays, test_time_and_call_at", () =>
    withLoop(async (loop) => {
      const calls: unknown[] = [];
      loop.callLater(100, (...args) => calls.push([loop.time(), ...args]), "later", 1);
      loop.callAt(loop.time() + 50, () => calls.push(loop.time()));
      loop.callLater(-1, () => calls.push("a"));
      loop.callLater(-2, () => calls.push("b"));
      loop.callSoon((...args) => calls.push(args), "soon");
      loop.callLater(150, () => loop.stop());
      await loop.runForever();
      expect(calls).toEqual([["soon"], "b", "a", 50, [100, "later", 1]]);
    }));

  it("test_run_once_in_executor_plain, test_run_forever_pre_stopped: a stop before lets one iteration run", () =>
    withLoop(async (loop) => {
      const calls: string[] = [];
      loop.callSoon(() => {
        calls.push("first");
        loop.callSoon(() => calls.push("second"));
      });
      await runOnce(loop);
      expect(calls).toEqual(["first"]);
      await runOnce(loop);
      expect(calls).toEqual(["first", "second"]);
    }));

  it("test__run_once_schedule_handle, test_handle_cancel: a handle that was cancelled does not run", () =>
    withLoop(async (loop) => {
      const calls: string[] = [];
      const soon = loop.callSoon(() => calls.push("soon"));
      const later = loop.callLater(1, () => calls.push("later"));
      for (const handle of [soon, later]) {
        expect(handle.cancelled()).toBe(false);
        handle.cancel();
        handle.cancel();
        expect(handle.cancelled()).toBe(true);
      }
      loop.callLater(5, () => loop.stop());
      await loop.runForever();
      expect([calls, later.when()]).toEqual([[], 1]);
    }));

  it("test__run_once_cancelled_event_cleanup: many that were cancelled make no time pass", () =>
    withLoop(async (loop) => {
      for (let i = 0; i < 300; i++) loop.callLater(3_600_000 + i, failing).cancel();
      loop.callLater(10, () => loop.stop());
      await loop.runForever();
      expect(loop.time()).toBe(10);
    }));

  it("test_run_until_complete, test_run_until_complete_type_error, test_run_until_complete_stopped", () =>
    withLoop(async (loop) => {
      expect(await loop.runUntilComplete(() => sleep(10, 42))).toBe(42);
      for (const bad of ["blah", 123, null])
        expect(await failureOf(loop.runUntilComplete(bad as never))).toBeInstanceOf(TypeError);
      const stopping = loop.runUntilComplete(async () => {
        loop.stop();
        await sleep(1);
      });
      expect(await failureOf(stopping)).toMatchObject({
        name: "RuntimeError",
        message: expect.stringMatching(/stopped/),
      });
    }));

  it("test_run_until_complete_loop, test_run_until_complete_loop_orphan_future_close_loop", () =>
    withLoop(async (loop) => {
      const other = newEventLoop();
      expect(await failureOf(loop.runUntilComplete(other.createFuture()))).toBeInstanceOf(RangeError);
      other.close();
      expect(await failureOf(loop.runUntilComplete(async () => failing()))).toBeInstanceOf(Mine);
      const orphan = loop.createTask(() => sleep(10));
      await loop.runUntilComplete(() => sleep(1));
      expect(orphan.done()).toBe(false);
      await loop.runUntilComplete(orphan);
    }));

  it("test_run_until_complete_baseexception: the loop can be used after an error", () =>
    withLoop(async (loop) => {
      const calls: string[] = [];
      loop.callSoon(() => void loop.callSoon(() => calls.push("called")));
      expect(await failureOf(loop.runUntilComplete(async () => failing()))).toBeInstanceOf(Mine);
      await runOnce(loop);
      await runOnce(loop);
      expect(calls).toEqual(["called"]);
    }));

  it("test_set_exc_handler_custom, test_default_exc_handler_coro, test_default_exc_handler_callback", () =>
    withLoop(async (loop) => {
      const told: ExceptionContext[] = [];
      const handler = (_: EventLoop, context: ExceptionContext) => void told.push(context);
      loop.setExceptionHandler(handler);
      expect(loop.getExceptionHandler()).toBe(handler);
      const handle = loop.callSoon(failing);
      await runOnce(loop);
      expect(told).toEqual([{ message: "Exception in callback", exception: expect.any(Mine), handle }]);
      loop.setExceptionHandler(null);
      expect(loop.getExceptionHandler()).toBe(null);
      const printed = vi.spyOn(console, "error").mockImplementation(() => {});
      loop.callSoon(failing);
      await runOnce(loop);
      expect([told.length, String(printed.mock.calls)]).toEqual([
        1,
        expect.stringMatching(/Exception in callback/),
      ]);
    }));

  it("test_set_exc_handler_broken, test_default_exc_handler_broken, test_set_exc_handler_invalid", () =>
    withLoop(async (loop) => {
      const printed = vi.spyOn(console, "error").mockImplementation(() => {});
      expect(() => loop.setExceptionHandler("spam" as never)).toThrow(TypeError);
      loop.setExceptionHandler(() => {
        throw new Error("broken handler");
      });
      loop.callSoon(failing);
      await runOnce(loop);
      expect(String(printed.mock.calls)).toMatch(/^Unhandled error in exception handler/);
    }));

  it("test_exc_handler_in_context: a handler runs in the context of the callback", () =>
    withLoop(async (loop) => {
      const variable = new ContextVar<string>("variable");
      const context = copyContext();
      context.run(() => variable.set("mine"));
      let seen: string | undefined;
      loop.setExceptionHandler(() => {
        seen = variable.get();
      });
      loop.callSoon({ context }, failing);
      await runOnce(loop);
      expect(seen).toBe("mine");
    }));

  it("test_set_task_factory, test_set_task_factory_invalid, test_create_task, test_create_named_task_with_custom_factory", () =>
    withLoop(async (loop) => {
      class MyTask<T> extends Task<T> {}
      expect([loop.getTaskFactory(), loop.createTask(() => 1).constructor]).toEqual([null, Task]);
      expect(() => loop.setTaskFactory(1 as never)).toThrow(TypeError);
      loop.setTaskFactory((of, startable, options) => new MyTask(of, startable, options));
      const task = loop.createTask(async () => 5, { name: "test_task" });
      expect([task instanceof MyTask, task.getName(), await loop.runUntilComplete(task)]).toEqual([
        true,
        "test_task",
        5,
      ]);
      loop.setTaskFactory(null);
      expect(loop.createTask(() => 1).constructor).toBe(Task);
      await runOnce(loop);
    }));

  it("test_set_debug, test_get_running_loop, test_get_event_loop_after_set_none, test_set_event_loop", () =>
    withLoop(async (loop) => {
      for (const debug of [true, false]) {
        loop.setDebug(debug);
        expect(loop.getDebug()).toBe(debug);
      }
      expect(() => getRunningLoop()).toThrow(RuntimeError);
      setEventLoop(loop);
      expect(getEventLoop()).toBe(loop);
      setEventLoop(null);
      await loop.runUntilComplete(async () =>
        expect([getRunningLoop(), getEventLoop()]).toEqual([loop, loop]),
      );
      expect(() => getRunningLoop()).toThrow(RuntimeError);
    }));

  it("test_call_soon_threadsafe, test_call_later_uncancelled: what others schedule wakes a loop that sleeps", async () => {
    const loop = newEventLoop();
    const calls: string[] = [];
    loop.callLater(60_000, failing);
    setImmediate(() =>
      loop.callSoonThreadsafe(() => {
        calls.push("threadsafe");
        loop.stop();
      }),
    );
    await loop.runForever();
    loop.close();
    expect(calls).toEqual(["threadsafe"]);
  });

  it("test_prompt_cancellation, test_timeout_rounding: short sleeps take few iterations", () =>
    withLoop(async (loop) => {
      const task = loop.createTask(() => sleep(1e9));
      loop.callSoon(() => task.cancel());
      expect(await failureOf(loop.runUntilComplete(task))).toBeInstanceOf(CancelledError);
      for (const delay of [0.1, 1e-4, 1e-7]) await loop.runUntilComplete(() => sleep(delay));
      expect(loop.time()).toBeLessThan(1);
    }));

  it("test_asyncgen_finalization_by_gc, test_shutdown_asyncgens, test_shutdown_default_executor are no-ops without any", () =>
    withLoop(async (loop) => {
      await loop.runUntilComplete(() => loop.shutdownAsyncgens());
      await loop.runUntilComplete(() => loop.shutdownDefaultExecutor());
    }));
});

describe("run and Runner, as CPython tests them", () => {
  const clock = () => ({ clock: new VirtualClock() });

  it("test_asyncio_run_return, test_asyncio_run_raises, test_asyncio_run_only_coro, test_run_future", async () => {
    expect(await run(() => sleep(0, 42), clock())).toBe(42);
    expect(await failureOf(run(async () => failing(), clock()))).toBeInstanceOf(Mine);
    for (const bad of [1, Promise.resolve(1), null])
      expect(await failureOf(run(bad as never))).toBeInstanceOf(TypeError);
    const runner = new Runner();
    expect(await failureOf(runner.run(runner.getLoop().createFuture() as never))).toBeInstanceOf(TypeError);
    await runner.close();
  });

  it("test_asyncio_run_debug, test_asyncio_run_from_running_loop, test_recursive_run", async () => {
    for (const debug of [true, false])
      await run(async () => expect(getRunningLoop().getDebug()).toBe(debug), { debug });
    await run(async () => {
      expect(await failureOf(run(async () => {}))).toMatchObject({
        message: expect.stringMatching(/cannot be called from a running/),
      });
      expect(await failureOf(new Runner().run(async () => {}))).toBeInstanceOf(RuntimeError);
    });
  });

  it("test_asyncio_run_cancels_hanging_tasks, test_asyncio_run_reports_hanging_tasks_errors", async () => {
    const told: ExceptionContext[] = [];
    const left: Task[] = [];
    const main = async () => {
      getRunningLoop().setExceptionHandler((_, context) => void told.push(context));
      left.push(createTask(() => sleep(100)));
      left.push(createTask(() => sleep(100).finally(failing)));
      await sleep(1);
      return 123;
    };
    expect(await run(main, clock())).toBe(123);
    expect(left.map((task) => [task.done(), task.cancelled()])).toEqual([
      [true, true],
      [true, false],
    ]);
    expect(told).toEqual([
      { message: expect.stringMatching(/run.*shutdown/), exception: expect.any(Mine), task: left[1] },
    ]);
  });

  it("test_asyncio_run_without_uncancel: a main that was cancelled and goes on gives its result", async () => {
    const main = async () => {
      currentTask()?.cancel();
      await sleep(10).catch(() => {});
      return "went on";
    };
    expect(await run(main, clock())).toBe("went on");
  });

  it("test_run, test_explicit_close, test_double_close, test_second_with_block_raises, test_custom_factory", async () => {
    const loop = virtualLoop();
    let made = 0;
    const runner = new Runner({ loopFactory: () => [loop][made++] as EventLoop });
    expect([runner.getLoop(), await runner.run(() => sleep(0, "done"))]).toEqual([loop, "done"]);
    expect([await runner.run(() => sleep(0, "again")), made]).toEqual(["again", 1]);
    await runner.close();
    await runner.close();
    expect(loop.isClosed()).toBe(true);
    expect(() => runner.getLoop()).toThrow(/closed/);
    expect(await failureOf(runner.run(async () => 1))).toBeInstanceOf(RuntimeError);
  });

  it("test_run_keeps_context", async () => {
    const variable = new ContextVar<number>("variable", { default: -1 });
    const runner = new Runner(clock());
    const set = (value: number) => async () => {
      const old = variable.get();
      await sleep(0);
      variable.set(value);
      return old;
    };
    expect([await runner.run(set(1)), await runner.run(set(2))]).toEqual([-1, 1]);
    expect((await runner.run(async () => copyContext())).get(variable)).toBe(2);
    await runner.close();
  });
});
