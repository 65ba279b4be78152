// These tests are what CPython's own test_timeouts and test_taskgroups ask of nested deadlines and groups, with the
// names they have there.
import {
  CancelledError,
  createTask,
  currentTask,
  ExceptionGroup,
  sleep,
  type Task,
  type TaskGroup,
  Timeout,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, virtual } from "../../support/virtual.ts";

class Mine extends Error {}

const failAfter = (delay: number, error: Error) => async () => {
  await sleep(delay);
  throw error;
};

/** The errors of a group, by class; those of a group inside one in a list. */
function kindsOf(error: unknown): unknown {
  if (!(error instanceof ExceptionGroup)) return (error as Error).constructor;
  return error.errors.map(kindsOf);
}

/** How a task ends that is cancelled after some time. */
async function cancelledAfter(delay: number, body: () => Promise<unknown>): Promise<unknown> {
  const task = createTask(body);
  await sleep(delay);
  expect(task.done()).toBe(false);
  task.cancel("test");
  return await failureOf(task);
}

describe("Timeouts, as CPython tests them", () => {
  it("test_nested_timeouts: of two with one deadline both expire, and the outer one throws", () =>
    virtual(async () => {
      let [inner, inside]: [Timeout | null, unknown] = [null, null];
      const outer = new Timeout(10);
      const error = await failureOf(
        outer.run(async () => {
          inside = await failureOf(
            timeoutAt(10, async (scope) => {
              inner = scope;
              await sleep(10_000);
            }),
          );
          throw inside;
        }),
      );
      expect(error).toBeInstanceOf(TimeoutError);
      expect(inside).toBeInstanceOf(CancelledError);
      expect([outer.expired(), (inner as Timeout | null)?.expired(), outer.when()]).toEqual([true, true, 10]);
    }));

  it.each([0, -11])("test_timeout_in_the_past_sleep_zero: one of %d ms ends at the first wait", (delay) =>
    virtual(async () => {
      const scope = new Timeout(now() + delay);
      expect(await failureOf(scope.run(() => sleep(0)))).toBeInstanceOf(TimeoutError);
      expect([scope.expired(), scope.when()]).toEqual([true, now() + delay]);
    }),
  );

  it("test_foreign_exception_on_timeout: an error of the cleanup passes", () =>
    virtual(async () => {
      const crash = () => sleep(1000).finally(() => Promise.reject(new Mine()));
      expect(await failureOf(timeout(10, crash))).toBeInstanceOf(Mine);
    }));

  it("test_foreign_cancel_doesnt_timeout_if_not_expired", () =>
    virtual(async () => {
      const scope = new Timeout(10_000);
      const task = createTask(() =>
        scope.run(async () => {
          currentTask()?.cancel();
          await sleep(10_000);
        }),
      );
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(scope.expired()).toBe(false);
    }));

  it("test_nested_timeouts_concurrent, test_nested_timeouts_loop_busy: the outer ends what follows the inner", () =>
    virtual(async () => {
      const seen: unknown[] = [];
      const outer = timeout(100, async () => {
        seen.push(await failureOf(timeout(10, () => sleep(1000))));
        await sleep(10_000);
      });
      expect(await failureOf(outer)).toBeInstanceOf(TimeoutError);
      expect([seen, now()]).toEqual([[expect.any(TimeoutError)], 100]);
    }));

  it("test_nested_timeout_in_finally, test_timeout_after_cancellation, test_cancel_in_timeout_after_cancellation", () =>
    virtual(async () => {
      const cleanups: unknown[] = [];
      const nested = timeout(10, async () => {
        try {
          await sleep(1000);
        } finally {
          cleanups.push(await failureOf(timeout(10, () => sleep(10_000))));
        }
      });
      expect(await failureOf(nested)).toBeInstanceOf(TimeoutError);
      const task: Task = createTask(async () => {
        currentTask()?.cancel();
        await failureOf(sleep(1000));
        cleanups.push(await failureOf(timeout(0, () => sleep(1000))));
        const again = timeout(1000, async () => {
          currentTask()?.cancel();
          await sleep(2000);
        });
        cleanups.push(await failureOf(again));
      });
      await task;
      const [first, second, third] = [TimeoutError, TimeoutError, CancelledError].map((kind) =>
        expect.any(kind),
      );
      expect(cleanups).toEqual([first, second, third]);
    }));

  it("test_timeout_exception_cause, test_timeout_finished, test_timeout_not_entered, test_timeout_double_enter", () =>
    virtual(async () => {
      const scope = new Timeout(0);
      expect(() => scope.reschedule(20)).toThrow(/created/);
      const error = (await failureOf(scope.run(() => sleep(1)))) as Error;
      expect(error.cause).toBeInstanceOf(CancelledError);
      expect(() => scope.reschedule(20)).toThrow(/expired/);
      expect(await failureOf(scope.run(() => sleep(1)))).toMatchObject({ message: /already been entered/ });
    }));
});

describe("Groups, as CPython tests them", () => {
  const waiting = async (group: TaskGroup) => {
    for (let i = 0; i < 5; i++) group.createTask(failAfter(100, new Mine()));
    await sleep(10_000);
  };

  it.each<[string, () => Promise<unknown>]>([
    ["test_cancellation_in_body", () => taskGroup(waiting)],
    ["test_taskgroup_11", () => taskGroup(() => taskGroup(waiting))],
    [
      "test_taskgroup_12",
      () =>
        taskGroup(async (outer) => {
          outer.createTask(() => sleep(10_000));
          await taskGroup(waiting);
        }),
    ],
  ])("%s: a cancel that comes before the children fail goes out", (_, body) =>
    virtual(async () => {
      expect(await cancelledAfter(50, body)).toMatchObject({ name: "CancelledError", message: "test" });
    }),
  );

  it("test_taskgroup_13, test_taskgroup_14: the errors are where they came from", () =>
    virtual(async () => {
      const nested = (outside: number, inside: number) =>
        failureOf(
          taskGroup(async (outer) => {
            outer.createTask(failAfter(outside, new Mine()));
            await taskGroup((inner) => void inner.createTask(failAfter(inside, new Mine())));
          }),
        );
      expect(kindsOf(await nested(100, 10_000))).toEqual([Mine]);
      expect(kindsOf(await nested(10_000, 100))).toEqual([[Mine]]);
    }));

  it("test_taskgroup_15, test_taskgroup_16: the error of a child that fails while the cancelled body cleans up goes first", () =>
    virtual(async () => {
      const body = () =>
        taskGroup(async (group) => {
          group.createTask(failAfter(300, new Mine()));
          try {
            await sleep(10_000);
          } catch (error) {
            await sleep(500);
            throw error;
          }
        });
      const direct = await cancelledAfter(100, body);
      const behindTask = await cancelledAfter(100, async () => await createTask(body));
      expect([kindsOf(direct), kindsOf(behindTask)]).toEqual([[Mine], [Mine]]);
    }));

  it("test_taskgroup_18, test_taskgroup_19: an error that the body makes of its cancel is one of the group", () =>
    virtual(async () => {
      const turning = () => sleep(10_000).finally(() => Promise.reject(new Mine()));
      expect(kindsOf(await cancelledAfter(100, () => taskGroup(turning)))).toEqual([Mine]);
      const both = taskGroup(async (group) => {
        group.createTask(failAfter(100, new RangeError()));
        await turning();
      });
      expect(kindsOf(await failureOf(both))).toEqual([RangeError, Mine]);
    }));
});
