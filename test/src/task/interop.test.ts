// These tests have tasks among native promises, other people's async contexts and Node's own loop.
import { AsyncLocalStorage } from "node:async_hooks";
import { readFile } from "node:fs/promises";
import {
  any,
  asCompleted,
  CancelledError,
  Condition,
  createTask,
  currentTask,
  DeadlockError,
  Event,
  Future,
  gather,
  getRunningLoop,
  Lock,
  newEventLoop,
  Queue,
  race,
  run,
  Semaphore,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wait,
  wrapPromise,
} from "threadloop";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runModule } from "../../support/programs.ts";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
function full(): Queue<number> {
  const queue = new Queue<number>(1);
  queue.putNowait(1);
  return queue;
}

function held<L extends Lock | Condition>(lock: L): L {
  void lock.acquire();
  return lock;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A turn of Node's own loop. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(async () => {
  await settled();
  process.removeListener("unhandledRejection", note);
  expect(unhandled).toEqual([]);
  vi.restoreAllMocks();
});

describe("a failure that nobody looks at", () => {
  it("is told to the exception handler once, at the latest when the loop is closed", async () => {
    const told: unknown[] = [];
    await virtual(async () => {
      getRunningLoop().setExceptionHandler((_, context) => told.push([context.message, context.exception]));
      createTask(async () => Promise.reject(boom));
      new Future().setException(boom);
      await sleep(1);
    });
    // In either order: one that was collected before the end is told earlier.
    expect(told.sort()).toEqual([
      [expect.stringMatching(/^Future exception was never retrieved/), boom],
      [expect.stringMatching(/^Task exception was never retrieved/), boom],
    ]);
  });

  it.each<[string, (fail: () => Promise<never>) => unknown]>([
    ["wait", (fail) => wait([createTask(fail)])],
    ["asCompleted", (fail) => asCompleted([fail]).next()],
    ["a shield that was cancelled", (fail) => shield(fail).cancel()],
    ["an AbortSignal", (fail) => void createTask(fail, { signal: new AbortController().signal })],
    ["a done callback", (fail) => createTask(fail).addDoneCallback(() => {})],
  ])("is told also when %s had to do with it, which does not look", async (_, meddle) => {
    const told: unknown[] = [];
    await virtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => told.push(context.exception));
      await meddle(async () => Promise.reject(boom));
      await turns(3);
    });
    expect(told).toEqual([boom]);
  });

  it.each<[string, (task: Task<unknown>) => unknown]>([
    ["an await", (task) => failureOf(task)],
    ["exception()", (task) => task.exception()],
    ["result()", (task) => failureOf(() => task.result())],
    ["a gather", (task) => failureOf(() => gather(task))],
  ])("is not told when %s looked at it", (_, look) => {
    const told: unknown[] = [];
    return virtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => told.push(context));
      const task = createTask(async () => Promise.reject(boom));
      await turns(2);
      await look(task);
    }).then(() => expect(told).toEqual([]));
  });
});

describe("cancelling a task", () => {
  it("that waits for several futures with Promise.all reaches them all and leaves no unhandled rejection", () =>
    virtual(async () => {
      const futures = [new Future(), new Future()];
      const task = createTask(() => Promise.all(futures));
      await turns(2);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      await turns(2);
      expect(futures.map((future) => future.cancelled())).toEqual([true, true]);
    }));

  it.each<[string, () => Promise<unknown>]>([
    ["Queue.get", () => new Queue<number>().get()],
    ["Queue.put", () => full().put(2)],
    ["Lock.acquire", () => held(new Lock()).acquire()],
    ["Semaphore.acquire", () => new Semaphore(0).acquire()],
    ["Event.wait", () => new Event().wait()],
    ["Condition.wait", () => held(new Condition()).wait()],
  ])("leaves no unhandled rejection of a %s that it began and did not come to await", (_, begin) =>
    virtual(async () => {
      const task = createTask(async () => {
        const later = begin();
        await sleep(100);
        return await later;
      });
      await turns(2);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
    }),
  );

  it("during two awaits at once serves both: neither is lost", () =>
    virtual(async () => {
      const queue = new Queue<number>();
      const task = createTask(async () => {
        const later = (async () => await queue.get())();
        await sleep(2);
        return await later;
      });
      await turns(1);
      queue.putNowait(5);
      expect(await task).toBe(5);
    }));

  it("inside an async generator runs the generator's cleanup and then leaves the loop over it", () =>
    virtual(async () => {
      const seen: unknown[] = [];
      async function* ticks() {
        try {
          for (let i = 0; ; i++) {
            await sleep(2);
            yield i;
          }
        } finally {
          await sleep(1);
          seen.push("cleaned up");
        }
      }
      const task = createTask(async () => {
        for await (const tick of ticks()) seen.push(tick);
      });
      await sleep(5);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual([0, 1, "cleaned up"]);
    }));
});

