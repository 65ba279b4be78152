import { inspect } from "node:util";
import {
  allTasks,
  CancelledError,
  ContextVar,
  coroutine,
  createTask,
  currentTask,
  ensureFuture,
  Future,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  sleep,
  Task,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual, virtualLoop } from "../../support/virtual.ts";

const forever = () => new Future();

describe("createTask", () => {
  it("does not run the body: first steps come in the next iteration, in the order of creation", () =>
    virtual(async () => {
      const order: string[] = [];
      const tasks = ["a", "b", "c"].map((name) => createTask(async () => void order.push(name)));
      expect(order).toEqual([]);
      await sleep(0);
      expect(order).toEqual(["a", "b", "c"]);
      expect(tasks.every((task) => task instanceof Task)).toBe(true);
    }));

  it("takes an async function, a plain function and a coroutine, and gives their result", () =>
    virtual(async () => {
      const add = coroutine(async (a: number, b: number) => a + b);
      expect(await createTask(async () => "async")).toBe("async");
      expect(await createTask(() => "plain")).toBe("plain");
      expect(await createTask(add(1, 2))).toBe(3);
    }));

  it.each([
    ["a number", 1],
    ["nothing", undefined],
    ["an object", {}],
  ])("refuses %s", (_, value) =>
    virtual(async () => {
      // @ts-expect-error only what has not started can be made a task
      expect(() => createTask(value)).toThrow(TypeError);
    }),
  );

  it("refuses a promise, which has started already, and names the fix", () =>
    virtual(async () => {
      // @ts-expect-error only what has not started can be made a task
      expect(() => createTask(Promise.resolve(1))).toThrow(/promise.*started.*\(\) =>/s);
    }));

  it("needs a running loop", () => {
    expect(() => createTask(async () => 1)).toThrow(RuntimeError);
  });

  it("numbers the tasks that were given no name", () =>
    virtual(async () => {
      const [first, second] = [createTask(async () => 1), createTask(async () => 2)];
      const number = (task: Task<number>) => Number(/^Task-(\d+)$/.exec(task.name)?.[1]);
      expect(number(second)).toBe(number(first) + 1);
      expect(createTask(async () => 3, { name: "named" }).name).toBe("named");
    }));

  it("starts a task whose failure is a failure of a function that is not async", () =>
    virtual(async () => {
      const error = new Error("thrown at once");
      const task = createTask(() => {
        throw error;
      });
      expect(await failureOf(task)).toBe(error);
    }));
});

describe("Task", () => {
  it("cannot be settled from outside", () =>
    virtual(async () => {
      const task = createTask<number>(async () => 1);
      expect(() => task.setResult(2)).toThrow(RuntimeError);
      expect(() => task.setException(new Error("boom"))).toThrow(RuntimeError);
      expect(await task).toBe(1);
    }));

  it("cannot await itself", () =>
    virtual(async () => {
      const task: Task<unknown> = createTask(async () => await task);
      expect(await failureOf(task)).toBeInstanceOf(RuntimeError);
    }));

  it("cannot await a future of another loop: the error is thrown at the await", () =>
    virtual(async () => {
      const other = virtualLoop();
      const foreign = other.createFuture();
      const task = createTask(async () => {
        const error = await failureOf(foreign);
        await sleep(1);
        return error;
      });
      expect(await task).toBeInstanceOf(RuntimeError);
      other.close();
    }));

  it("wakes its waiters and calls its callbacks in the iteration after its last step", () =>
    virtual(async () => {
      const order: string[] = [];
      const task = createTask(async () => void order.push("last step"));
      task.addDoneCallback(() => order.push("callback"));
      getRunningLoop().callSoon(() => order.push("same iteration"));
      await sleep(0);
      order.push("its creator, same iteration");
      await sleep(0);
      expect(order).toEqual(["last step", "same iteration", "its creator, same iteration", "callback"]);
    }));

  it("is cancelled when its body throws a CancelledError, though nobody cancelled it", () =>
    virtual(async () => {
      const task = createTask(async () => {
        throw new CancelledError("by itself");
      });
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "by itself" });
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 0]);
    }));

  it("keeps its step free of other tasks, whatever native promises it awaits that are settled", () =>
    virtual(async () => {
      const order: string[] = [];
      const worker = (name: string) => async () => {
        for (let i = 0; i < 3; i++) {
          await null;
          await Promise.resolve().then(() => Promise.resolve());
          order.push(`${name}${i}`);
        }
      };
      for (const task of [createTask(worker("a")), createTask(worker("b"))]) await task;
      expect(order.join(" ")).toBe("a0 a1 a2 b0 b1 b2");
    }));
});

