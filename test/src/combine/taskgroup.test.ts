import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  ExceptionGroup,
  Future,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Task,
  TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = (name: string) => Object.assign(new Error(name), { name });
const fail = (delay: number, name: string) => async () => {
  await sleep(delay);
  throw boom(name);
};
/** What an exception group holds: names of errors, and lists for the groups within. */
type Shape = string | Shape[];
const shape = (error: unknown): Shape =>
  error instanceof ExceptionGroup ? error.errors.map(shape) : (error as Error).name;
const shapeOf = async (work: () => unknown) => shape(await failureOf(work));

/** A child that notes how it ends, and may do something when it is cancelled. */
function recorder(ends: string[]) {
  return (name: string, delay: number, onCancel?: () => PromiseLike<void>) => async () => {
    try {
      await sleep(delay);
      ends.push(`${name} done`);
    } catch (error) {
      ends.push(`${name} cancelled`);
      await onCancel?.();
      throw error;
    }
  };
}

describe("taskGroup", () => {
  it("waits for all its children and gives the result of its body", () =>
    virtual(async () => {
      const ends: string[] = [];
      const child = recorder(ends);
      const result = await taskGroup(async (group) => {
        group.createTask(child("a", 10));
        group.createTask(child("b", 5));
        return "body";
      });
      expect([result, ends, now()]).toEqual(["body", ["b done", "a done"], 10]);
    }));

  it("without children ends with its body", () =>
    virtual(async () => {
      expect(await taskGroup(() => sleep(1, "body"))).toBe("body");
    }));

  it("takes children during its body, and from children while it waits", () =>
    virtual(async () => {
      const ends: string[] = [];
      const child = recorder(ends);
      await taskGroup(async (group) => {
        group.createTask(async () => {
          await sleep(5);
          group.createTask(child("grandchild", 5));
        });
        await sleep(1);
        group.createTask(child("late", 1));
      });
      expect([ends, now()]).toEqual([["late done", "grandchild done"], 10]);
    }));

  it("gives its children as tasks, by which their results are read", () =>
    virtual(async () => {
      const tasks = await taskGroup(async (group) => ({
        a: group.createTask(() => sleep(1, 1), { name: "a" }),
        b: group.createTask(() => sleep(2, 2)),
      }));
      expect([tasks.a.name, tasks.a.result() + tasks.b.result()]).toEqual(["a", 3]);
    }));

  it("takes a cancelled child for no error", () =>
    virtual(async () => {
      const ends: string[] = [];
      await taskGroup(async (group) => {
        const task = group.createTask(recorder(ends)("a", 100));
        group.createTask(recorder(ends)("b", 10));
        await sleep(1);
        task.cancel();
        await sleep(1);
        expect(task.cancelled()).toBe(true);
      });
      expect([ends, now()]).toEqual([["a cancelled", "b done"], 10]);
    }));

  it("passes the context of its body on to its children, and starts them in the next iteration", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "unset" });
      variable.set("set");
      const order: string[] = [];
      await taskGroup(async (group) => {
        group.createTask(async () => order.push(variable.get()));
        order.push("body");
      });
      expect(order).toEqual(["body", "set"]);
    }));
});