describe("a foreign promise", () => {
  it("leaves the current task what it was", () =>
    virtual(async () => {
      const task: Task<boolean> = createTask(async () => {
        await settled();
        return currentTask() === task;
      });
      expect(await task).toBe(true);
    }));

  it("settled in the step of another task does not make its waiter that task", () =>
    run(async () => {
      const { promise, resolve } = deferred();
      const seen: string[] = [];
      const say = (what: string) => seen.push(`${currentTask()?.name} ${what}`);
      const waiting = createTask(
        async () => {
          await promise;
          say("goes on");
          await sleep(1);
          say("slept");
        },
        { name: "waiter" },
      );
      const resolving = createTask(
        async () => {
          await sleep(1);
          resolve();
          say("resolved it");
          await sleep(2);
          say("slept");
        },
        { name: "resolver" },
      );
      for (const task of [waiting, resolving]) await task;
      expect(seen.sort()).toEqual([
        "resolver resolved it",
        "resolver slept",
        "waiter goes on",
        "waiter slept",
      ]);
    }));

  it("does not hold up the other tasks", () =>
    run(async () => {
      const foreign = createTask(
        async () => await new Promise<string>((resolve) => setTimeout(resolve, 20, "foreign")),
      );
      let steps = 0;
      while (!foreign.done()) {
        await sleep(1);
        steps += 1;
      }
      expect([foreign.result(), steps > 1]).toEqual(["foreign", true]);
    }));

  it("does not hold them up either behind a task that waits for several things at once", () =>
    run(async () => {
      const { promise, resolve } = deferred();
      const tasks: Task<unknown>[] = [
        createTask(() => Promise.all([sleep(0), sleep(0)])),
        createTask(() => sleep(0).then(() => promise)),
        createTask(async () => {
          await sleep(0);
          await promise;
        }),
        createTask(async () => {
          await sleep(0);
          resolve();
        }),
      ];
      for (const task of tasks) await task;
    }));

  it("cannot be interrupted: a cancel is delivered at the next await of ours", () =>
    virtual(async () => {
      const { promise, resolve } = deferred();
      const seen: string[] = [];
      const task = createTask(async () => {
        await promise;
        seen.push("went on");
        await sleep(0);
        seen.push("not reached");
      });
      await turns(2);
      task.cancel();
      await turns(2);
      expect(task.done()).toBe(false);
      resolve();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual(["went on"]);
    }));

  it("that is wrapped can be interrupted at once", () =>
    virtual(async () => {
      const task = createTask(async () => await wrapPromise(new Promise(() => {})));
      await turns(2);
      task.cancel();
      await turns(2);
      expect(task.cancelled()).toBe(true);
    }));

  it("is all that wrapPromise takes", () =>
    run(async () => {
      // @ts-expect-error a number is none
      expect(() => wrapPromise(5)).toThrow("Expected `promise` to be a promise, got `5` (number)");
    }));

  it("that is wrapped gives its result and its error, and one that comes too late is dropped", () =>
    virtual(async () => {
      expect(await wrapPromise(Promise.resolve(1))).toBe(1);
      expect(await failureOf(() => wrapPromise(Promise.reject(boom)))).toBe(boom);
      const { promise, resolve } = deferred();
      const late = wrapPromise(promise);
      late.cancel();
      resolve();
      await settled();
      expect(late.cancelled()).toBe(true);
    }));
});

