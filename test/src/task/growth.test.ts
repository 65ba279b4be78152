import { createHook } from "node:async_hooks";
import {
  allTasks,
  CancelledError,
  Condition,
  createTask,
  currentTask,
  Event,
  ExceptionGroup,
  Future,
  formatCallGraph,
  formatTaskTree,
  gather,
  getRunningLoop,
  moveOnAfter,
  newEventLoop,
  run,
  Semaphore,
  shield,
  sleep,
  Task,
  TimeoutError,
  taskGroup,
  timeout,
} from "threadloop";
import { describe, expect, it, vi } from "vitest";
import { runModule } from "../../support/programs.ts";
import { random } from "../../support/random.ts";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

/** `npm run floating` takes a million. */
const FLOATING = Number(process.env.FLOATING ?? 50_000);

/** Tasks each of which waits in some way for the one before; the first one sleeps. */
function linkedBy(wait: (before: Task) => PromiseLike<unknown>, length: number): Task[] {
  const tasks = [createTask(() => sleep(1e9)) as Task];
  for (let i = 1; i < length; i++) {
    const before = tasks[i - 1] as Task;
    tasks.push(createTask(async () => void (await wait(before))) as Task);
  }
  return tasks;
}

/** Tasks each of which awaits the one before; gives the first one. */
const chainOf = (length: number) => linkedBy((before) => before, length)[0] as Task;

/** Tasks each of which awaits a gather of the one before; gives the first one. */
const gathersOf = (length: number) => linkedBy((before) => gather(before), length)[0] as Task;

/** Methods of arrays that look at each element. */
const LOOKING = ["some", "filter", "find", "forEach", "map", "includes", "indexOf"] as const;

/**
 * How much is done: calls of the methods of futures and tasks, also of the futures given, and elements that methods of
 * arrays look at. What is linear needs a few for each; what is quadratic needs as many for each as there are.
 */
async function stepsOf(work: () => Promise<unknown>, ...kinds: object[]): Promise<number> {
  let count = 0;
  const restores: (() => void)[] = [];
  for (const prototype of new Set([Future.prototype, Task.prototype, ...kinds.map(Object.getPrototypeOf)])) {
    for (const [key, own] of Object.entries(Object.getOwnPropertyDescriptors(prototype) as object)) {
      const { value, get } = own as PropertyDescriptor;
      const counted = (call: (...args: unknown[]) => unknown) =>
        function (this: unknown, ...args: unknown[]) {
          count++;
          return call.apply(this, args);
        };
      if (key === "constructor" || (typeof value !== "function" && get === undefined)) continue;
      Object.defineProperty(
        prototype,
        key,
        get ? { ...own, get: counted(get) } : { ...own, value: counted(value) },
      );
      restores.push(() => Object.defineProperty(prototype, key, own));
    }
  }
  for (const method of LOOKING) {
    const own = Array.prototype[method] as (...args: unknown[]) => unknown;
    const spy = vi.spyOn(Array.prototype, method).mockImplementation(function (
      this: unknown[],
      ...args: unknown[]
    ) {
      count += this.length;
      return own.apply(this, args) as never;
    });
    restores.push(() => spy.mockRestore());
  }
  try {
    await work();
  } finally {
    for (const restore of restores) restore();
  }
  return count;
}

const MANY = 3000;
const FOR_EACH = 100;

