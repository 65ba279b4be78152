// In these tests a task does several things at once: they say whose wait a cancel may end.
import {
  asCompleted,
  Barrier,
  CancelledError,
  Condition,
  copyContext,
  createTask,
  currentTask,
  Event,
  ExceptionGroup,
  Future,
  gather,
  getRunningLoop,
  Lock,
  moveOnAfter,
  Queue,
  RuntimeError,
  race,
  run,
  Semaphore,
  StreamReader,
  shield,
  sleep,
  type Task,
  type TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
const failing = (delay: number) => async () => {
  await sleep(delay);
  throw boom;
};
function failNow(): never {
  throw boom;
}

/** How each promise ended: its value, or the name of its error. */
async function ends(...promises: PromiseLike<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((each) => (each.status === "fulfilled" ? each.value : (each.reason as Error).name));
}

describe("A deadline", () => {
  it.each([
    ["timeout", (delay: number, body: () => PromiseLike<unknown>) => timeout(delay, body)],
    ["timeoutAt", (delay: number, body: () => PromiseLike<unknown>) => timeoutAt(now() + delay, body)],
    ["waitFor of a function", (delay: number, body: () => PromiseLike<unknown>) => waitFor(body, delay)],
    [
      "waitFor of a task",
      (delay: number, body: () => PromiseLike<unknown>) => waitFor(createTask(body), delay),
    ],
  ])("of %s ends what is waited for in its block, and not what a neighbour waits for", (_, limit) =>
    virtual(async () => {
      const slow = limit(10, () => sleep(1000));
      const quick = limit(500, () => sleep(100, "quick"));
      expect([await ends(slow, quick), now()]).toEqual([["TimeoutError", "quick"], 100]);
    }),
  );

  it("of moveOnAfter lets a neighbour go on, whichever of the two began first", () =>
    virtual(async () => {
      const first = await Promise.all([
        moveOnAfter(10, () => sleep(1000)),
        moveOnAfter(500, () => sleep(100, "b")),
      ]);
      const second = await Promise.all([
        moveOnAfter(500, () => sleep(100, "a")),
        moveOnAfter(10, () => sleep(1000)),
      ]);
      expect([first, second, currentTask()!.cancelling()]).toEqual([[undefined, "b"], ["a", undefined], 0]);
    }));

  it("leaves alone what was begun before its block and is awaited after it", () =>
    virtual(async () => {
      const tasks = [createTask(() => sleep(50, "a")), createTask(() => sleep(60, "b"))];
      const both = Promise.all(tasks);
      expect(await failureOf(timeout(10, () => sleep(1000)))).toBeInstanceOf(TimeoutError);
      expect(await both).toEqual(["a", "b"]);
    }));

  it("leaves alone a call that nobody awaits and that was begun outside its block", () =>
    virtual(async () => {
      let beats = 0;
      void (async () => {
        for (;;) {
          await sleep(5);
          beats++;
        }
      })();
      expect(await moveOnAfter(20, () => sleep(1000))).toBe(undefined);
      await sleep(21);
      expect(beats).toBe(8);
    }));

  it("ends a call that nobody awaits and that was begun inside its block", () =>
    virtual(async () => {
      let ended: unknown;
      await moveOnAfter(20, async () => {
        void failureOf(sleep(1000)).then((error) => {
          ended = error;
        });
        await sleep(1000);
      });
      expect([ended, now()]).toEqual([expect.any(CancelledError), 20]);
    }));

  it("does not end a call that was begun inside its block, once the block has ended well", () =>
    virtual(async () => {
      let beats = 0;
      await timeout(20, async () => {
        void (async () => {
          for (;;) {
            await sleep(5);
            beats++;
          }
        })();
        await sleep(11);
      });
      await sleep(30);
      expect(beats).toBe(8);
    }));

  it("reaches a wait of ours that is made after its block awaited a foreign promise, not a neighbour's", () =>
    virtual(async () => {
      const release = new Future();
      const foreign = release.toPromise();
      getRunningLoop().callLater(50, () => release.setResult(null));
      const limited = timeout(10, async () => {
        await foreign;
        await sleep(1000);
      });
      expect(await ends(limited, sleep(100, "neighbour"))).toEqual(["TimeoutError", "neighbour"]);
      expect(now()).toBe(100);
    }));

  it("that nothing in its block could be told of is gone when the block ends", () =>
    virtual(async () => {
      const release = new Future();
      getRunningLoop().callLater(50, () => release.setResult("late"));
      expect(await timeout(10, () => Promise.resolve(release.toPromise()))).toBe("late");
      expect([currentTask()!.cancelling(), await sleep(5, "free")]).toEqual([0, "free"]);
    }));

  it("that passes at the same time as a neighbour's is a TimeoutError in both", () =>
    virtual(async () => {
      const both = ends(
        timeout(10, () => sleep(1000)),
        timeout(10, () => sleep(1000)),
      );
      expect(await both).toEqual(["TimeoutError", "TimeoutError"]);
    }));
});

describe("A group", () => {
  it("whose child fails ends its own block and children, not those of a group beside it", () =>
    virtual(async () => {
      const bad = taskGroup(async (group) => {
        group.createTask(failing(5));
        await sleep(1000);
      });
      const good = taskGroup(async (group) => {
        const child = group.createTask(() => sleep(20, "child"));
        await sleep(30);
        return await child;
      });
      expect([await ends(bad, good), now()]).toEqual([["ExceptionGroup", "child"], 30]);
    }));

  it("that is cancelled ends its own block and children, not those of a group beside it", () =>
    virtual(async () => {
      const cancelled = taskGroup(async (group) => {
        group.createTask(() => sleep(1000));
        getRunningLoop().callLater(5, () => group.cancel());
        await sleep(1000);
      });
      const beside = taskGroup(async (group) => await group.createTask(() => sleep(20, "child")));
      expect([await ends(cancelled, beside), now()]).toEqual([[undefined, "child"], 20]);
    }));

  it("counts its wait for the children as its block", () =>
    virtual(async () => {
      const bad = taskGroup((group) => void group.createTask(failing(5)));
      const good = taskGroup((group) => void group.createTask(() => sleep(20)));
      expect(await ends(bad, good, sleep(10, "bare"))).toEqual(["ExceptionGroup", undefined, "bare"]);
    }));

  it("with errors that is cancelled as well throws the errors, and leaves the cancel to what is around it", () =>
    virtual(async () => {
      const task = createTask(async () => {
        const error = await failureOf(
          taskGroup(async (group) => {
            group.createTask(async () => {
              try {
                await sleep(1000);
              } finally {
                failNow();
              }
            });
            await sleep(1000);
          }),
        );
        expect(error).toBeInstanceOf(ExceptionGroup);
        return await failureOf(sleep(1000));
      });
      await sleep(1);
      task.cancel();
      expect(await task).toBeInstanceOf(CancelledError);
      expect(now()).toBe(1);
    }));

  it.each([
    ["a task", (body: () => Promise<unknown>) => body()],
    ["a block", (body: () => Promise<unknown>) => timeout(100_000, body)],
  ])("with errors that is cancelled as well does not have a neighbour in %s told twice", (_, inside) =>
    virtual(async () => {
      const task = createTask(() =>
        inside(async () => {
          const group = taskGroup(async (group) => {
            group.createTask(() => sleep(1000).catch(failNow));
            await sleep(1000);
          });
          const neighbour = async () => {
            await failureOf(sleep(1000));
            await sleep(10);
            return await sleep(10, "cleaned up");
          };
          const own = async () => {
            const error = await failureOf(group);
            return [(error as Error).name, await sleep(5, "goes on")];
          };
          return await ends(own(), neighbour());
        }),
      );
      await sleep(1);
      task.cancel();
      expect([await task, now()]).toEqual([[["ExceptionGroup", "goes on"], "cleaned up"], 21]);
      expect(task.cancelling()).toBe(1);
    }),
  );

  it("with errors that is cancelled as well leaves the cancel to a flow that waits next, once no neighbour does", () =>
    virtual(async () => {
      const task = createTask(async () => {
        const group = taskGroup(async (group) => {
          group.createTask(async () => {
            await failureOf(sleep(1000));
            await sleep(10);
            failNow();
          });
          await sleep(1000);
        });
        const before = await ends(group, sleep(1000));
        return [before, ...(await ends(sleep(1000, "first"), sleep(1000, "second")))];
      });
      await sleep(1);
      task.cancel();
      const before = ["ExceptionGroup", "CancelledError"];
      expect(await task).toEqual([before, "CancelledError", "second"]);
    }));
});

describe("A cancel of a task", () => {
  it("ends all its waits, in every block", () =>
    virtual(async () => {
      let ended: unknown[] = [];
      const task = createTask(async () => {
        ended = await ends(
          timeout(500, () => sleep(1000)),
          sleep(1000),
          taskGroup((group) => void group.createTask(() => sleep(1000))),
        );
      });
      await sleep(1);
      task.cancel();
      await task;
      expect([ended, now()]).toEqual([["CancelledError", "CancelledError", "CancelledError"], 1]);
    }));

  it("is counted in every block, a deadline in its own", () =>
    virtual(async () => {
      const task = currentTask()!;
      const counts: [string, number][] = [];
      const count = (name: string) => counts.push([name, task.cancelling()]);
      await ends(
        timeout(5, async () => {
          await failureOf(sleep(1000));
          count("expired");
          await sleep(1);
          count("expired, after a wait");
        }),
        timeout(500, async () => {
          await sleep(6);
          count("beside");
        }),
      );
      count("after");
      expect(counts).toEqual([
        ["expired", 1],
        ["beside", 0],
        ["expired, after a wait", 1],
        ["after", 0],
      ]);
    }));
});

describe("The signal of a task", () => {
  it("asked for in a block is aborted by the block's deadline, not by a neighbour's", () =>
    virtual(async () => {
      const signals: AbortSignal[] = [currentTask()!.signal];
      const limited = (delay: number) => () => {
        signals.push(currentTask()!.signal);
        return sleep(delay);
      };
      await ends(timeout(5, limited(1000)), timeout(500, limited(20)));
      expect(signals.map((signal) => signal.aborted)).toEqual([false, true, false]);
      expect(signals[1]!.reason).toBeInstanceOf(CancelledError);
    }));

  it("asked for in a block is aborted by a block around it, and by a cancel of the task", () =>
    virtual(async () => {
      const signals: AbortSignal[] = [];
      const inner = async () => {
        signals.push(currentTask()!.signal);
        await sleep(1000);
      };
      await ends(timeout(5, () => timeout(500, inner)));
      const task = createTask(() => ends(timeout(500, inner)));
      await sleep(1);
      task.cancel();
      await task;
      expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    }));
});

describe("Where the task is done", () => {
  it("a block still has its deadline, though nobody is the current task", () =>
    virtual(async () => {
      const begin = new Future();
      let outcome: Promise<unknown> | null = null;
      await createTask(async () => {
        outcome = begin.toPromise().then(() => [currentTask(), ends(timeout(10, () => sleep(80)))]);
      });
      begin.setResult(null);
      const [task, ended] = (await outcome!) as [unknown, Promise<unknown[]>];
      expect([task, await ended, now()]).toEqual([null, ["TimeoutError"], 10]);
    }));

  it("a group still waits for its children, and cancels them", () =>
    virtual(async () => {
      const begin = new Future();
      let outcome: Promise<unknown> | null = null;
      await createTask(async () => {
        const group = (group: TaskGroup) => {
          group.createTask(failing(5));
          return group.createTask(() => sleep(1000));
        };
        outcome = begin.toPromise().then(() => ends(taskGroup(group)));
      });
      begin.setResult(null);
      expect([await outcome, now()]).toEqual([["ExceptionGroup"], 5]);
    }));
});

describe("In a callback of the loop", () => {
  it("there is no task, and so no block", () =>
    run(async () => {
      const errors: unknown[] = [];
      getRunningLoop().callSoon(async () => {
        errors.push(
          await failureOf(() => timeout(10, () => sleep(1))),
          await failureOf(() => taskGroup(() => {})),
        );
      });
      await turns(5);
      expect(errors).toEqual([expect.any(RuntimeError), expect.any(RuntimeError)]);
    }));
});

/** For each kind of wait two of the same: how a flow waits, and what lets one who waits go. */
const waits: [string, () => { wait: () => PromiseLike<unknown>; letGo: () => unknown }][] = [
  [
    "Lock.acquire",
    () => {
      const lock = new Lock();
      void lock.acquire();
      return { wait: () => lock.acquire().then(() => "gone on"), letGo: () => lock.release() };
    },
  ],
  [
    "Semaphore.acquire",
    () => {
      const semaphore = new Semaphore(0);
      return { wait: () => semaphore.acquire().then(() => "gone on"), letGo: () => semaphore.release() };
    },
  ],
  [
    "Event.wait",
    () => {
      const event = new Event();
      return { wait: () => event.wait().then(() => "gone on"), letGo: () => event.set() };
    },
  ],
  [
    "Condition.wait",
    () => {
      const condition = new Condition();
      const wait = () => condition.with(() => condition.wait().then(() => "gone on"));
      return { wait, letGo: () => condition.with(() => condition.notify()) };
    },
  ],
  [
    "Barrier.wait",
    () => {
      const barrier = new Barrier(4);
      const wait = () => barrier.wait().then(() => "gone on");
      return { wait, letGo: () => Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]) };
    },
  ],
  [
    "Queue.get",
    () => {
      const queue = new Queue<string>();
      return { wait: () => queue.get(), letGo: () => queue.putNowait("gone on") };
    },
  ],
  [
    "Queue.put",
    () => {
      const queue = new Queue<string>(1);
      queue.putNowait("full");
      return { wait: () => queue.put("gone on").then(() => "gone on"), letGo: () => queue.getNowait() };
    },
  ],
  [
    "a read",
    () => {
      const readers: StreamReader[] = []; // one can read at a time
      const wait = async () => {
        const reader = new StreamReader();
        readers.push(reader);
        return String(await reader.readLine()).trim();
      };
      return { wait, letGo: () => readers.map((reader) => reader.feedData(Buffer.from("gone on\n"))) };
    },
  ],
  [
    "a step of an async generator",
    () => {
      const event = new Event();
      async function* steps() {
        await event.wait();
        yield "gone on";
      }
      return { wait: async () => (await steps().next()).value, letGo: () => event.set() };
    },
  ],
  [
    "gather",
    () => {
      const event = new Event();
      const wait = () =>
        gather(
          () => event.wait(),
          () => event.wait(),
        ).then(() => "gone on");
      return { wait, letGo: () => event.set() };
    },
  ],
  [
    "race",
    () => {
      const event = new Event();
      const wait = () => race([() => event.wait(), () => event.wait()]).then(() => "gone on");
      return { wait, letGo: () => event.set() };
    },
  ],
  [
    "a task",
    () => {
      const event = new Event();
      return { wait: () => createTask(() => event.wait().then(() => "gone on")), letGo: () => event.set() };
    },
  ],
  [
    "shield",
    () => {
      const event = new Event();
      const task = createTask(() => event.wait().then(() => "gone on"));
      return { wait: () => shield(task), letGo: () => event.set() };
    },
  ],
  [
    "asCompleted",
    () => {
      const event = new Event();
      const wait = async () => {
        for await (const { future } of asCompleted([createTask(() => event.wait())]))
          return (await future) && "gone on";
        return null;
      };
      return { wait, letGo: () => event.set() };
    },
  ],
  [
    "Context.run",
    () => {
      const event = new Event();
      const wait = () => copyContext().run(async () => (await event.wait()) && "gone on");
      return { wait, letGo: () => event.set() };
    },
  ],
];