describe("a task's name", () => {
  it("can be set, and is made a string", () =>
    virtual(async () => {
      const task = createTask(async () => 1, { name: "first" });
      task.name = "second";
      expect([task.name, inspect(task)]).toEqual(["second", "<Task 'second' pending>"]);
      // @ts-expect-error a name is a string
      task.name = 42;
      expect(task.name).toBe("42");
      await task;
      expect(inspect(task)).toBe("<Task '42' result=1>");
    }));
});

describe("currentTask", () => {
  it("is the task whose code runs, also deep inside and after each await", () =>
    virtual(async () => {
      const seen: boolean[] = [];
      const note = (task: Task<unknown>) => seen.push(currentTask() === task);
      const inner = async (task: Task<unknown>) => {
        await sleep(1);
        note(task);
      };
      const make = () => {
        const task: Task<unknown> = createTask(async () => {
          note(task);
          await Promise.all([inner(task), null]);
          await null;
          note(task);
        });
        return task;
      };
      const tasks = [make(), make()];
      for (const task of tasks) await task;
      expect(seen).toEqual(Array(6).fill(true));
    }));

  it("is null in a callback of the loop and where no loop runs", async () => {
    const seen: unknown[] = [currentTask()];
    await virtual(async () => {
      getRunningLoop().callSoon(() => seen.push(currentTask()));
      await turns(2);
    });
    expect(seen).toEqual([null, null]);
  });
});

describe("allTasks", () => {
  it("is the unfinished tasks of the loop, in the order of their creation", () =>
    virtual(async () => {
      const done = createTask(async () => 1);
      const waiting = createTask(forever);
      await turns(2);
      const fresh = createTask(forever);
      expect(allTasks()).toEqual([currentTask(), waiting, fresh]);
      expect(done.done()).toBe(true);
    }));
});