describe("a failing child", () => {
  it("cancels its siblings and the body, and its error comes in an ExceptionGroup", () =>
    virtual(async () => {
      const ends: string[] = [];
      const child = recorder(ends);
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(child("a", 100));
          group.createTask(fail(5, "X"));
          group.createTask(child("b", 100));
          await child("body", 100)();
        });
      const error = await failureOf(work);
      expect(error).toBeInstanceOf(AggregateError);
      expect([shape(error), now()]).toEqual([["X"], 5]);
      expect(ends.sort()).toEqual(["a cancelled", "b cancelled", "body cancelled"]);
    }));

  it("is waited for with its siblings' cleanups, whose errors join the group in the order in which they came", () =>
    virtual(async () => {
      const child = recorder([]);
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(child("slow", 100, fail(7, "slow")));
          group.createTask(child("quick", 100, fail(3, "quick")));
          group.createTask(fail(1, "first"));
        });
      expect([await shapeOf(work), now()]).toEqual([["first", "quick", "slow"], 8]);
    }));

  it("does not leave its cancel behind: the parent goes on, and cancelling() is what it was", () =>
    virtual(async () => {
      const levels = [currentTask()!.cancelling()];
      expect(await shapeOf(() => taskGroup(async (group) => void group.createTask(fail(0, "X"))))).toEqual([
        "X",
      ]);
      levels.push(currentTask()!.cancelling());
      const waiting = () =>
        taskGroup(async (group) => {
          group.createTask(fail(1, "Y"));
          await sleep(100);
        });
      expect(await shapeOf(waiting)).toEqual(["Y"]);
      levels.push(currentTask()!.cancelling());
      await sleep(10);
      expect([levels, now()]).toEqual([[0, 0, 0], 11]);
    }));

  it("keeps the cancelling() of a parent that is cleaning up", () =>
    virtual(async () => {
      const parent = createTask(async () => {
        await failureOf(sleep(100));
        await failureOf(() => taskGroup(async (group) => void group.createTask(fail(0, "X"))));
        return currentTask()!.cancelling();
      });
      await sleep(1);
      parent.cancel();
      expect(await failureOf(parent)).toBeInstanceOf(CancelledError);
      expect(parent.cancelling()).toBe(1);
    }));

  it("whose siblings swallow their cancel is waited for all the same", () =>
    virtual(async () => {
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            await failureOf(sleep(100));
            await sleep(10);
          });
          group.createTask(fail(1, "X"));
        });
      expect([await shapeOf(work), now()]).toEqual([["X"], 11]);
    }));

  it("cancels its siblings in the order in which they were added", () =>
    virtual(async () => {
      const ends: string[] = [];
      const child = recorder(ends);
      const work = () =>
        taskGroup(async (group) => {
          for (const name of ["c", "a", "b"]) group.createTask(child(name, 100));
          group.createTask(fail(1, "X"));
        });
      await failureOf(work);
      expect(ends).toEqual(["c cancelled", "a cancelled", "b cancelled"]);
    }));
});

describe("a failing body", () => {
  it("cancels the children, and its error is wrapped in the group", () =>
    virtual(async () => {
      const ends: string[] = [];
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(recorder(ends)("a", 100));
          await sleep(1);
          throw boom("body");
        });
      expect([await shapeOf(work), ends, now()]).toEqual([["body"], ["a cancelled"], 1]);
    }));

  it("stands in the group behind the errors of the children", () =>
    virtual(async () => {
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(recorder([])("a", 100, fail(1, "child")));
          await sleep(1);
          throw boom("body");
        });
      expect(await shapeOf(work)).toEqual(["child", "body"]);
    }));

  it("that turns the group's cancel into an error of its own adds it", () =>
    virtual(async () => {
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(fail(1, "child"));
          try {
            await sleep(100);
          } catch {
            throw boom("body");
          }
        });
      expect(await shapeOf(work)).toEqual(["child", "body"]);
    }));

  it("with a CancelledError of its own cancels the children, and that goes on", () =>
    virtual(async () => {
      const ends: string[] = [];
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(recorder(ends)("a", 100));
          await sleep(1);
          throw new CancelledError("own");
        });
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError", message: "own" });
      expect(ends).toEqual(["a cancelled"]);
    }));
});

