import { createHook } from "node:async_hooks";
import {
  allTasks,
  CancelledError,
  createTask,
  currentTask,
  Event,
  Future,
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
import { describe, expect, it, vi } from "vitest";
import { runModule } from "../../support/programs.ts";
import { random } from "../../support/random.ts";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

const CANCELLED = 2;
/** `npm run floating` takes a million. */
const FLOATING = Number(process.env.FLOATING ?? 50_000);

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

/** Tasks each of which awaits a gather of the one before; gives the first one. */
function gathersOf(length: number): Task {
  const first = createTask(() => sleep(1e9)) as Task;
  let before: Task = first;
  for (let i = 1; i < length; i++) {
    const awaited = before;
    before = createTask(() => gather(awaited)) as Task;
  }
  return first;
}

/** How many array elements are looked at by `some`, `filter` and `find` while something is done. */
async function looks(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const spies = (["some", "filter", "find"] as const).map((method) => {
    const own = Array.prototype[method] as (...args: unknown[]) => unknown;
    return vi.spyOn(Array.prototype, method).mockImplementation(function (
      this: unknown[],
      ...args: unknown[]
    ) {
      count += this.length;
      return own.apply(this, args) as never;
    });
  });
  try {
    await work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return count;
}

// What cannot be counted and would be quadratic does not end within the time of a test.
describe("as many as there are", () => {
  it("gathers wait for one future, each without looking at those of the others", async () => {
    const count = await looks(() =>
      virtual(async () => {
        const shared = new Future<number>();
        const gathers = Array.from({ length: 3000 }, () => gather(shared, shared, sleep(1)));
        shared.setResult(1);
        expect(await gathers.at(-1)).toEqual([1, 1, undefined]);
      }),
    );
    expect(count).toBeLessThan(60_000);
  });

  it("waiters of a semaphore were cancelled, and who comes then asks none of them", async () => {
    let asked = 0;
    const cancelled = vi.spyOn(Future.prototype, "cancelled").mockImplementation(function (this: Future) {
      asked++;
      return this._state === CANCELLED;
    });
    await virtual(async () => {
      const permits = new Semaphore(0);
      const waiting = Array.from({ length: 10_000 }, () => createTask(() => permits.acquire()));
      await turns(2);
      for (const task of waiting) task.cancel();
      for (let i = 0; i < 1000; i++) permits.release();
      expect(permits.locked()).toBe(false);
      for (let i = 0; i < 1000; i++) await permits.acquire();
      expect(permits.locked()).toBe(true);
    });
    cancelled.mockRestore();
    expect(asked).toBeLessThan(100_000);
  });

  it("gathers of gathers, tasks that gather tasks and chained futures are cancelled", () =>
    virtual(async () => {
      const ends: Future[] = [];
      const many = 20_000;
      let gathers: Future<unknown> = createTask(() => sleep(1e9));
      for (let i = 0; i < many; i++) gathers = gather(gathers);
      let chained: Future<unknown> = new Future();
      for (let i = 0; i < many; i++) chained = chained.catch(Promise.reject.bind(Promise));
      ends.push(gathers, chained);
      await turns(2);
      for (const end of ends) expect(end.cancel()).toBe(true);
      for (const end of ends) expect(await failureOf(end)).toBeInstanceOf(CancelledError);
    }));

  it("tasks that gather tasks are cancelled, down to the first", () =>
    virtual(async () => {
      const first = gathersOf(5000);
      await turns(2);
      const last = allTasks().at(-1) as Task;
      last.cancel();
      expect(await failureOf(last)).toBeInstanceOf(CancelledError);
      expect([first.cancelled(), first.cancelling()]).toEqual([true, 1]);
    }));

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

  it(`costs nothing once it is over: ${FLOATING} such waits fit into a small heap`, async () => {
    const { stdout, stderr } = await runModule(
      `
      import { createTask, run, sleep } from "threadloop";
      await run(async () => {
        const floating = async () => void (await sleep(1));
        for (let left = ${FLOATING}; left > 0; left -= 10_000) {
          await createTask(async () => {
            for (let i = 0; i < 10_000; i++) void floating();
          });
          await sleep(2);
        }
        console.log("done");
      });
      `,
      "--max-old-space-size=96",
    );
    expect([stdout, stderr]).toEqual(["done\n", ""]);
  }, 300_000);
});