describe(`as many as there are, with at most ${FOR_EACH} steps for each`, () => {
  /** Each work with one of the futures it makes, whose methods are counted as well. */
  const works: Record<string, () => Promise<unknown>> = {
    "gathers wait for one future": async () => {
      const shared = new Future<number>();
      const gathers = Array.from({ length: MANY }, () => gather(shared, shared, sleep(1)));
      shared.setResult(1);
      expect(await gathers.at(-1)).toEqual([1, 1, undefined]);
    },
    "waiters of a semaphore are cancelled, and others come": async () => {
      const permits = new Semaphore(0);
      const waiting = Array.from({ length: MANY }, () => createTask(() => permits.acquire()));
      await turns(2);
      for (const task of waiting) task.cancel();
      for (let i = 0; i < MANY / 10; i++) permits.release();
      expect(permits.locked()).toBe(false);
      for (let i = 0; i < MANY / 10; i++) await permits.acquire();
      expect(permits.locked()).toBe(true);
    },
    "permits of a semaphore are released in one step": async () => {
      const permits = new Semaphore(0);
      const waiting = Array.from({ length: MANY }, () => createTask(() => permits.acquire()));
      await turns(2);
      for (const _ of waiting) permits.release();
      await gather(waiting);
    },
    "waiters of a condition are notified one by one in one step": async () => {
      const condition = new Condition();
      const waiting = Array.from({ length: MANY }, () =>
        createTask(() => condition.with(() => condition.wait())),
      );
      await turns(3);
      await condition.with(() => {
        for (const _ of waiting) condition.notify();
      });
      await gather(waiting);
    },
    "gathers of gathers are cancelled": async () => {
      let gathers: Future<unknown> = createTask(() => sleep(1e9));
      for (let i = 0; i < MANY; i++) gathers = gather(gathers);
      await turns(2);
      expect(gathers.cancel()).toBe(true);
      expect(await failureOf(gathers)).toBeInstanceOf(CancelledError);
    },
    "chained futures are cancelled": async () => {
      let chained: Future<unknown> = new Future();
      for (let i = 0; i < MANY; i++) chained = chained.catch(Promise.reject.bind(Promise));
      expect(chained.cancel()).toBe(true);
      expect(await failureOf(chained)).toBeInstanceOf(CancelledError);
    },
    "tasks that gather tasks are cancelled, down to the first": async () => {
      const first = gathersOf(MANY);
      await turns(2);
      const last = allTasks().at(-1) as Task;
      last.cancel();
      expect(await failureOf(last)).toBeInstanceOf(CancelledError);
      expect([first.cancelled(), first.cancelling()]).toEqual([true, 1]);
    },
    "tasks of a chain are left at the end of the program": async () => {
      chainOf(MANY);
      await turns(2);
    },
    "tasks that gather tasks are left at the end of the program": async () => {
      gathersOf(MANY);
      await turns(2);
    },
    "tasks that await what was chained on tasks are left": async () => {
      linkedBy((before) => before.finally(() => {}), MANY);
      await turns(2);
    },
    "tasks that await several tasks at once are left": async () => {
      linkedBy((before) => Promise.all([before, sleep(1e9)]), MANY);
      await turns(2);
    },
    "tasks that all gather the same tasks are left": async () => {
      const leaves = Array.from({ length: 50 }, () => createTask(() => sleep(1e9)));
      const all = gather(leaves);
      for (let i = 0; i < MANY; i++) createTask(async () => void (await all));
      await turns(2);
    },
    "tasks of a chain, all children of a group that fails": async () => {
      const group = taskGroup(async (children) => {
        let before: Task = children.createTask(() => sleep(1e9)) as Task;
        for (let i = 0; i < MANY; i++) {
          const awaited = before;
          before = children.createTask(async () => void (await awaited)) as Task;
        }
        await turns(2);
        throw new Error("enough");
      });
      expect(await failureOf(group)).toBeInstanceOf(ExceptionGroup);
    },
    "tasks of a chain, all awaited in one timeout": async () => {
      const tasks = linkedBy(async (before) => void (await before), MANY);
      const late = timeout(1, () => Promise.all(tasks));
      expect(await failureOf(late)).toBeInstanceOf(TimeoutError);
    },
    "tasks each of which has the signal of the one before": async () => {
      const first = createTask(() => sleep(1e9));
      let before: Task = first as Task;
      for (let i = 0; i < MANY; i++) before = createTask(() => sleep(1e9), { signal: before.signal }) as Task;
      await turns(2);
      first.cancel();
      expect(await failureOf(before)).toBeInstanceOf(CancelledError);
    },
    "waits on one shielded task are given up": async () => {
      const shared = createTask(() => new Event().wait());
      const waiting = Array.from({ length: MANY }, () =>
        createTask(() => moveOnAfter(1, () => shield(shared))),
      );
      await gather(waiting);
      expect(shared._callbackList().length).toBeLessThanOrEqual(1); // who tells of its failure
      shared.cancel();
    },
    "tasks of a chain are shown as text, those far down with their depth": async () => {
      const first = chainOf(MANY);
      await turns(2);
      expect(formatTaskTree().split("\n").at(-1)).toMatch(/^ {100}\[2999\] <Task/);
      expect(formatCallGraph(first).split("\n")).toHaveLength(2 * MANY - 1);
    },
  };

  it.each(Object.entries(works))("%s", async (_, work) => {
    const kinds: object[] = [];
    await virtual(async () => {
      const waiter = new Semaphore(0).acquire();
      const gathered = gather(sleep(1));
      const chained = gathered.finally(() => {});
      kinds.push(waiter, gathered, chained);
      await chained;
    });
    expect(await stepsOf(() => virtual(work), ...kinds)).toBeLessThan(FOR_EACH * MANY);
  });

  it("layers of tasks each of which gathers the whole layer below are cancelled once, and counted as often as the cancel comes", async () => {
    const [layers, width] = [40, 3];
    const counts: number[] = [];
    const steps = await stepsOf(() =>
      virtual(async () => {
        let layer: Task[] = Array.from({ length: width }, () => createTask(() => sleep(1e9)) as Task);
        const bottom = layer[0] as Task;
        for (let i = 1; i < layers; i++) {
          const below = layer;
          layer = below.map(() => createTask(() => gather(below)) as Task);
        }
        await turns(2);
        for (const top of layer) top.cancel();
        counts.push(bottom.cancelling());
        await gather(layer, { returnExceptions: true });
      }),
    );
    expect(counts).toEqual([width ** layers / width]);
    expect(steps).toBeLessThan(FOR_EACH * layers * width * width);
  });
});

