import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  moveOnAfter,
  RuntimeError,
  sleep,
  Timeout,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");

/** Runs the body in a timeout, and says how it ended and what the timeout says of itself. */
async function outcome(delay: number | null, body: (scope: Timeout) => PromiseLike<unknown>) {
  const scope = new Timeout(delay === null ? null : now() + delay);
  const task = currentTask()!;
  let ended: unknown;
  try {
    ended = await scope.run(body);
  } catch (error) {
    ended = error;
  }
  return { ended, expired: scope.expired(), when: scope.when(), at: now(), cancelling: task.cancelling() };
}

describe("timeout", () => {
  it("stops the body with a CancelledError and throws a TimeoutError that it causes", () =>
    virtual(async () => {
      let inside: unknown;
      const { ended, ...rest } = await outcome(5, async () => {
        inside = await failureOf(sleep(100));
        throw inside;
      });
      expect(inside).toBeInstanceOf(CancelledError);
      expect(ended).toBeInstanceOf(TimeoutError);
      expect((ended as Error).cause).toBe(inside);
      expect(rest).toEqual({ expired: true, when: 5, at: 5, cancelling: 0 });
    }));

  it("gives the result of a body that ends in time, and its timer is gone", () =>
    virtual(async () => {
      const result = await outcome(100, () => sleep(5, "done"));
      expect(result).toEqual({ ended: "done", expired: false, when: 100, at: 5, cancelling: 0 });
      await sleep(1);
      expect(now()).toBe(6);
    }));

  it("of null never comes", () =>
    virtual(async () => {
      const result = await outcome(null, () => sleep(1_000_000, "done"));
      expect(result).toMatchObject({ ended: "done", expired: false, when: null });
    }));

  it("comes after so many milliseconds, timeoutAt at a time of the loop's clock", () =>
    virtual(async () => {
      await sleep(10);
      expect(await failureOf(() => timeout(5, () => sleep(100)))).toBeInstanceOf(TimeoutError);
      expect(now()).toBe(15);
      expect(await failureOf(() => timeoutAt(20, () => sleep(100)))).toBeInstanceOf(TimeoutError);
      expect(now()).toBe(20);
      expect(await timeoutAt(null, () => sleep(100, "done"))).toBe("done");
    }));

  it("gives the body its scope, which knows when it ends", () =>
    virtual(async () => {
      expect(await timeout(5, async (scope) => [scope.when(), scope.expired()])).toEqual([5, false]);
      expect(await timeout(null, async (scope) => scope.when())).toBe(null);
    }));

  it.each([
    ["zero", 0],
    ["a time in the past", -100],
  ])("of %s lets the body run to its first wait, be it only a sleep(0)", (_, delay) =>
    virtual(async () => {
      const order: string[] = [];
      const { ended, expired } = await outcome(delay, async () => {
        order.push("before the wait");
        await sleep(0);
        order.push("not reached");
      });
      expect([ended, expired, order]).toEqual([expect.any(TimeoutError), true, ["before the wait"]]);
    }),
  );

  it("of zero is no timeout for a body that does not wait", () =>
    virtual(async () => {
      expect(await outcome(0, async () => "done")).toMatchObject({
        ended: "done",
        expired: false,
        cancelling: 0,
      });
    }));

  it("expired, but swallowed by the body, is no error: the body's result counts", () =>
    virtual(async () => {
      const result = await outcome(5, async () => {
        await failureOf(sleep(100));
        return "swallowed";
      });
      expect(result).toMatchObject({ ended: "swallowed", expired: true, cancelling: 0 });
    }));

  it("leaves no cancel in the task: the code after it is not interrupted", () =>
    virtual(async () => {
      await failureOf(() => timeout(5, () => sleep(100)));
      await sleep(10);
      expect([now(), currentTask()!.cancelling()]).toEqual([15, 0]);
    }));

  it("lets an exception of the body pass as it is, and one after the expiry too", () =>
    virtual(async () => {
      expect(await outcome(5, async () => Promise.reject(boom))).toMatchObject({
        ended: boom,
        expired: false,
      });
      const late = await outcome(5, async () => {
        await failureOf(sleep(100));
        throw boom;
      });
      expect(late).toMatchObject({ ended: boom, expired: true, cancelling: 0 });
    }));

  it("lets a CancelledError pass that came before it expired", () =>
    virtual(async () => {
      const own = await outcome(5, async () => {
        throw new CancelledError("own");
      });
      expect(own).toMatchObject({ ended: { message: "own" }, expired: false });
      const task = createTask(() => timeout(100, () => sleep(50)));
      await sleep(1);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(task.cancelled()).toBe(true);
    }));

  it("makes a CancelledError that the body threw by itself after the expiry a TimeoutError", () =>
    virtual(async () => {
      const result = await outcome(5, async () => {
        await failureOf(sleep(100));
        throw new CancelledError("own");
      });
      expect(result.ended).toBeInstanceOf(TimeoutError);
    }));

  it("gives way to a cancel from outside that comes with its expiry", () =>
    virtual(async () => {
      const task = createTask(() => timeout(5, () => sleep(100)));
      getRunningLoop().callLater(5, () => task.cancel("outside"));
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect([now(), task.cancelling()]).toEqual([5, 1]);
    }));

  it("works in a task that was cancelled and is cleaning up", () =>
    virtual(async () => {
      const task = createTask(async () => {
        try {
          await sleep(1000);
        } catch {
          return [await outcome(5, () => sleep(100)), await outcome(5, () => sleep(1, "in time"))];
        }
        return null;
      });
      await sleep(1);
      task.cancel();
      expect(await task).toMatchObject([
        { ended: expect.any(TimeoutError), expired: true, cancelling: 1 },
        { ended: "in time", expired: false, cancelling: 1 },
      ]);
    }));

  it("nested in a finally after a cancel still times out", () =>
    virtual(async () => {
      let cleanup: unknown;
      const body = async () => {
        try {
          await sleep(1000);
        } finally {
          cleanup = await outcome(3, () => sleep(1000));
        }
      };
      expect(await outcome(5, body)).toMatchObject({ ended: expect.any(TimeoutError), at: 8, cancelling: 0 });
      expect(cleanup).toMatchObject({ ended: expect.any(TimeoutError), expired: true, cancelling: 1 });
    }));
});