describe("cancel", () => {
  it("before the first step keeps the body from starting, also its cleanup", () =>
    virtual(async () => {
      const order: string[] = [];
      const task = createTask(async () => {
        order.push("started");
        try {
          await sleep(1);
        } finally {
          order.push("cleanup");
        }
      });
      expect(task.cancel("too early")).toBe(true);
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "too early" });
      expect([task.cancelled(), order]).toEqual([true, []]);
    }));

  it("cancels first the future that the task awaits; the task sees it in a later iteration", () =>
    virtual(async () => {
      const future = new Future();
      const order: string[] = [];
      const task = createTask(async () => {
        try {
          await future;
        } catch (error) {
          order.push((error as Error).name);
          throw error;
        }
      });
      await sleep(0);
      expect(task.cancel()).toBe(true);
      expect([future.cancelled(), task.done(), order]).toEqual([true, false, []]);
      await turns(1);
      expect([task.cancelled(), order]).toEqual([true, ["CancelledError"]]);
    }));

  it("is thrown at the await however deep inside nested async functions it is", () =>
    virtual(async () => {
      const left: string[] = [];
      const deep = async (depth: number): Promise<void> => {
        try {
          await (depth === 0 ? sleep(100) : deep(depth - 1));
        } finally {
          left.push(`depth ${depth}`);
        }
      };
      const task = createTask(() => deep(2));
      await sleep(1);
      task.cancel();
      await failureOf(task);
      expect([left, now()]).toEqual([["depth 0", "depth 1", "depth 2"], 1]);
    }));

  it("reaches a task whose future was settled just before, and the result is lost", () =>
    virtual(async () => {
      const future = new Future<number>();
      const task = createTask(async () => await future);
      await sleep(0);
      future.setResult(42);
      expect(task.cancel()).toBe(true);
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect([task.cancelled(), future.result()]).toEqual([true, 42]);
    }));

  it("of both the task and the future it awaits is one cancel", () =>
    virtual(async () => {
      const future = new Future();
      const task = createTask(async () => await future);
      await sleep(0);
      future.cancel();
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
    }));

  it("of a task that awaits a task only asks: the inner may swallow it, and the outer goes on with its result", () =>
    virtual(async () => {
      const inner = createTask(async () => {
        await failureOf(sleep(10));
        return "swallowed";
      });
      const outer = createTask(async () => await inner);
      await turns(2);
      expect(outer.cancel()).toBe(true);
      expect(await outer).toBe("swallowed");
      expect([outer.cancelled(), outer.cancelling(), inner.cancelling()]).toEqual([false, 1, 1]);
    }));

  it("goes through a chain of awaiting tasks with its message", () =>
    virtual(async () => {
      const inner = createTask(forever);
      const middle = createTask(async () => await inner);
      const outer = createTask(async () => await middle);
      await turns(3);
      outer.cancel("from far away");
      expect(await failureOf(outer)).toMatchObject({ message: "from far away" });
      expect([inner.cancelled(), middle.cancelled(), outer.cancelled()]).toEqual([true, true, true]);
    }));

  it("returns false on a finished task and does not count", () =>
    virtual(async () => {
      const task = createTask(async () => 1);
      await task;
      expect([task.cancel(), task.cancelling(), task.cancelled()]).toEqual([false, 0, false]);
    }));

  it("can be swallowed: the task goes on, is not cancelled, and its next await is not interrupted", () =>
    virtual(async () => {
      const task = createTask(async () => {
        const error = await failureOf(sleep(10));
        await sleep(10);
        return [error, now()];
      });
      await sleep(1);
      task.cancel();
      expect(await task).toEqual([expect.any(CancelledError), 11]);
      expect([task.cancelled(), task.cancelling()]).toEqual([false, 1]);
    }));

  it("of the running task is thrown at its next await that suspends, not at one that does not", () =>
    virtual(async () => {
      const order: string[] = [];
      const settled = new Future<void>();
      settled.setResult();
      const task: Task<unknown> = createTask(async () => {
        task.cancel();
        await settled;
        order.push("went through a done future");
        await sleep(0);
        order.push("not reached");
      });
      await failureOf(task);
      expect([task.cancelled(), order]).toEqual([true, ["went through a done future"]]);
    }));

  it("of the running task, which then returns without a wait, ends it cancelled, and the result is lost", () =>
    virtual(async () => {
      const task: Task<unknown> = createTask(async () => {
        task.cancel("at the end");
        return 42;
      });
      expect(await failureOf(task)).toMatchObject({ name: "CancelledError", message: "at the end" });
      expect(task.cancelled()).toBe(true);
    }));

  it("of the running task cancels at once the next future that it waits on", () =>
    virtual(async () => {
      const future = new Future();
      const task: Task<unknown> = createTask(async () => {
        task.cancel();
        await future;
      });
      await sleep(0);
      expect([future.cancelled(), task.done()]).toEqual([true, false]);
      await failureOf(task);
    }));

  it("asked for several times before it is delivered is one CancelledError, with the message of the last", () =>
    virtual(async () => {
      const task: Task<unknown> = createTask(async () => {
        for (const message of ["first", "second", "third"]) task.cancel(message);
        const error = await failureOf(sleep(0));
        await sleep(0);
        return error;
      });
      expect(await task).toMatchObject({ message: "third" });
      expect(task.cancelling()).toBe(3);
    }));

  it("stops a sleep and its timer: time does not pass", () =>
    virtual(async () => {
      const task = createTask(() => sleep(1000));
      await sleep(1);
      task.cancel();
      await failureOf(task);
      expect(now()).toBe(1);
    }));

  it("says why: the error carries the message and the cause", () =>
    virtual(async () => {
      const cause = new Error("the client went away");
      const task = createTask(forever);
      await sleep(0);
      task.cancel("stop", cause);
      expect(await failureOf(task)).toMatchObject({ message: "stop", cause });
    }));

  it("lets an error thrown during the cleanup replace it", () =>
    virtual(async () => {
      const error = new Error("in cleanup");
      const task = createTask(async () => {
        try {
          await sleep(10);
        } finally {
          await sleep(1);
          // biome-ignore lint/correctness/noUnsafeFinally: replacing the error is what is tested
          throw error;
        }
      });
      await sleep(1);
      task.cancel();
      expect(await failureOf(task)).toBe(error);
      expect(task.cancelled()).toBe(false);
    }));

  it("frees tasks that await each other in a ring", () =>
    virtual(async () => {
      const ring: Task<unknown>[] = [];
      for (let i = 0; i < 3; i++) ring.push(createTask(async () => await ring[(i + 1) % 3]));
      await turns(2);
      expect(ring[0]!.cancel()).toBe(true);
      for (const task of ring) expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(ring.map((task) => task.cancelling())).toEqual([1, 1, 1]);
    }));

  it("reaches the end of a chain of ten thousand tasks", () =>
    virtual(async () => {
      let last: Task<unknown> = createTask(forever);
      for (let i = 0; i < 10_000; i++) {
        const inner = last;
        last = createTask(async () => await inner);
      }
      await turns(2);
      last.cancel("far away");
      expect(await failureOf(last)).toMatchObject({ message: "far away" });
    }));
});