describe("a task group whose parent is cancelled", () => {
  const cancelAfter = async (delay: number, work: () => PromiseLike<unknown>) => {
    const parent = createTask(work);
    getRunningLoop().callLater(delay, () => parent.cancel());
    return { error: await failureOf(parent), parent };
  };

  it.each(["in the body", "while it waits for the children"])(
    "%s cancels them, waits, and is cancelled",
    (where) =>
      virtual(async () => {
        const ends: string[] = [];
        const child = recorder(ends);
        const { error, parent } = await cancelAfter(1, () =>
          taskGroup(async (group) => {
            group.createTask(child("a", 100, () => sleep(5)));
            group.createTask(child("b", 100));
            if (where === "in the body") await sleep(100);
          }),
        );
        expect(error).toBeInstanceOf(CancelledError);
        expect([ends, parent.cancelled(), parent.cancelling(), now()]).toEqual([
          ["a cancelled", "b cancelled"],
          true,
          1,
          6,
        ]);
      }),
  );

  it("goes on waiting however often it is cancelled", () =>
    virtual(async () => {
      const ends: string[] = [];
      const parent = createTask(() =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            await failureOf(sleep(100));
            await sleep(10);
            ends.push("cleaned up");
          });
        }),
      );
      for (const delay of [1, 2, 3]) getRunningLoop().callLater(delay, () => parent.cancel());
      expect(await failureOf(parent)).toBeInstanceOf(CancelledError);
      expect([ends, now()]).toEqual([["cleaned up"], 11]);
    }));

  it("throws the ExceptionGroup when a child fails in its cleanup, and the cancel comes at the next wait", () =>
    virtual(async () => {
      let raised: unknown;
      const { error, parent } = await cancelAfter(1, async () => {
        const work = () =>
          taskGroup(async (group) => void group.createTask(recorder([])("a", 100, fail(2, "cleanup"))));
        raised = await failureOf(work);
        await sleep(100);
      });
      expect([shape(raised), error, now()]).toEqual([["cleanup"], expect.any(CancelledError), 3]);
      expect(parent.cancelling()).toBe(1);
    }));

  it("whose child fails in its cleanup tells at the next wait why it was cancelled", () =>
    virtual(async () => {
      const origin = new Error("origin");
      const parent = createTask(async () => {
        const cleanup = recorder([])("a", 100, fail(2, "cleanup"));
        await failureOf(() => taskGroup(async (group) => void group.createTask(cleanup)));
        await sleep(100);
      });
      getRunningLoop().callLater(1, () => parent.cancel("why", origin));
      const error = await failureOf(parent);
      expect(error).toMatchObject({ name: "CancelledError", cause: { message: "why", cause: origin } });
    }));

  it("with an error and a cancel at once throws the group, and the cancel is not lost", () =>
    virtual(async () => {
      const seen: unknown[] = [];
      const parent: Task<unknown> = createTask(async () => {
        const child = async () => {
          await sleep(1);
          parent.cancel();
          throw boom("X");
        };
        seen.push(await shapeOf(() => taskGroup(async (group) => void group.createTask(child))));
        seen.push(currentTask()!.cancelling());
        await sleep(0);
        seen.push("not reached");
      });
      expect(await failureOf(parent)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual([["X"], 1]);
    }));
});

describe("nested task groups", () => {
  it("nest their errors", () =>
    virtual(async () => {
      const inner = () => taskGroup(async (group) => void group.createTask(fail(1, "inner")));
      const outer = () => taskGroup(async (group) => void group.createTask(inner));
      expect(await shapeOf(outer)).toEqual([["inner"]]);
      expect(await shapeOf(() => taskGroup(inner))).toEqual([["inner"]]);
    }));

  it("are both failing at the same time: the inner ends first, then the outer", () =>
    virtual(async () => {
      const work = () =>
        taskGroup(async (outer) => {
          outer.createTask(fail(1, "outer"));
          await taskGroup(async (inner) => {
            inner.createTask(fail(1, "inner"));
            await sleep(100);
          });
        });
      expect(await shapeOf(work)).toEqual(["outer", ["inner"]]);
      expect(currentTask()!.cancelling()).toBe(0);
    }));

  it("end from outside in when an outer child fails", () =>
    virtual(async () => {
      const ends: string[] = [];
      const work = () =>
        taskGroup(async (outer) => {
          outer.createTask(fail(1, "outer"));
          await taskGroup(async (inner) => {
            inner.createTask(recorder(ends)("inner child", 100));
          });
        });
      expect([await shapeOf(work), ends]).toEqual([["outer"], ["inner child cancelled"]]);
    }));

  it("that failed inside a timeout are no timeout, and one that is timed out is no group", () =>
    virtual(async () => {
      const failing = () => taskGroup(async (group) => void group.createTask(fail(1, "X")));
      expect(await shapeOf(() => timeout(5, failing))).toEqual(["X"]);
      const slow = () => taskGroup(async (group) => void group.createTask(() => sleep(100)));
      expect(await failureOf(() => timeout(5, slow))).toBeInstanceOf(TimeoutError);
    }));
});