describe("A wait of two flows of a task", () => {
  it.each(waits)(
    "(%s) is ended in the one whose deadline passes, and nothing is lost for the other",
    (_, make) =>
      virtual(async () => {
        const { wait, letGo } = make();
        const flows = ends(timeout(10, wait), timeout(1e9, wait), moveOnAfter(12, wait));
        await sleep(20);
        await letGo();
        expect([await flows, now(), currentTask()!.cancelling()]).toEqual([
          ["TimeoutError", "gone on", undefined],
          20,
          0,
        ]);
      }),
  );

  it.each(waits)("(%s) is ended in both by a cancel of the task", (_, make) =>
    virtual(async () => {
      const { wait } = make();
      const task = createTask(() => ends(wait(), timeout(1e9, wait)));
      await sleep(10);
      task.cancel();
      expect([await task, now()]).toEqual([["CancelledError", "CancelledError"], 10]);
    }),
  );

  it("of a generator that two flows step belongs to the one whose step it is", () =>
    virtual(async () => {
      const gate = new Event();
      async function* steps() {
        for (let i = 0; ; i++) {
          if (i === 1) await gate.wait();
          yield i;
        }
      }
      const source = steps();
      await source.next();
      const step = timeout(10, () => source.next());
      const beside = timeout(1e9, () => sleep(20, "beside"));
      expect(await ends(step, beside)).toEqual(["TimeoutError", "beside"]);
    }));

  it("that is woken and has not run when its deadline passes gives up what it was woken for", () =>
    virtual(async () => {
      const queue = new Queue<string>();
      const timed = timeout(10, () => queue.get());
      getRunningLoop().callAt(now() + 10, () => queue.putNowait("item"));
      const [first] = await ends(timed, sleep(15));
      expect(first === "TimeoutError" ? [queue.getNowait()] : [first]).toEqual(["item"]);
    }));
});