type Below = (limit: number) => number;
const forever = () => sleep(1e9);

/** Sleeps, or awaits any other task. */
function awaiting(tasks: readonly Task[], i: number, below: Below): () => unknown {
  const other = below(30);
  return below(4) === 0 || other === i ? forever : () => tasks[other];
}

/** Sleeps, or awaits or gathers tasks that were made before. */
function gathering(tasks: readonly Task[], i: number, below: Below): () => unknown {
  const [one, other] = [below(30) % i, below(30) % i];
  const ways = [forever, () => tasks[one], () => gather(tasks[one] as Task, tasks[other] as Task, forever)];
  return i === 0 ? forever : (ways[below(3)] as () => unknown);
}

describe("the end of a program", () => {
  /**
   * Tasks that await others by chance, also in rings, or that gather some of those before; how often each is told that it
   * was cancelled.
   */
  async function cancelsOf(
    seed: number,
    gathers: boolean,
    cancelAll: boolean,
  ): Promise<Record<string, number>> {
    const below = random(seed);
    const counts: Record<string, number> = {};
    await virtual(async () => {
      const tasks: Task[] = [];
      for (let i = 0; i < 30; i++) {
        const wait = gathers ? gathering(tasks, i, below) : awaiting(tasks, i, below);
        const body = async () => {
          try {
            await wait();
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
      for (const gathers of [false, true])
        expect([seed, await cancelsOf(seed, gathers, false)]).toEqual([
          seed,
          await cancelsOf(seed, gathers, true),
        ]);
  });
});

describe("async_hooks", () => {
  it("are told of the end of each task, callback and context as of its begin", async () => {
    const alive = new Map<number, string>();
    const ours = new Set(["Task", "Handle", "Context", "threadloop"]);
    const begun = new Set<number>();
    let [seen, twice] = [0, 0];
    const hook = createHook({
      init: (id, type) => {
        if (!ours.has(type)) return;
        begun.add(id);
        alive.set(id, `${type} ${seen++}`);
      },
      destroy: (id) => {
        if (!alive.delete(id) && begun.has(id)) twice++;
      },
    }).enable();
    await run(async () => {
      const loop = getRunningLoop();
      for (let i = 0; i < 10; i++) await createTask(() => sleep(0));
      createTask(() => sleep(1)).cancel();
      loop.callSoon(() => {});
      loop.callLater(1000, () => {}).cancel();
      loop.callLater(1000, () => {}); // is dropped when the loop closes
      const once: { cancel(): void } = loop.callLater(1, () => once.cancel());
      createTask(() => sleep(0)).addDoneCallback(() => {});
      currentTask()
        ?.getContext()
        .run(() => {});
      await turns(3);
    });
    const unused = newEventLoop();
    unused.createTask(() => sleep(1));
    unused.callSoon(() => {});
    unused.setExceptionHandler(() => {});
    unused.close();
    await new Promise((resolve) => setImmediate(resolve)); // Node tells of ends a little later
    hook.disable();
    expect(seen).toBeGreaterThan(15);
    expect([[...alive.values()], twice]).toEqual([[], 0]);
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