describe("TaskGroup.createTask", () => {
  it("is refused before the group is entered, after it is finished and while it shuts down", () =>
    virtual(async () => {
      const group = new TaskGroup();
      const work = () => group.createTask(async () => 1);
      expect(work).toThrow(RuntimeError);
      let whileAborting: unknown;
      const child = async () => {
        await failureOf(sleep(100));
        whileAborting = await failureOf(work);
      };
      await failureOf(() =>
        group.run(async () => {
          group.createTask(child);
          group.createTask(fail(1, "X"));
        }),
      );
      expect(whileAborting).toBeInstanceOf(RuntimeError);
      expect(work).toThrow(RuntimeError);
    }));

  it("refuses a promise", () =>
    virtual(async () => {
      // @ts-expect-error a promise has started already
      await taskGroup(async (group) => expect(() => group.createTask(sleep(0))).toThrow(TypeError));
    }));
});

describe("TaskGroup", () => {
  it("is entered once", () =>
    virtual(async () => {
      const group = new TaskGroup();
      await group.run(async () => {
        expect(await failureOf(() => group.run(async () => {}))).toBeInstanceOf(RuntimeError);
      });
      expect(await failureOf(() => group.run(async () => {}))).toBeInstanceOf(RuntimeError);
    }));

  it("needs a parent task", () =>
    virtual(async () => {
      const error = new Future();
      getRunningLoop().callSoon(async () =>
        error.setResult(await failureOf(() => taskGroup(async () => {}))),
      );
      expect(await error).toBeInstanceOf(RuntimeError);
    }));
});

describe("a task group's body", () => {
  it("must be a function that has not started", () =>
    virtual(async () => {
      // @ts-expect-error
      expect(String(await failureOf(() => taskGroup(Promise.resolve())))).toMatch(
        /^TypeError: taskGroup got a promise/,
      );
    }));
});

describe("TaskGroup.start", () => {
  it("gives the task when its first step is over: it has run to its first real wait", () =>
    virtual(async () => {
      const order: string[] = [];
      await taskGroup(async (group) => {
        const { task } = await group.start(async () => {
          order.push("first step");
          await sleep(1);
          return "result";
        });
        order.push("started");
        expect(task.done()).toBe(false);
        expect(await task).toBe("result");
      });
      expect(order).toEqual(["first step", "started"]);
    }));

  it("gives a task that is done when it never waited, and lets no other task run in between", () =>
    virtual(async () => {
      const order: string[] = [];
      await taskGroup(async (group) => {
        group.createTask(async () => order.push("another task"));
        const { task } = await group.start(async () => order.push("eager"));
        expect(task.done()).toBe(true);
        order.push("started");
      });
      expect(order).toEqual(["eager", "started", "another task"]);
    }));

  it("does not cancel the parent at once when the child fails in its first step", () =>
    virtual(async () => {
      let reached = false;
      const work = () =>
        taskGroup(async (group) => {
          await group.start(async () => {
            throw boom("early");
          });
          reached = true;
          await sleep(100);
        });
      expect([await shapeOf(work), reached, now()]).toEqual([["early"], true, 0]);
    }));

  it("cancels a child that was started while the group was already shutting down", () =>
    virtual(async () => {
      let started: Task<unknown> | undefined;
      const work = () =>
        taskGroup(async (group) => {
          const box = await group.start(async () => {
            group.cancel();
            await sleep(100);
          });
          started = box.task;
        });
      await work();
      expect([started?.cancelled(), now()]).toEqual([true, 0]);
    }));
});