describe("a deadline", () => {
  const promise = Promise.resolve();

  it("needs a function as its body, which has not started", () =>
    virtual(async () => {
      // @ts-expect-error
      expect(String(await failureOf(() => timeout(5, promise)))).toMatch(
        /timeout got a promise .*\(\) => work\(x\)/,
      );
      // @ts-expect-error
      expect(String(await failureOf(() => moveOnAfter(5, promise)))).toMatch(/moveOnAfter got a promise/);
      // @ts-expect-error
      expect(String(await failureOf(() => timeout(5)))).toMatch(/a function as its body, got `undefined`/);
    }));

  it.each(["5", Number.NaN, undefined])("names a delay that is none: %s", (delay) =>
    virtual(async () => {
      const work = () => timeout(delay as number, async () => {});
      expect(work).toThrow(/^Expected `delay` to be a number of milliseconds, got/);
    }),
  );
});

describe("nested timeouts", () => {
  it.each([
    { outer: 5, inner: 50, at: 5, expired: [true, false] },
    { outer: 50, inner: 5, at: 5, expired: [false, true] },
  ])(
    "end at the earlier one, and only that converts: $outer around $inner",
    ({ outer, inner, at, expired }) =>
      virtual(async () => {
        const scopes = [new Timeout(outer), new Timeout(inner)] as const;
        const work = () => scopes[0].run(() => scopes[1].run(() => sleep(100)));
        expect(await failureOf(work)).toBeInstanceOf(TimeoutError);
        expect([now(), scopes.map((scope) => scope.expired())]).toEqual([at, expired]);
        expect(currentTask()!.cancelling()).toBe(0);
      }),
  );

  it("that expire at the same time are both expired, and it is a TimeoutError once", () =>
    virtual(async () => {
      let seenBetween: unknown;
      const outer = await outcome(5, async () => {
        const inner = await outcome(5, () => sleep(100));
        seenBetween = inner.ended;
        throw inner.ended;
      });
      expect(seenBetween).toBeInstanceOf(CancelledError);
      expect(outer).toMatchObject({ ended: expect.any(TimeoutError), expired: true, cancelling: 0 });
    }));

  it("around a task group reach its children, and it is a TimeoutError", () =>
    virtual(async () => {
      let cancelled = 0;
      const child = async () => {
        try {
          await sleep(100);
        } catch (error) {
          cancelled += 1;
          throw error;
        }
      };
      const group = () =>
        taskGroup(async (children) => {
          children.createTask(child);
          children.createTask(child);
        });
      expect(await failureOf(() => timeout(5, group))).toBeInstanceOf(TimeoutError);
      expect([cancelled, now()]).toEqual([2, 5]);
    }));
});