describe("uncancel", () => {
  it("counts down what cancel counted up, never below zero", () =>
    virtual(async () => {
      const task = createTask(async () => {
        await failureOf(sleep(10));
      });
      await sleep(0);
      expect([task.cancelling(), task.uncancel()]).toEqual([0, 0]);
      task.cancel();
      task.cancel();
      expect(task.cancelling()).toBe(2);
      expect([task.uncancel(), task.uncancel(), task.uncancel()]).toEqual([1, 0, 0]);
    }));

  it("down to zero drops a cancel that was not delivered yet", () =>
    virtual(async () => {
      const task: Task<unknown> = createTask(async () => {
        task.cancel();
        task.uncancel();
        await sleep(1);
        return "not cancelled";
      });
      expect(await task).toBe("not cancelled");
    }));

  it("above zero keeps it", () =>
    virtual(async () => {
      const task: Task<unknown> = createTask(async () => {
        task.cancel();
        task.cancel();
        task.uncancel();
        await sleep(1);
      });
      await failureOf(task);
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
    }));

  it("lets a structured block take back the cancel it made, and an outer cancel survives", () =>
    virtual(async () => {
      // A block as timeout makes one: it cancels its own task after a while, and swallows that cancel only.
      const block = async (limit: number, body: () => PromiseLike<unknown>) => {
        const task = currentTask()!;
        const before = task.cancelling();
        const handle = getRunningLoop().callLater(limit, () => task.cancel());
        try {
          await body();
          return "ended";
        } catch (error) {
          if (!(error instanceof CancelledError) || task.uncancel() > before) throw error;
          return "timed out";
        } finally {
          handle.cancel();
        }
      };
      expect(await createTask(() => block(5, () => sleep(10)))).toBe("timed out");
      expect(await createTask(() => block(50, () => block(5, () => sleep(10))))).toBe("ended");
      const outer = createTask(() => block(5, () => sleep(10)));
      getRunningLoop().callLater(5, () => outer.cancel());
      expect(await failureOf(outer)).toBeInstanceOf(CancelledError);
      expect(outer.cancelling()).toBe(1);
    }));
});

