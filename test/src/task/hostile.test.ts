import {
  any,
  asCompleted,
  CancelledError,
  createTask,
  currentTask,
  type ExceptionContext,
  ExceptionGroup,
  Future,
  gather,
  getRunningLoop,
  isCancelled,
  race,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapPromise,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Hostile, plainHostiles, thenableHostiles } from "../../support/hostile.ts";
import { random } from "../../support/random.ts";

type Settled = { readonly value: unknown } | { readonly error: unknown };

async function settled(work: () => unknown): Promise<Settled> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** The same value, or two that were made in the same way. */
function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one === "symbol" && typeof other === "symbol") return one.description === other.description;
  const [a, b] = [one, other].map((value) => typeof value);
  if (a !== b || (a !== "object" && a !== "function")) return false;
  return kindOf(one) === kindOf(other);
}

function kindOf(value: unknown): string {
  try {
    return `${Object.prototype.toString.call(value)} ${(value as Error).message}`;
  } catch {
    return "hostile";
  }
}

function expectSame(got: Settled, wanted: Settled, what: string): void {
  const both = "value" in got === "value" in wanted;
  const equal =
    "value" in got
      ? same(got.value, (wanted as { value: unknown }).value)
      : same(got.error, (wanted as { error: unknown }).error);
  if (!both || !equal) expect.fail(`${what}: ${kindOfEnd(got)}, but a plain await: ${kindOfEnd(wanted)}`);
}

function kindOfEnd(end: Settled): string {
  return "value" in end ? `gives ${kindOf(end.value)}` : `throws ${kindOf(end.error)}`;
}

/** What one case is given: the value, thrown a moment later, and what is to be checked at the end. */
interface Place {
  readonly value: unknown;
  readonly throws: () => Promise<never>;
  /** How many reports the exception handler is to get. */
  expectReports(count: number | null): void;
}

type Case = (place: Place) => unknown;

const isCancel = (value: unknown) => isCancelled(value);

/** A failure of what is awaited is the failure of the wait, of whatever kind it is. */
const passesOn =
  (work: (throws: () => Promise<never>) => unknown): Case =>
  async ({ value, throws }) => {
    const got = await settled(() => work(throws));
    if (isCancel(value)) expect("error" in got && isCancel(got.error)).toBe(true);
    else expectSame(got, { error: value }, "the wait");
  };