describe("the language awaits what an async function returns", () => {
  it("so a returned task gives its result, and one in a box is itself", () =>
    virtual(async () => {
      const child = async () => 42;
      expect(await (async () => createTask(child))()).toBe(42);
      const [task] = await (async () => [createTask(child)])();
      expect(await task).toBe(42);
      await taskGroup(async (group) => {
        const { task: started } = await group.start(child);
        expect(started.name).toMatch(/^Task-/);
      });
    }));

  it("and an async generator that yields a task, and a queue that holds one, give its result", () =>
    virtual(async () => {
      async function* tasks() {
        yield createTask(async () => "yielded");
      }
      for await (const value of tasks()) expect(value).toBe("yielded");
      const queue = new Queue<unknown>();
      queue.putNowait(createTask(async () => "queued"));
      expect(await queue.get()).toBe("queued");
    }));
});

describe("then, called by hand", () => {
  it("runs nobody else's code inside the call", () =>
    virtual(async () => {
      const seen: string[] = [];
      createTask(async () => seen.push("another task"));
      const future = new Future<number>();
      seen.push("before");
      future.then(
        () => seen.push("settled"),
        () => {},
      );
      seen.push("after");
      future.setResult(1);
      await sleep(1);
      expect(seen.slice(0, 2)).toEqual(["before", "after"]);
      expect(seen).toContain("settled");
    }));
});

describe("race", () => {
  it("gives the first result, and neither hangs on the losers nor leaves them running", () =>
    virtual(async () => {
      const slow = createTask(() => sleep(20, "slow"));
      expect(await race([slow, () => sleep(3, "fast")])).toBe("fast");
      expect(slow.cancelled()).toBe(true);
      const bystander = new Future();
      createTask(async () => await bystander);
      currentTask()!.cancel();
      await failureOf(sleep(1));
      currentTask()!.uncancel();
      expect(bystander.done()).toBe(false);
    }));

  it("throws the first error", () =>
    virtual(async () => {
      expect(await failureOf(() => race([() => sleep(20), async () => Promise.reject(boom)]))).toBe(boom);
    }));
});

describe("any", () => {
  it("gives the first success, and all errors when there is none", () =>
    virtual(async () => {
      expect(await any([async () => Promise.reject(boom), () => sleep(3, "late success")])).toBe(
        "late success",
      );
      const error = await failureOf(() =>
        any([async () => Promise.reject(boom), async () => Promise.reject(boom)]),
      );
      expect((error as AggregateError).errors).toEqual([boom, boom]);
    }));
});

describe("a stack trace", () => {
  const functionsOf = (error: unknown) =>
    [...String((error as Error).stack).matchAll(/^\s+at (?:async )?(?:new )?([\w.<>]+) /gm)].map(
      (match) => match[1]!,
    );

  it("names the async functions that were waiting, also through timeout and taskGroup", () =>
    virtual(async () => {
      async function work() {
        await sleep(1);
        throw new Error("deep down");
      }
      async function middle() {
        await work();
      }
      async function caller() {
        await timeout(1000, async () => await middle());
      }
      const names = functionsOf(await failureOf(caller));
      expect(names.filter((name) => ["work", "middle", "caller"].includes(name))).toEqual([
        "work",
        "middle",
        "caller",
      ]);
    }));
});