describe("A block", () => {
  it("in a block is ended with it, and its own deadline does not end what is around it", () =>
    virtual(async () => {
      const log: unknown[] = [];
      const outer = timeout(30, async () => {
        log.push(
          await ends(
            timeout(10, () => sleep(1000)),
            timeout(1000, () => sleep(20, "inner")),
          ),
          now(),
        );
        await sleep(1000);
      });
      expect([await ends(outer, sleep(50, "beside")), log, now()]).toEqual([
        ["TimeoutError", "beside"],
        [["TimeoutError", "inner"], 20],
        50,
      ]);
    }));

  it("has a cancel counted once, whichever flow it is asked in", () =>
    virtual(async () => {
      const counts: number[] = [];
      const count = () => counts.push(currentTask()!.cancelling());
      const task = createTask(async () => {
        await ends(
          timeout(1000, async () => {
            await failureOf(sleep(1000));
            count();
          }),
          failureOf(sleep(1000)).then(count),
        );
        count();
        return currentTask()!.uncancel();
      });
      await sleep(1);
      task.cancel();
      expect([await task, counts]).toEqual([0, [1, 1, 1]]);
    }));

  it("takes its own cancel back with uncancel, and not a neighbour's or one from outside", () =>
    virtual(async () => {
      const task = createTask(async () => {
        const swallowing = timeout(10, async () => {
          await failureOf(sleep(1000));
          expect(currentTask()!.uncancel()).toBe(0);
          return await sleep(20, "went on");
        });
        return await ends(
          swallowing,
          timeout(10, () => sleep(1000)),
          failureOf(sleep(1000)),
        );
      });
      await sleep(20);
      expect(task.cancelling()).toBe(0);
      await sleep(20);
      task.cancel();
      expect(await task).toEqual(["went on", "TimeoutError", expect.any(CancelledError)]);
    }));

  it("of a task that is cancelled as its deadline passes lets the cancel out", () =>
    virtual(async () => {
      const task = createTask(() => timeout(10, () => sleep(1000)));
      getRunningLoop().callAt(now() + 10, () => task.cancel("from outside"));
      const error = await failureOf(task);
      expect([error, (error as Error).message]).toEqual([expect.any(CancelledError), "from outside"]);
    }));

  it("whose body throws at once, or is no function, rejects as it did", () =>
    virtual(async () => {
      const throwing = () => {
        throw boom;
      };
      expect(await failureOf(timeout(10, throwing))).toBe(boom);
      expect(await failureOf(taskGroup(throwing))).toBeInstanceOf(ExceptionGroup);
      expect(await failureOf(timeout(10, null as never))).toBeInstanceOf(TypeError);
      expect(await failureOf(taskGroup(Promise.resolve() as never))).toBeInstanceOf(TypeError);
    }));

  it("has the deadline break a ring of tasks that wait for each other", () =>
    virtual(async () => {
      const tasks: Record<string, Task<unknown>> = {};
      tasks.a = createTask(() => ends(timeout(10, async () => await tasks.b)));
      tasks.b = createTask(async () => await tasks.a);
      await sleep(20);
      expect([tasks.a.done() && tasks.a.result(), tasks.b.cancelled()]).toEqual([["TimeoutError"], true]);
    }));

  it("that is over has what it left behind ended by the block around it", () =>
    virtual(async () => {
      let ended: unknown;
      await moveOnAfter(50, async () => {
        await timeout(10, async () => {
          void failureOf(sleep(1000)).then((error) => {
            ended = error;
          });
        });
        await sleep(1000);
      });
      expect([ended, now()]).toEqual([expect.any(CancelledError), 50]);
    }));

  it("with many flows is ended in time that grows with them, and every one is told", () =>
    virtual(async () => {
      const count = 5_000;
      const flows = Array.from({ length: count }, (_, i) => moveOnAfter(10 + i / count, () => sleep(1e9)));
      expect(await timeout(1e9, () => Promise.all(flows))).toHaveLength(count);
      expect(currentTask()!.cancelling()).toBe(0);
    }));
});