const throwing: Readonly<Record<string, Case>> = {
  "a task that is awaited": passesOn((throws) => createTask(throws)),
  "a task that throws at once": async ({ value }) => {
    const task = createTask(() => {
      throw value;
    });
    await wait([task]);
    expect([task.done(), task.cancelled()]).toEqual([true, isCancel(value)]);
    await settled(() => task);
  },
  "a gather": passesOn((throws) =>
    gather(
      () => sleep(3),
      throws,
      () => sleep(1),
    ),
  ),
  "a gather that returns exceptions": async ({ value, throws }) => {
    const [first, second] = await gather([throws, () => sleep(2, "fine")], { returnExceptions: true });
    expect(isCancel(value) ? isCancel(first) : same(first, value)).toBe(true);
    expect(second).toBe("fine");
  },
  "a task group": async ({ value, throws }) => {
    const got = await settled(() =>
      taskGroup(async (group) => {
        group.createTask(throws);
        await sleep(10);
        return "the whole block";
      }),
    );
    if (isCancel(value)) expect(got).toEqual({ value: "the whole block" });
    else
      expectSame(
        { error: (got as { error: AggregateError }).error.errors[0] },
        { error: value },
        "the group",
      );
  },
  "the block of a task group": async ({ value, throws }) => {
    const got = await settled(() => taskGroup(throws));
    if (isCancel(value)) expect("error" in got && isCancel(got.error)).toBe(true);
    else
      expectSame(
        { error: (got as { error: AggregateError }).error.errors[0] },
        { error: value },
        "the group",
      );
  },
  "a shield": passesOn((throws) => shield(throws)),
  "a shield whose wait was cancelled": async ({ value, throws, expectReports }) => {
    const waiting = createTask(() => shield(throws));
    await sleep(0);
    waiting.cancel();
    await wait([waiting]);
    await sleep(5);
    expect(waiting.cancelled()).toBe(true);
    expectReports(isCancel(value) ? 0 : 1);
  },
  "a timeout": passesOn((throws) => timeout(100, throws)),
  "a waitFor": passesOn((throws) => waitFor(createTask(throws), 100)),
  "a race": passesOn((throws) => race([throws, () => sleep(50)])),
  "an any": async ({ throws }) => {
    expect(await any([throws, () => sleep(5, "fine")])).toBe("fine");
  },
  "a wait for the first exception": async ({ value, throws }) => {
    const tasks = [createTask(throws), createTask(() => sleep(50))];
    const { done } = await wait(tasks, { returnWhen: "FIRST_EXCEPTION" });
    expect(done.size).toBe(isCancel(value) ? 2 : 1);
    await settled(() => tasks[0]);
  },
  asCompleted: async ({ value, throws }) => {
    for await (const { future } of asCompleted([throws])) {
      const got = await settled(() => future);
      expect("error" in got && (isCancel(value) || same(got.error, value))).toBe(true);
    }
  },
  "a wrapped promise": passesOn((throws) => wrapPromise(throws())),
  "a future that fails": async ({ value }) => {
    const future = new Future();
    getRunningLoop().callSoon(() => future.setException(value));
    expect("error" in (await settled(() => future))).toBe(true);
  },
  "a task that nobody awaits": async ({ value, throws, expectReports }) => {
    createTask(throws);
    await sleep(5);
    expectReports(isCancel(value) ? 0 : 1);
  },
  "a callback": async ({ value, expectReports }) => {
    getRunningLoop().callSoon(() => {
      throw value;
    });
    await sleep(1);
    expectReports(1);
  },
  "a callback that goes on": async ({ throws, expectReports }) => {
    getRunningLoop().callLater(1, throws);
    await sleep(5);
    expectReports(1);
  },
  "a done callback": async ({ value, expectReports }) => {
    const task = createTask(() => sleep(1));
    task.addDoneCallback(() => {
      throw value;
    });
    await task;
    await sleep(1);
    expectReports(1);
  },
  "a function given to then by hand": async ({ value, expectReports }) => {
    const future = new Future();
    getRunningLoop().callSoon(() => {
      future.then(
        () => {
          throw value;
        },
        () => {},
      );
      future.setResult(1);
    });
    await sleep(5);
    expectReports(isCancel(value) ? 0 : 1);
  },
  "a signal's reason": async ({ value }) => {
    const controller = new AbortController();
    const task = createTask(() => sleep(100), { signal: controller.signal });
    await sleep(1);
    controller.abort(value);
    const got = await settled(() => task);
    expect("error" in got && isCancel(got.error)).toBe(true);
    if (value !== undefined && value !== null)
      expect(same((got as { error: CancelledError }).error.cause, value)).toBe(true);
  },
  "the cause of a cancel": async ({ value }) => {
    const task = createTask(() => sleep(100));
    await sleep(1);
    task.cancel("stop", value);
    const got = await settled(() => task);
    expect("error" in got && isCancel(got.error)).toBe(true);
  },
};

const returning: Readonly<Record<string, Case>> = {
  "a task": ({ value }) => settled(() => createTask(() => value)),
  "a task that returns it later": ({ value }) =>
    settled(() =>
      createTask(async () => {
        await sleep(1);
        return value;
      }),
    ),
  "a gather": ({ value }) =>
    settled(
      async () =>
        (
          await gather(
            () => value,
            () => sleep(1),
          )
        )[0],
    ),
  "a shield": ({ value }) => settled(() => shield(() => value)),
  "a group": ({ value }) => settled(() => taskGroup(() => value)),
  "a timeout": ({ value }) => settled(() => timeout(100, () => value)),
};