describe("an AsyncLocalStorage of the application", () => {
  it("is inherited by a task from its creator and stays out of other callbacks", () =>
    virtual(async () => {
      const request = new AsyncLocalStorage<string>();
      const seen = new Set<unknown>();
      const probe = (left: number) => {
        seen.add(request.getStore());
        if (left > 0) getRunningLoop().callSoon(probe, left - 1);
      };
      getRunningLoop().callSoon(probe, 500);
      const busy = request.run("one", () => createTask(() => turns(500)));
      const child = await request.run("two", async () => {
        const task = createTask(async () => {
          await sleep(1);
          return request.getStore();
        });
        return [task];
      });
      await busy;
      expect([[...seen], await child[0], request.getStore()]).toEqual([[undefined], "two", undefined]);
    }));

  it("is in a callback what it was where the callback was scheduled", () =>
    virtual(async () => {
      const request = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const loop = getRunningLoop();
      const future = new Future<void>();
      request.run("one", () => {
        loop.callSoon(() => seen.push(request.getStore()));
        loop.callLater(1, () => seen.push(request.getStore()));
        future.addDoneCallback(() => seen.push(request.getStore()));
      });
      future.setResult();
      await sleep(2);
      expect(seen).toEqual(["one", "one", "one"]);
    }));
});

describe("Node's own loop", () => {
  it("has its turn while tasks spin: a file is read", () =>
    run(async () => {
      const reading = wrapPromise(readFile(new URL(import.meta.url), "utf8"));
      const spin = async () => {
        while (!reading.done()) await sleep(0);
      };
      const tasks = Array.from({ length: 20 }, () => createTask(spin));
      expect(await reading).toContain("spin");
      for (const task of tasks) await task;
    }));

  it("has its turn while callbacks schedule callbacks for ever", () =>
    run(async () => {
      const loop = getRunningLoop();
      let turned = false;
      const spin = () => void (turned || loop.callSoon(spin));
      loop.callSoon(spin);
      setImmediate(() => {
        turned = true;
      });
      while (!turned) await sleep(0);
    }));

  it("wakes a loop that has nothing to do but a task on a foreign promise", () =>
    run(async () => {
      await settled();
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(currentTask()).not.toBe(null);
    }));
});

describe("a test runner's fake timers", () => {
  it("do not stop the loop", async () => {
    vi.useFakeTimers();
    try {
      expect(await run(() => sleep(2, "slept"))).toBe("slept");
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a loop that has ended", () => {
  it("is not entered again by a task that was left on a foreign promise, and the next loop is not disturbed", async () => {
    const { promise, resolve } = deferred();
    const first = newEventLoop();
    const left = first.createTask(async () => {
      await promise;
      await sleep(0);
      return "too late";
    });
    first.callLater(1, () => first.stop());
    await first.runForever();
    const answer = await run(async () => {
      resolve();
      await sleep(2);
      return await gather(
        async () => "next",
        () => sleep(1, "loop"),
      );
    });
    expect([answer, left.done()]).toEqual([["next", "loop"], false]);
    first.close();
  });
});

describe("a deadlock", () => {
  it("on virtual time is an error that names the tasks and what they wait on", async () => {
    const error = await failureOf(() =>
      virtual(async () => {
        createTask(async () => await new Future(), { name: "philosopher" });
        await new Future();
      }),
    );
    expect(error).toBeInstanceOf(DeadlockError);
    expect((error as Error).message).toMatch(/philosopher.*waits on.*Future/);
  });

  it("on real time does not end the process without a word", async () => {
    const { exitCode, stderr } = await runModule(`
      import { Future, createTask, run } from "threadloop";
      await run(async () => {
        createTask(async () => await new Future(), { name: "philosopher" });
        await new Future();
      });
    `);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/DeadlockError[\s\S]*philosopher/);
  });
});

describe("an error thrown in a microtask of the application", () => {
  it("is an uncaught exception, as always, and the loop goes on if the process does", async () => {
    const { exitCode, stdout } = await runModule(`
      import { run, sleep } from "threadloop";
      process.on("uncaughtException", (error) => console.log("caught", error.message));
      await run(async () => {
        queueMicrotask(() => { throw new Error("in a microtask"); });
        await sleep(2);
        console.log("went on");
      });
    `);
    expect([exitCode, stdout.trim().split("\n")]).toEqual([0, ["caught in a microtask", "went on"]]);
  });
});