describe("TaskGroup.cancel", () => {
  it.each([
    ["before the child that awaits it", true],
    ["behind the child that awaits it", false],
  ])("counts for a child what one cancel after the other would, with it %s", async (_where, sleeperFirst) => {
    const counts = await virtual(async () => {
      const seen: number[] = [];
      await taskGroup(async (group) => {
        const sleeper = async () => {
          try {
            await sleep(1000);
          } finally {
            seen.push(currentTask()!.cancelling());
            await sleep(1); // the cancel was delivered, so nothing is pending for this await
            seen.push(currentTask()!.cancelling());
          }
        };
        let child: Task<void>;
        if (sleeperFirst) {
          child = group.createTask(sleeper);
          group.createTask(async () => await child);
        } else {
          group.createTask(async () => await child);
          child = group.createTask(sleeper);
        }
        await sleep(0);
        group.cancel();
      });
      return seen;
    });
    expect(counts).toEqual([2, 2]);
  });

  it("cancels the children and the body, and the group ends without an error", () =>
    virtual(async () => {
      const ends: string[] = [];
      await taskGroup(async (group) => {
        group.createTask(recorder(ends)("a", 100));
        getRunningLoop().callLater(5, () => group.cancel());
        await recorder(ends)("body", 100)();
      });
      expect([ends.sort(), now(), currentTask()!.cancelling()]).toEqual([
        ["a cancelled", "body cancelled"],
        5,
        0,
      ]);
    }));

  it("can be called by the body and by a child", () =>
    virtual(async () => {
      const ends: string[] = [];
      await taskGroup(async (group) => {
        group.createTask(recorder(ends)("a", 100));
        await sleep(1);
        group.cancel();
      });
      await taskGroup(async (group) => {
        group.createTask(recorder(ends)("b", 100));
        group.createTask(async () => group.cancel());
      });
      expect([ends, now()]).toEqual([["a cancelled", "b cancelled"], 1]);
    }));

  it("waits for the cleanups, and throws their errors", () =>
    virtual(async () => {
      const work = () =>
        taskGroup(async (group) => {
          group.createTask(recorder([])("a", 100, fail(3, "cleanup")));
          await sleep(1);
          group.cancel();
        });
      expect([await shapeOf(work), now()]).toEqual([["cleanup"], 4]);
    }));

  it("before the group is entered cancels its body at the first wait", () =>
    virtual(async () => {
      const group = new TaskGroup();
      group.cancel();
      const order: string[] = [];
      await group.run(async () => {
        order.push("body");
        await sleep(0);
        order.push("not reached");
      });
      expect([order, currentTask()!.cancelling()]).toEqual([["body"], 0]);
    }));

  it("is idempotent, and does nothing after the group's end", () =>
    virtual(async () => {
      const group = new TaskGroup();
      await group.run(async () => {
        group.cancel();
        group.cancel();
        await sleep(100);
      });
      group.cancel();
      await sleep(1);
      expect([now(), currentTask()!.cancelling()]).toEqual([1, 0]);
    }));

  it("makes createTask throw from then on", () =>
    virtual(async () => {
      await taskGroup(async (group) => {
        group.cancel();
        expect(() => group.createTask(async () => 1)).toThrow(RuntimeError);
      });
    }));

  it("does not swallow a cancel of the parent that comes after it", () =>
    virtual(async () => {
      const parent = createTask(() =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            await failureOf(sleep(100));
            await sleep(10);
          });
          getRunningLoop().callLater(1, () => group.cancel());
          await sleep(100);
        }),
      );
      getRunningLoop().callLater(5, () => parent.cancel());
      expect(await failureOf(parent)).toBeInstanceOf(CancelledError);
      expect(now()).toBe(11);
    }));

  it("of an inner group lets the outer one go on", () =>
    virtual(async () => {
      const ends: string[] = [];
      await taskGroup(async (outer) => {
        outer.createTask(recorder(ends)("outer child", 10));
        await taskGroup(async (inner) => {
          inner.createTask(recorder(ends)("inner child", 10));
          await sleep(1);
          inner.cancel();
        });
        ends.push("after the inner group");
        await turns(1);
      });
      expect(ends).toEqual(["inner child cancelled", "after the inner group", "outer child done"]);
    }));
});