/** Runs a case beside a task that must get its turns, and checks that all is told as often as it should be. */
async function runCase(one: Case, value: unknown, what: string): Promise<unknown> {
  const reports: ExceptionContext[] = [];
  let wanted: number | null = 0;
  let ticks = 0;
  const end = await run(
    async () => {
      getRunningLoop().setExceptionHandler((_, context) => {
        reports.push(context);
      });
      createTask(async () => {
        for (; ticks < 5; ticks++) await sleep(0.1);
      });
      const throws = async () => {
        await sleep(1);
        throw value;
      };
      const got = await one({
        value,
        throws,
        expectReports: (count) => {
          wanted = count;
        },
      });
      await sleep(5);
      return got;
    },
    { clock: new VirtualClock() },
  );
  expect({ what, ticks }).toEqual({ what, ticks: 5 });
  if (wanted !== null && reports.length !== wanted)
    expect.fail(
      `${what}: ${reports.length} reports instead of ${wanted}: ${reports.map((report) => report.message)}`,
    );
  return end;
}

describe("a hostile message of a cancel", () => {
  it.each(plainHostiles.map(({ name, make }) => [name, make] as const))(
    "reaches the task all the same: %s",
    (_, make) =>
      run(
        async () => {
          const task = createTask(() => sleep(1000));
          const unstarted = createTask(() => sleep(1000));
          unstarted.cancel(make() as string);
          await sleep(1);
          task.cancel(make() as string, make());
          const future = new Future();
          future.cancel(make() as string);
          const ended = await Promise.allSettled([task, unstarted, future]);
          expect(ended.map((each) => (each as PromiseRejectedResult).reason)).toEqual(
            Array(3).fill(expect.any(CancelledError)),
          );
          for (const each of ended)
            expect(typeof (each as PromiseRejectedResult).reason.message).toBe("string");
        },
        { clock: new VirtualClock() },
      ),
  );
});

describe("a future of one's own that throws when it is cancelled", () => {
  class Stubborn extends Future<string> {
    override cancel(): boolean {
      throw new Error("not me");
    }
  }

  it.each<[string, (future: Stubborn) => PromiseLike<unknown>, string]>([
    ["a task that awaits it", (future) => cancelled(async () => await future), "CancelledError"],
    ["a task that gathers it", (future) => cancelled(() => gather(future, sleep(100))), "CancelledError"],
    [
      "a task behind a task",
      (future) => cancelled(() => createTask(async () => await future)),
      "CancelledError",
    ],
    [
      "a task that awaits it and more",
      (future) => cancelled(() => Promise.all([future, sleep(100)])),
      "CancelledError",
    ],
    ["a timeout", (future) => timeout(1, async () => await future), "TimeoutError"],
    [
      "a task that was cancelled before",
      (future) =>
        createTask(async () => {
          currentTask()?.cancel();
          await future;
        }),
      "CancelledError",
    ],
  ])("is told of, and the cancel comes when it is done: %s", (_, wait, name) =>
    run(
      async () => {
        const told: unknown[] = [];
        getRunningLoop().setExceptionHandler((_loop, { exception }) => void told.push(exception));
        const future = new Stubborn();
        getRunningLoop().callLater(10, () => future.setResult("late"));
        const end = await settled(() => wait(future));
        expect((end as { error: Error }).error.name).toBe(name);
        expect(String(told[0])).toBe("Error: not me");
      },
      { clock: new VirtualClock() },
    ),
  );

  async function cancelled(body: () => PromiseLike<unknown>): Promise<unknown> {
    const task = createTask(body);
    await sleep(1);
    task.cancel();
    return await task;
  }

  it("does not keep a program from its end", async () => {
    const stop = new Stubborn();
    setTimeout(() => stop.setResult("late"), 20);
    const main = async () => {
      getRunningLoop().setExceptionHandler(() => {});
      for (let i = 0; i < 3; i++) createTask(async () => await gather(stop, sleep(1000)));
      await sleep(1);
      return "done";
    };
    expect(await run(main)).toBe("done");
  });
});

describe("a hostile value", () => {
  for (const { name, make } of plainHostiles) {
    it(`that is thrown ends what threw it, and nothing else: ${name}`, async () => {
      for (const [place, one] of Object.entries(throwing))
        await runCase(one, make(), `${name} thrown by ${place}`);
    });
  }

  for (const { name, make } of [...plainHostiles, ...thenableHostiles]) {
    it(`that is returned gives what an async function gives that returns it: ${name}`, async () => {
      for (const [place, one] of Object.entries(returning)) {
        const got = (await runCase(one, make(), `${name} returned by ${place}`)) as Settled;
        expectSame(unwrapped(got), await settled(async () => make()), `${name} returned by ${place}`);
      }
    });
  }
});

