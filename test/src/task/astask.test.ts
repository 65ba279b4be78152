import { EventEmitter } from "node:events";
import {
  asTask,
  CancelledError,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  type ExceptionGroup,
  Future,
  getRunningLoop,
  RuntimeError,
  run,
  sleep,
  Task,
  type TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
const failing = async () => {
  throw boom;
};

describe("asTask", () => {
  it("runs each call as a task of its own, with this and the arguments, and returns the task", () =>
    virtual(async () => {
      const handler = asTask(async function (this: string, a: number, b: string) {
        await sleep(1);
        return [this, a, b, currentTask()!.name];
      });
      const [first, second] = [handler.call("one", 1, "x"), handler.call("two", 2, "y")];
      expect(first).toBeInstanceOf(Task);
      expect([await first, await second]).toEqual([
        ["one", 1, "x", first.name],
        ["two", 2, "y", second.name],
      ]);
      expect(first.name).not.toBe(second.name);
    }));

  it("runs the first step at once, so that listeners are there in the same tick", () =>
    virtual(async () => {
      const bus = new EventEmitter();
      const got: unknown[] = [];
      bus.on(
        "request",
        asTask(async (request: EventEmitter) => {
          request.on("data", (chunk) => got.push(chunk));
          await sleep(1);
        }),
      );
      const request = new EventEmitter();
      bus.emit("request", request);
      request.emit("data", "first");
      expect(got).toEqual(["first"]);
    }));

  it("gives each call context variables of its own, copied from its caller's or from the ones given", () =>
    virtual(async () => {
      const user = new ContextVar("user", { default: "nobody" });
      const handle = async (name: string) => {
        const before = user.get();
        user.set(name);
        await sleep(1);
        return [before, user.get()];
      };
      user.set("main");
      const context = copyContext();
      context.run(() => user.set("given"));
      const calls = ["ada", "bob"].map((name) => asTask(handle)(name));
      const given = ["eve", "max"].map((name) => asTask(handle, { context })(name));
      expect([await calls[0]!, await calls[1]!, await given[0]!, await given[1]!]).toEqual([
        ["main", "ada"],
        ["main", "bob"],
        ["given", "eve"],
        ["given", "max"],
      ]);
      expect([user.get(), context.get(user)]).toEqual(["main", "given"]);
    }));

  it("names its tasks", () =>
    virtual(async () => {
      expect(await asTask(async () => currentTask()!.name, { name: "request" })()).toBe("request");
    }));

  it("runs its calls outside the block in which it was made or called", () =>
    virtual(async () => {
      const handler = asTask(async () => await sleep(50, "done"));
      const { call } = await timeout(10, async () => ({ call: handler() }));
      const error = await failureOf(timeout(10, () => sleep(1000, handler())));
      expect([await call, error, now()]).toEqual(["done", expect.any(TimeoutError), 50]);
    }));

  it("runs a function that is not async as well", () =>
    virtual(async () => {
      const add = asTask((a: number, b: number) => a + b);
      expect(await add(1, 2)).toBe(3);
    }));

  it("tells the exception handler of an error that nobody looks at, soon and once", () =>
    virtual(async () => {
      const reported = reportsOf(getRunningLoop());
      const bus = new EventEmitter();
      bus.on("job", asTask(failing));
      bus.on(
        "job",
        asTask(async () => {
          await sleep(5);
          throw boom;
        }),
      );
      bus.emit("job");
      await turns(4);
      expect(reported.map(({ message, exception }) => [message, exception])).toEqual([
        ["Task exception was never retrieved", boom],
      ]);
      await sleep(10);
      expect(reported).toHaveLength(2);
    }));

  it("leaves an error to whoever awaits the call, chains on it or looks at it", () =>
    virtual(async () => {
      const reported = reportsOf(getRunningLoop());
      const call = asTask(failing);
      expect(await failureOf(call())).toBe(boom);
      expect(await failureOf(Promise.resolve(call()))).toBe(boom);
      expect(await call().catch((error) => error)).toBe(boom);
      const seen = new Future();
      call().addDoneCallback((task) => seen.setResult(task.exception()));
      expect(await seen).toBe(boom);
      await turns(5);
      expect(reported).toEqual([]);
    }));

  it("with a group makes children of it: it waits for them, and their errors end it", () =>
    virtual(async () => {
      const ended: unknown[] = [];
      const error = await failureOf(
        taskGroup(async (group) => {
          const bus = new EventEmitter();
          bus.on(
            "job",
            asTask(
              async (delay: number) => {
                ended.push(await failureOf(sleep(delay)));
              },
              { group },
            ),
          );
          bus.on("bad", asTask(failing, { group }));
          bus.emit("job", 1000);
          await sleep(5);
          bus.emit("bad");
        }),
      );
      expect([(error as ExceptionGroup).errors, ended, now()]).toEqual([
        [boom],
        [expect.any(CancelledError)],
        5,
      ]);
    }));

  it("refuses a call when its group takes no more tasks: the call is cancelled and told, and never runs", () =>
    virtual(async () => {
      const reported = reportsOf(getRunningLoop());
      let runs = 0;
      let late: TaskGroup | null = null;
      await taskGroup(async (group) => {
        late = group;
      });
      const handler = asTask(async () => runs++, { group: late! });
      const call = handler();
      expect(await failureOf(call)).toBeInstanceOf(CancelledError);
      expect(runs).toBe(0);
      expect(reported).toEqual([
        { message: "A call was refused", exception: expect.any(RuntimeError), task: call },
      ]);
      expect(String(reported[0]!.exception)).toContain("is finished");
    }));

  it("cancels a call alone", () =>
    virtual(async () => {
      const handler = asTask(async (delay: number) => await sleep(delay, "done"));
      const [one, other] = [handler(20), handler(20)];
      one.cancel();
      expect([await failureOf(one), await other]).toEqual([expect.any(CancelledError), "done"]);
    }));

  it("throws RuntimeError when it is called while no loop runs", async () => {
    const handler = await run(async () => asTask(async () => {}));
    expect(() => handler()).toThrow(RuntimeError);
  });

  it.each([
    ["a promise for the function", () => asTask(Promise.resolve() as never)],
    ["an option it does not know", () => asTask(async () => {}, { nam: "one" } as never)],
    ["options that are none", () => asTask(async () => {}, null as never)],
    ["an object for the group", () => asTask(async () => {}, { group: {} as never })],
  ])("refuses %s", (_, make) => {
    expect(make).toThrow(TypeError);
  });

  it("starts a task inside a task without being it", () =>
    virtual(async () => {
      const outer = createTask(async () => {
        const inner = asTask(async () => ({ inside: currentTask() }))();
        return { around: currentTask(), inside: (await inner).inside, inner };
      });
      const { around, inside, inner } = await outer;
      expect([around === (outer as Task), inside === (inner as Task)]).toEqual([true, true]);
    }));
});
