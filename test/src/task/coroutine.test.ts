import {
  coroutine,
  createTask,
  currentTask,
  isCoroutine,
  isCoroutineFunction,
  RuntimeError,
  run,
  sleep,
  TaskGroup,
  taskGroup,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { runModule } from "../../support/programs.ts";
import { failureOf, virtual, virtualLoop } from "../../support/virtual.ts";

let calls = 0;
const count = coroutine(async (step: number) => {
  calls += step;
  return calls;
});

describe("a coroutine", () => {
  it("does not start when it is called, but when a task is made of it or when it is awaited", () =>
    virtual(async () => {
      calls = 0;
      const [first, second] = [count(1), count(10)];
      expect(calls).toBe(0);
      expect(await createTask(first)).toBe(1);
      expect(await second).toBe(11);
    }));

  it("runs in the task that awaits it", () =>
    virtual(async () => {
      const task = currentTask();
      const own = coroutine(async () => currentTask() === task);
      expect([await own(), await createTask(own())]).toEqual([true, false]);
    }));

  it("starts once", () =>
    virtual(async () => {
      const once = count(1);
      await once;
      expect(await failureOf(once)).toBeInstanceOf(RuntimeError);
      expect(await failureOf(createTask(once))).toBeInstanceOf(RuntimeError);
    }));

  it("can be the main one of run", async () => {
    calls = 0;
    expect(await run(count(5))).toBe(5);
  });

  it("is told from a promise and from a function", () => {
    const call = count(1);
    expect([isCoroutine(call), isCoroutine(Promise.resolve()), isCoroutine(count)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([count, async () => {}, () => {}].map(isCoroutineFunction)).toEqual([true, true, false]);
    call.close();
  });

  it("keeps the name of its function", () => {
    const call = coroutine(async function sayAfter() {})();
    expect(call.name).toBe("sayAfter");
    call.close();
  });

  it("that was closed does not start", () =>
    virtual(async () => {
      calls = 0;
      const call = count(1);
      call.close();
      expect(await failureOf(call)).toBeInstanceOf(RuntimeError);
      expect(calls).toBe(0);
    }));

  it("that nobody takes is closed by who refuses it", () =>
    virtual(async () => {
      const closed = virtualLoop();
      closed.close();
      const finished = new TaskGroup();
      await finished.run(async () => {});
      const aborting = (call: ReturnType<typeof count>) =>
        taskGroup(async (group) => {
          group.cancel();
          group.createTask(call);
        });
      const refusals: ((call: ReturnType<typeof count>) => unknown)[] = [
        (call) => closed.createTask(call),
        (call) => new TaskGroup().createTask(call),
        (call) => finished.createTask(call),
        (call) => finished.start(call),
        (call) => run(call),
      ];
      for (const refuse of refusals) {
        const call = count(1);
        expect(await failureOf(async () => await refuse(call))).toBeInstanceOf(RuntimeError);
        expect(await failureOf(call)).toMatchObject({
          name: "RuntimeError",
          message: expect.stringMatching(/twice/),
        });
      }
      const call = count(1);
      await failureOf(() => aborting(call));
      expect(await failureOf(call)).toBeInstanceOf(RuntimeError);
    }));

  it("of a task that was cancelled before its first step is closed and never starts", () =>
    virtual(async () => {
      calls = 0;
      const call = count(1);
      const task = createTask(call);
      task.cancel();
      await failureOf(task);
      expect(await failureOf(call)).toBeInstanceOf(RuntimeError);
      expect([calls, await sleep(1, "later")]).toEqual([0, "later"]);
    }));

  it("that was never awaited is warned of, and one that was is not", async () => {
    const { stderr, stdout } = await runModule(
      `
      import { coroutine, createTask, run, sleep } from "threadloop";
      const forgotten = coroutine(async function forgotten() {});
      const used = coroutine(async function used() {});
      process.on("warning", ({ message }) => console.log(message.split("\\n")[0]));
      await run(async () => {
        await used();
        await createTask(used());
        used().close();
        forgotten();
        await sleep(1);
        for (let i = 0; i < 20; i++) {
          gc();
          await sleep(1);
        }
      });
    `,
      "--expose-gc",
    );
    expect(stdout.trim()).toBe("coroutine 'forgotten' was never awaited");
    expect(stderr).toContain("forgotten");
  });

  it("is made of functions only", () => {
    // @ts-expect-error a function is wanted
    expect(() => coroutine(1)).toThrow(TypeError);
  });
});