/** What a group throws is what its block threw, in a group. */
function unwrapped(end: Settled): Settled {
  if (!("error" in end) || !isGroup(end.error)) return end;
  return { error: end.error.errors[0] };
}

function isGroup(error: unknown): error is ExceptionGroup {
  try {
    return error instanceof ExceptionGroup;
  } catch {
    return false;
  }
}

const COUNT = Number(process.env.HOSTILE ?? 1200);
/** Each version of Node meets others. */
const SEED = Number(process.env.SEED ?? Number.parseInt(process.versions.node, 10));
const AT_ONCE = 10;

afterEach(() => vi.restoreAllMocks());

describe(`${COUNT} hostile values at places by chance`, () => {
  it(`leave the program as it is (seed ${SEED})`, async () => {
    const below = random(SEED);
    const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
    const all: readonly Hostile[] = [...plainHostiles, ...thenableHostiles];
    const printed = vi.spyOn(console, "error");
    for (let left = COUNT; left > 0; left -= AT_ONCE) {
      printed.mockImplementation(below(2) === 0 ? () => {} : throwIt(pick(all)));
      vi.spyOn(process.stderr, "write").mockImplementation(below(4) === 0 ? throwIt(pick(all)) : () => true);
      let beside = 0;
      const work = Array.from({ length: AT_ONCE }, () => unleashing(pick(all), pick(places)));
      const main = async () => {
        const loop = getRunningLoop();
        loop.setExceptionHandler(
          pick([null, () => {}, throwIt(pick(all)), async () => throwIt(pick(all))()]),
        );
        createTask(async () => {
          for (; beside < 5; beside++) await sleep(0.5);
        });
        await gather(work, { returnExceptions: true });
        await sleep(10);
        return "main's result";
      };
      const result = await run(main, { clock: new VirtualClock() });
      expect([result, beside]).toEqual(["main's result", 5]);
    }
  });
});

type Unleash = (value: unknown, throws: () => Promise<never>) => unknown;

function throwIt({ make }: Hostile): () => never {
  return () => {
    throw make();
  };
}

/** Where a program may have such a value; what is returned is awaited. */
const places: readonly Unleash[] = [
  (value) => getRunningLoop().callSoon(() => value),
  (value) =>
    getRunningLoop().callLater(1, () => {
      throw value;
    }),
  (_, throws) => getRunningLoop().callSoon(throws),
  (value) => createTask(() => value),
  (_, throws) => createTask(throws),
  (_, throws) => createTask(() => sleep(1)).addDoneCallback(throws),
  (value) => new Future().setResult(value),
  (value) => new Future().setException(value),
  (value, throws) => gather(() => value, throws),
  (value, throws) => taskGroup((group) => [group.createTask(throws), group.createTask(() => value)].length),
  (_, throws) => shield(throws),
  (value) => shield(() => value),
  (_, throws) => timeout(5, throws),
  (_, throws) => any([throws, throws]),
  (value, throws) => race([throws, () => value]),
  (value, throws) => wait([createTask(throws), createTask(() => value)], { returnWhen: "FIRST_EXCEPTION" }),
  (value) => waitFor(() => value, 5),
  (value) => wrapPromise(Promise.reject(value)),
  (value) => createTask(() => sleep(50)).cancel("stop", value),
  (value) => {
    const future = new Future();
    future.then(
      () => {
        throw value;
      },
      () => {},
    );
    future.setResult(1);
  },
  (value) => {
    const controller = new AbortController();
    createTask(() => sleep(50), { signal: controller.signal });
    controller.abort(value);
  },
];

function unleashing({ make }: Hostile, place: Unleash): () => Promise<unknown> {
  return async () => {
    const value = make();
    const throws = async () => {
      await sleep(1);
      throw value;
    };
    return await place(value, throws);
  };
}