describe("reschedule", () => {
  it.each([
    ["later", 10, 10],
    ["earlier", 2, 2],
    ["into the past", -5, 0],
  ])("moves the end %s", (_, when, at) =>
    virtual(async () => {
      const result = await outcome(5, async (scope) => {
        scope.reschedule(when);
        expect(scope.when()).toBe(when);
        await sleep(100);
      });
      expect(result).toMatchObject({ ended: expect.any(TimeoutError), when, at });
    }),
  );

  it.each([Number.NaN, undefined, "5", Symbol("when"), 10n])(
    "to what is no time is refused, and the end stays: %s",
    (when) =>
      virtual(async () => {
        const error = await failureOf(
          timeout(10, async (scope) => {
            expect(() => scope.reschedule(when as number)).toThrow(TypeError);
            expect(scope.when()).toBe(10);
            await sleep(1000);
          }),
        );
        expect([error, now()]).toEqual([expect.any(TimeoutError), 10]);
      }),
  );

  it("to null takes the end away", () =>
    virtual(async () => {
      const result = await outcome(5, async (scope) => {
        scope.reschedule(null);
        await sleep(100);
      });
      expect(result).toMatchObject({ ended: undefined, when: null, at: 100, expired: false });
    }));

  it("gives a timeout an end that had none", () =>
    virtual(async () => {
      const result = await outcome(null, async (scope) => {
        scope.reschedule(now() + 5);
        await sleep(100);
      });
      expect(result).toMatchObject({ ended: expect.any(TimeoutError), when: 5, at: 5 });
    }));

  it("is an error before it is entered, while it expires, after it expired and after its end", () =>
    virtual(async () => {
      const fresh = new Timeout(5);
      expect(() => fresh.reschedule(10)).toThrow(RuntimeError);
      await failureOf(() =>
        fresh.run(async (scope) => {
          await failureOf(sleep(100));
          expect(() => scope.reschedule(10)).toThrow(RuntimeError);
          throw new CancelledError();
        }),
      );
      expect(() => fresh.reschedule(10)).toThrow(RuntimeError);
      const finished = new Timeout(100);
      await finished.run(async () => {});
      expect(() => finished.reschedule(10)).toThrow(RuntimeError);
      expect(finished.expired()).toBe(false);
    }));
});

describe("Timeout", () => {
  it("is entered once", () =>
    virtual(async () => {
      const scope = new Timeout(5);
      await scope.run(async (self) => {
        expect(await failureOf(() => self.run(async () => {}))).toBeInstanceOf(RuntimeError);
      });
      expect(await failureOf(() => scope.run(async () => {}))).toBeInstanceOf(RuntimeError);
    }));

  it("needs a task", () =>
    virtual(async () => {
      const error = new Future();
      getRunningLoop().callSoon(async () =>
        error.setResult(await failureOf(() => timeout(5, () => sleep(1)))),
      );
      expect(await error).toBeInstanceOf(RuntimeError);
    }));
});

describe("moveOnAfter", () => {
  it("ends the body after its time without an error, and says so", () =>
    virtual(async () => {
      let reached = false;
      await moveOnAfter(5, async () => {
        await sleep(100);
        reached = true;
      });
      expect([reached, now(), currentTask()!.cancelling()]).toEqual([false, 5, 0]);
    }));

  it("gives the result of a body that ends in time", () =>
    virtual(async () => {
      expect(await moveOnAfter(5, () => sleep(1, "done"))).toBe("done");
      await turns(1);
      expect(now()).toBe(1);
    }));

  it("does not hide a cancel from outside nor an error of the body", () =>
    virtual(async () => {
      expect(await failureOf(() => moveOnAfter(5, async () => Promise.reject(boom)))).toBe(boom);
      const task = createTask(() => moveOnAfter(5, () => sleep(100)));
      await sleep(1);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
    }));
});
