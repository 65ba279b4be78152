import { createHook } from "node:async_hooks";
import {
  allTasks,
  createTask,
  currentTask,
  Event,
  formatCallGraph,
  formatTaskTree,
  gather,
  getRunningLoop,
  moveOnAfter,
  run,
  Semaphore,
  shield,
  sleep,
  type Task,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { runModule } from "../support/programs.ts";
import { random } from "../support/random.ts";
import { turns, virtual } from "../support/virtual.ts";

/** Tasks each of which awaits the one before; gives the first one. */
function chainOf(length: number): Task {
  const first = createTask(() => sleep(1e9)) as Task;
  let before: Task = first;
  for (let i = 1; i < length; i++) {
    const awaited = before;
    before = createTask(async () => void (await awaited)) as Task;
  }
  return first;
}

// What would be quadratic does not end within the time of a test.
describe("as many as there are", () => {
  it("waiting tasks of a chain end with the program", async () => {
    await virtual(async () => {
      chainOf(40_000);
      await turns(2);
    });
  });

  it("permits of a semaphore are released in one step", () =>
    virtual(async () => {
      const permits = new Semaphore(0);
      const waiting = Array.from({ length: 60_000 }, () => createTask(() => permits.acquire()));
      await turns(2);
      for (const _ of waiting) permits.release();
      await gather(waiting);
    }));

  it("waits on one shielded task are given up, and leave nothing with it", () =>
    virtual(async () => {
      const shared = createTask(() => new Event().wait());
      const waiting = Array.from({ length: 12_000 }, () =>
        createTask(() => moveOnAfter(1, () => shield(shared))),
      );
      await gather(waiting);
      expect(shared._callbackList().length).toBeLessThanOrEqual(1); // who tells of its failure
      shared.cancel();
    }));

  it("tasks of a chain are shown as text, those far down with their depth", () =>
    virtual(async () => {
      const first = chainOf(10_000);
      await turns(2);
      expect(formatTaskTree().split("\n").at(-1)).toMatch(/^ {100}\[9999\] <Task/);
      expect(formatCallGraph(first).split("\n")).toHaveLength(2 * 10_000 - 1);
    }));
});

describe("the end of a program", () => {
  /** Tasks that await others by chance; what each is told how often it was cancelled. */
  async function cancelsOf(seed: number, cancelAll: boolean): Promise<Record<string, number>> {
    const below = random(seed);
    const counts: Record<string, number> = {};
    await virtual(async () => {
      const tasks: Task[] = [];
      for (let i = 0; i < 30; i++) {
        const awaits = below(4) === 0 ? null : below(30);
        const body = async () => {
          try {
            if (awaits === null || awaits === i) await sleep(1e9);
            else await tasks[awaits];
          } finally {
            counts[`task ${i}`] = currentTask()?.cancelling() ?? -1;
          }
        };
        tasks.push(createTask(body) as Task);
      }
      await turns(2);
      if (!cancelAll) return;
      const others = allTasks().filter((task) => task !== currentTask());
      for (const task of others) task.cancel();
      await gather(others, { returnExceptions: true });
    });
    return counts;
  }

  it("cancels each task as often as one cancel after the other does", async () => {
    for (let seed = 1; seed <= 100; seed++)
      expect([seed, await cancelsOf(seed, false)]).toEqual([seed, await cancelsOf(seed, true)]);
  });
});

describe("async_hooks", () => {
  it("are told of the end of each task, callback and context as of its begin", async () => {
    const alive = new Map<number, string>();
    const ours = new Set(["Task", "Handle", "Context", "threadloop"]);
    let seen = 0;
    const hook = createHook({
      init: (id, type) => {
        if (ours.has(type)) alive.set(id, `${type} ${seen++}`);
      },
      destroy: (id) => void alive.delete(id),
    }).enable();
    await run(async () => {
      const loop = getRunningLoop();
      for (let i = 0; i < 10; i++) await createTask(() => sleep(0));
      createTask(() => sleep(1)).cancel();
      loop.callSoon(() => {});
      loop.callLater(1000, () => {}).cancel();
      createTask(() => sleep(0)).addDoneCallback(() => {});
      currentTask()
        ?.getContext()
        .run(() => {});
      await turns(3);
    });
    await new Promise((resolve) => setImmediate(resolve)); // Node tells of ends a little later
    hook.disable();
    expect(seen).toBeGreaterThan(15);
    expect([...alive.values()]).toEqual([]);
  });
});

describe("a task that leaves a wait behind which nobody awaits", () => {
  it("is not kept, nor its result", async () => {
    const { stdout, stderr } = await runModule(
      `
      import { createTask, run, sleep } from "threadloop";
      await run(async () => {
        const log = async () => void (await sleep(1));
        const results = [];
        for (let i = 0; i < 200; i++) {
          const result = await createTask(async () => { void log(); return { large: new Uint8Array(1000) }; });
          results.push(new WeakRef(result));
        }
        await sleep(20);
        for (let i = 0; i < 5; i++) { gc(); await sleep(1); }
        console.log(results.filter((result) => result.deref() !== undefined).length <= 1);
      });
      `,
      "--expose-gc",
    );
    expect([stdout, stderr]).toEqual(["true\n", ""]);
  });
});
