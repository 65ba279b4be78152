import {
  CancelledError,
  createTask,
  type ExceptionContext,
  Future,
  getRunningLoop,
  run,
  sleep,
} from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { describe, expect, it, onTestFinished } from "vitest";
import { errorOf } from "../../support/pools.ts";

/** A future of the running loop that is settled in its next iteration. */
function soon<T>(settle: (future: Future<T>) => void): Future<T> {
  const future = new Future<T>();
  getRunningLoop().callSoon(() => settle(future));
  return future;
}

function done(value: number): Future<number> {
  const future = new Future<number>();
  future.setResult(value);
  return future;
}

const soonOne = () => soon<number>((future) => future.setResult(1));
const soonFailed = () => soon<number>((future) => future.setException(new RangeError("no")));
const more = (value: number) => value + 1;
const text = (error: unknown) => (error as Error).message;

describe("then(a, b), called by hand", () => {
  describe.each([
    ["in a task", (test: () => Promise<void>) => run(test)],
    ["outside of a loop", (test: () => Promise<void>) => test()],
  ])("%s", (_where, within) => {
    const later = () => {
      const future = new Future<number>();
      setImmediate(() => future.setResult(1));
      return future;
    };
    const failing = () => {
      const future = new Future<number>();
      setImmediate(() => future.setException(new RangeError("no")));
      return future;
    };

    it("gives what can be awaited and chained, as a promise does", () =>
      within(async () => {
        expect(await later().then(more, text)).toBe(2);
        expect(await failing().then(more, text)).toBe("no");
        expect(await later().then(more, text).then(String, text)).toBe("2");
        expect(await later().then(async (value) => value + 2, text)).toBe(3);
        const thrown = later().then(() => {
          throw new TypeError("mine");
        }, text);
        expect(await errorOf(thrown)).toMatchObject({ message: "mine" });
        expect(await Promise.all([later().then(more, text), failing().then(more, text)])).toEqual([2, "no"]);
      }));

    it("can be chained on later, when one of the two was called long before", () =>
      within(async () => {
        let calls = 0;
        const count = (value: number) => {
          calls++;
          return value * 10;
        };
        const future = later();
        const chained = future.then(count, text);
        await future;
        await new Promise(setImmediate);
        expect(calls).toBe(1);
        expect(await chained).toBe(10);
        expect(await chained).toBe(10);
        const nothing = later().then(() => {}, text);
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        expect(await nothing).toBeUndefined();
        expect(calls).toBe(1);
      }));

    it("is chained on a future that is done", () =>
      within(async () => {
        expect(await done(4).then(more, text)).toBe(5);
        expect(await done(4).then(() => {}, text)).toBeUndefined();
        expect(await errorOf(done(4).then(() => Promise.reject(new Error("late")), text))).toMatchObject({
          message: "late",
        });
      }));

    it("serves those who take a job for a promise: expect, and what converts and subscribes", () =>
      within(async () => {
        await expect(failing()).rejects.toThrow("no");
        await expect(later()).resolves.toBe(1);
        // As RxJS does it.
        const seen: unknown[] = [];
        await later()
          .then(
            (value) => void seen.push(value),
            (error) => void seen.push(error),
          )
          .then(null, (error) => void seen.push(error));
        expect(seen).toEqual([1]);
      }));
  });

  it("calls neither at once outside of a loop, also when the future is done", async () => {
    const order: string[] = [];
    const chained = done(1).then(
      () => order.push("called"),
      () => {},
    );
    order.push("returned");
    await chained;
    expect(order).toEqual(["returned", "called"]);
  });

  it("chains a sleep of 0 with one function or two, and once more when it is over", () =>
    run(async () => {
      expect(await sleep(0, 1).then(more, text)).toBe(2);
      expect(await sleep(0, 1).then(more)).toBe(2);
      expect(await sleep(0, 1).then(null, text)).toBe(1);
      expect(await sleep(0, 1).catch(text)).toBe(1);
      expect(await sleep(0, 1).finally(() => {})).toBe(1);
      const chained = sleep(0, 1).then(more, text);
      await sleep(0);
      expect(await chained).toBe(2);
      expect(await chained).toBe(2);
      const rest = sleep(0, 1);
      expect([await rest, await rest, await rest.then(more, text)]).toEqual([1, 1, 2]);
    }));

  it("does not make the future what the task waits on, once it is chained", () =>
    run(async () => {
      const future = new Future<number>();
      const task = createTask(async () => {
        void future.then(more, text).then(null, text);
        await sleep(1000);
      });
      await sleep(0);
      await sleep(0);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
      expect(future.done()).toBe(false);
    }));

  it("lets the task wait on what it chained, and a cancel go to the source", () =>
    run(async () => {
      const future = new Future<number>();
      const task = createTask(async () => await future.then(more, (error) => Promise.reject(error)));
      await sleep(1);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
      expect(future.cancelled()).toBe(true);
    }));

  it("lets a task go on with other waits, with several calls by hand under way", () =>
    run(async () => {
      const seen: number[] = [];
      const calls = [soonOne(), soonOne(), soonFailed()].map((future, i) =>
        future.then(
          (value) => seen.push(value + i),
          () => seen.push(100 + i),
        ),
      );
      await sleep(5);
      expect(await sleep(1, "slept")).toBe("slept");
      await Promise.all(calls);
      expect(seen.sort()).toEqual([1, 102, 2]);
      expect(await sleep(0, 3).then(more, text)).toBe(4);
      expect(await createTask(async () => 5).then(more, text)).toBe(6);
    }));

  describe.each([
    ["a future that is pending", soonOne],
    ["a future that is done", () => done(1)],
  ])("on %s", (_state, make) => {
    const fail = () => {
      throw new TypeError("mine");
    };
    const failLater = async () => fail();

    it.each([
      ["throws", fail],
      ["gives a promise that rejects", failLater],
    ])("has the loop tell once what nobody looks at, when the function %s", async (_how, failing) => {
      const told: ExceptionContext[] = [];
      const rejected: unknown[] = [];
      const note = (error: unknown) => void rejected.push(error);
      process.on("unhandledRejection", note);
      onTestFinished(() => void process.removeListener("unhandledRejection", note));
      await run(async () => {
        getRunningLoop().setExceptionHandler((_loop, context) => void told.push(context));
        make().then(failing, text);
        await sleep(5);
      });
      await new Promise(setImmediate);
      expect(told.map((context) => text(context.exception))).toEqual(["mine"]);
      expect(rejected).toEqual([]);
    });

    it.each([
      ["throws", fail],
      ["gives a promise that rejects", failLater],
    ])("has nobody told what is chained on or awaited, when the function %s", async (_how, failing) => {
      const told: ExceptionContext[] = [];
      await run(async () => {
        getRunningLoop().setExceptionHandler((_loop, context) => void told.push(context));
        const late = make().then(failing, text);
        expect(await make().then(failing, text).then(null, text)).toBe("mine");
        expect(await errorOf(make().then(failing, text))).toMatchObject({ message: "mine" });
        await sleep(5);
        expect(await errorOf(late)).toMatchObject({ message: "mine" });
      });
      expect(told).toEqual([]);
    });
  });

  it("is there for jobs", async () => {
    const pool = new WorkerPool({ size: 1 });
    onTestFinished(() => pool.close().then(() => {}));
    expect(await pool.submit(Math.max, 1, 2).then(more, text)).toBe(3);
    const failed = pool.submit(() => {
      throw new RangeError("there");
    });
    expect(await failed.then(() => 0, text)).toBe("there");
    await expect(pool.submit(Math.max, 4)).resolves.toBe(4);
  });
});
