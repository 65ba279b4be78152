import {
  allTasks,
  ContextVar,
  createTask,
  currentTask,
  eagerTaskFactory,
  gather,
  getRunningLoop,
  Lock,
  sleep,
  type Task,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual, virtualLoop } from "../../support/virtual.ts";

const start = <T>(work: () => PromiseLike<T>) => createTask(work, { eagerStart: true });

describe("an eager task", () => {
  it("runs its first step when it is created, as the current task, and its creator is current again after it", () =>
    virtual(async () => {
      const creator = currentTask();
      let first: Task | null = null;
      const task: Task<boolean> = start(async () => {
        first = currentTask();
        await sleep(1);
        return currentTask() === task;
      });
      expect([first, currentTask()]).toEqual([task, creator]);
      await task.started;
      expect(currentTask()).toBe(creator);
      expect(await task).toBe(true);
    }));

  it("that never waits is done when it has started: it was never scheduled and is no unfinished task", () =>
    virtual(async () => {
      let others = 0;
      createTask(async () => {
        others += 1;
      });
      const task = start(async () => {
        const lock = new Lock();
        await lock.acquire();
        return "done";
      });
      await task.started;
      expect([task.done(), task.result(), others, allTasks().includes(task)]).toEqual([
        true,
        "done",
        0,
        false,
      ]);
      expect(task.cancel()).toBe(false);
    }));

  it("that fails in its first step is a failed task, and its creator goes on", () =>
    virtual(async () => {
      const error = new Error("boom");
      const task = start(async () => Promise.reject(error));
      await task.started;
      expect(task.exception()).toBe(error);
    }));

  it("that waits is from then on a task as any other", () =>
    virtual(async () => {
      const task = start(() => sleep(100));
      await task.started;
      expect([task.done(), allTasks().includes(task)]).toEqual([false, true]);
      task.cancel();
      await failureOf(task);
      expect(task.cancelled()).toBe(true);
    }));

  it("runs its first step in a copy of the context", () =>
    virtual(async () => {
      const variable = new ContextVar("variable", { default: "unset" });
      variable.set("creator");
      const task = start(async () => {
        const inherited = variable.get();
        variable.set("child");
        return inherited;
      });
      await task.started;
      expect([task.result(), variable.get()]).toEqual(["creator", "creator"]);
    }));

  it("may start another eager task in its first step", () =>
    virtual(async () => {
      const order: string[] = [];
      const outer = start(async () => {
        order.push("outer");
        const inner = start(async () => order.push("inner"));
        await inner.started;
        order.push("outer again");
        await sleep(0);
      });
      await outer.started;
      order.push("creator");
      await outer;
      expect(order).toEqual(["outer", "inner", "outer again", "creator"]);
    }));
});

describe("eagerTaskFactory", () => {
  const eager = <T>(main: () => Promise<T>) =>
    virtual(async () => {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      return main();
    });

  it("makes every task of the loop eager, and eagerStart: false opts out", () =>
    eager(async () => {
      const order: string[] = [];
      const task = createTask(async () => order.push("eager"));
      await task.started;
      createTask(async () => order.push("lazy"), { eagerStart: false });
      order.push("creator");
      await turns(1);
      expect(order).toEqual(["eager", "creator", "lazy"]);
    }));

  it("schedules the task when the loop does not run yet", async () => {
    const loop = virtualLoop();
    loop.setTaskFactory(eagerTaskFactory);
    const order: string[] = [];
    const task = loop.createTask(async () => order.push("task"));
    order.push("creator");
    await loop.runUntilComplete(task);
    expect(order).toEqual(["creator", "task"]);
    loop.close();
  });

  it("lets gather and plain tasks give their results", () =>
    eager(async () => {
      const results = await gather([async () => 1, () => sleep(1, 2), createTask(async () => 3)]);
      expect(results).toEqual([1, 2, 3]);
    }));
});