describe("a task's context", () => {
  it("is a copy taken at its creation: what it sets does not leak out", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "nothing" });
      variable.set("parent");
      const task = createTask(async () => {
        const inherited = variable.get();
        variable.set("child");
        await sleep(1);
        return [inherited, variable.get()];
      });
      variable.set("parent, later");
      expect(await task).toEqual(["parent", "child"]);
      expect(variable.get()).toBe("parent, later");
    }));

  it("keeps the values of interleaved tasks apart", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: -1 });
      const counter = (start: number) => async () => {
        const seen: number[] = [];
        for (let i = 0; i < 3; i++) {
          variable.set(start + i);
          await sleep(i % 2);
          seen.push(variable.get());
        }
        return seen;
      };
      const tasks = [createTask(counter(0)), createTask(counter(10))];
      expect([await tasks[0], await tasks[1]]).toEqual([
        [0, 1, 2],
        [10, 11, 12],
      ]);
    }));
});

describe("ensureFuture", () => {
  it("gives a future back as it is", () =>
    virtual(async () => {
      const future = new Future();
      const task = createTask(async () => 1);
      expect([ensureFuture(future), ensureFuture(task)]).toEqual([future, task]);
    }));

  it("makes a task of what has not started, and a future of a promise", () =>
    virtual(async () => {
      const task = ensureFuture(async () => 1);
      expect(task).toBeInstanceOf(Task);
      expect(await task).toBe(1);
      const future = ensureFuture(Promise.resolve(2));
      expect(future).not.toBeInstanceOf(Promise);
      expect(await future).toBe(2);
    }));

  it("makes a future of a promise for a loop that does not run yet", async () => {
    const loop = newEventLoop();
    const future = ensureFuture(Promise.resolve(2), loop);
    expect(future.getLoop()).toBe(loop);
    expect(await loop.runUntilComplete(future)).toBe(2);
    loop.close();
  });

  it("refuses a future of another loop", () =>
    virtual(async () => {
      const other = virtualLoop();
      const foreign = other.createFuture();
      expect(() => ensureFuture(foreign, getRunningLoop())).toThrow(RangeError);
      expect(() => ensureFuture(new Future(), other)).toThrow(RangeError);
      expect(ensureFuture(foreign)).toBe(foreign); // which loop is asked for only where one is named
      other.close();
    }));

  it("refuses what cannot be awaited", () =>
    virtual(async () => {
      // @ts-expect-error a number cannot be awaited
      expect(() => ensureFuture(1)).toThrow(TypeError);
    }));
});

describe("sleep", () => {
  it("of zero gives up exactly one iteration and makes no timer", () =>
    virtual(async () => {
      const order: string[] = [];
      getRunningLoop().callSoon(() => {
        order.push("this iteration");
        getRunningLoop().callSoon(() => order.push("the next"));
      });
      getRunningLoop().callLater(0, () => order.push("a timer"));
      await sleep(0);
      order.push("slept");
      await sleep(0);
      expect(order).toEqual(["this iteration", "slept", "a timer", "the next"]);
      expect(now()).toBe(0);
    }));

  it.each([0, -1, -1000])("of %d does not wait", (delay) =>
    virtual(async () => {
      await sleep(delay);
      expect(now()).toBe(0);
    }),
  );

  it("gives the result it was asked to give", () =>
    virtual(async () => {
      expect(await sleep(5, "result")).toBe("result");
      expect(await sleep(0, "result")).toBe("result");
      expect(now()).toBe(5);
    }));

  it("refuses a delay that is not a number", () =>
    virtual(async () => {
      expect(await failureOf(() => sleep(Number.NaN))).toBeInstanceOf(RangeError);
    }));

  it("of tasks that sleep equally long ends in the order in which they began", () =>
    virtual(async () => {
      const order: number[] = [];
      const sleeper = (name: number) => async () => {
        await sleep(5);
        order.push(name);
      };
      const tasks = [1, 2, 3].map((name) => createTask(sleeper(name)));
      for (const task of tasks) await task;
      expect([order, now()]).toEqual([[1, 2, 3], 5]);
    }));
});
