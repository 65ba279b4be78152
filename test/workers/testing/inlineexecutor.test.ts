import { inspect } from "node:util";
import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  gather,
  getRunningLoop,
  RuntimeError,
  run,
  runInExecutor,
  sleep,
  TimeoutError,
  toThread,
} from "threadloop";
import { InlineExecutor, type InlineExecutorOptions, VirtualClock } from "threadloop/testing";
import { checkCancelled } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import { errorOf } from "../../support/pools.ts";

const HOUR = 3_600_000;

/** Runs a test on virtual time; gives how long it took there. */
async function virtually(
  test: (executor: InlineExecutor) => Promise<void>,
  options: InlineExecutorOptions = {},
): Promise<number> {
  const clock = new VirtualClock();
  await run(
    async () => {
      await using executor = new InlineExecutor(options);
      await test(executor);
    },
    { clock },
  );
  return clock.now();
}

const nap = async <T>(ms: number, value: T): Promise<T> => {
  await sleep(ms);
  return value;
};

describe("InlineExecutor on virtual time", () => {
  it("takes as long as as many workers would", async () => {
    const all = (executor: InlineExecutor) => async () => {
      expect(await gather([1, 2, 3, 4].map((n) => executor.submit(nap, HOUR, n)))).toEqual([1, 2, 3, 4]);
    };
    expect(await virtually((executor) => all(executor)(), { size: 2, tasksPerWorker: 1 })).toBe(2 * HOUR);
    expect(await virtually((executor) => all(executor)())).toBe(HOUR);
  });

  it("counts its limits by the loop's clock", async () => {
    await virtually(
      async (executor) => {
        const time = () => getRunningLoop().time();
        const late = executor.with({ timeout: HOUR }).submit(nap, 2 * HOUR, 0);
        const waiting = executor.with({ queueTimeout: 500 }).submit(nap, 1, 0);
        expect(await errorOf(waiting)).toBeInstanceOf(TimeoutError);
        expect(time()).toBe(500);
        expect(await errorOf(late)).toBeInstanceOf(TimeoutError);
        expect(time()).toBe(HOUR);
        const dropped = errorOf(executor.submit(nap, 2 * HOUR, 0));
        expect(await executor.close({ deadline: 1000 })).toEqual({ dropped: ["nap"] });
        expect((await dropped).message).toBe("Job `nap` was not done at the deadline of close(), 1000 ms");
        expect(time()).toBe(HOUR + 1000);
      },
      { tasksPerWorker: 1 },
    );
  });

  it("settles a job that goes on after its cancel when the grace is over, and others go on", async () => {
    await virtually(
      async (executor) => {
        let left = 0;
        const stubborn = async () => {
          while (left < 5) await sleep(100).catch(() => left++);
        };
        const job = executor.submit(stubborn);
        const next = executor.submit(nap, 1, "next");
        await sleep(10);
        job.cancel("enough");
        expect(job.done()).toBe(false);
        expect((await errorOf(job)).message).toBe("enough");
        expect(getRunningLoop().time()).toBe(60);
        expect(await next).toBe("next");
        left = 5;
      },
      { tasksPerWorker: 1, cancelGrace: 50 },
    );
  });

  it("ends a stream that nobody reads while it closes", async () => {
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    const took = await virtually(async (executor) => {
      const stream = executor.stream(function* numbers() {
        for (let n = 0; ; n++) yield n;
      });
      expect((await stream.next()).value).toBe(0);
      await executor.close();
    });
    expect((await warned).message).toMatch(
      'Stream `numbers` of executor "inline" was ended, as nobody read it while the executor was closing',
    );
    expect(took).toBeGreaterThanOrEqual(1000);
    expect(took).toBeLessThan(1200);
  });
});

describe("A job of an InlineExecutor", () => {
  it("does not begin before its caller goes on, and runs as a task of its own", async () => {
    await virtually(async (executor) => {
      const order: string[] = [];
      const job = executor.with({ name: "mine" }).submit(() => {
        order.push("job");
        return currentTask()?.name;
      });
      order.push("caller");
      expect(await job).toBe("mine");
      expect(order).toEqual(["caller", "job"]);
    });
  });

  it("may be a spy, which gets copies", async () => {
    await virtually(async (executor) => {
      const spy = vi.fn((value: { n: number }) => value);
      const given = { n: 1 };
      const back = await executor.submit(spy, given);
      expect(spy).toHaveBeenCalledWith({ n: 1 });
      expect(back).toEqual(given);
      expect(spy.mock.calls[0]?.[0]).not.toBe(given);
      expect(spy.mock.results[0]?.value).not.toBe(back);
    });
  });

  it("sees no context variable of its caller but those that are carried", async () => {
    const user = new ContextVar("user", { default: "nobody" });
    await virtually(async (executor) => {
      user.set("ada");
      const read = () => user.get();
      expect(await executor.submit(read)).toBe("nobody");
      getRunningLoop().setDefaultExecutor(executor);
      expect(await runInExecutor(read)).toBe("nobody");
      expect(await toThread(read)).toBe("ada");
      const write = () => user.set("bob");
      await toThread(() => void write());
      expect(user.get()).toBe("ada");
    });
  });

  it("leaves its place to the jobs that it waits for", async () => {
    await virtually(
      async (executor) => {
        const depth = async (n: number): Promise<number> =>
          n === 0 ? 0 : 1 + (await executor.submit(depth, n - 1));
        expect(await executor.submit(depth, 20)).toBe(20);
        const ask = async (callback: () => Promise<number>) => await callback();
        expect(await executor.submit(ask, async () => await executor.submit(nap, 10, 7))).toBe(7);
        expect(executor.stats().running).toBe(0);
      },
      { tasksPerWorker: 1 },
    );
  });

  it("hears of a cancel by checkCancelled, also when it cancels itself", async () => {
    await virtually(async (executor) => {
      const reached: string[] = [];
      const job = executor.submit(async () => {
        job.cancel("by itself");
        reached.push("go on");
        checkCancelled();
        reached.push("not here");
      });
      expect((await errorOf(job)).message).toBe("by itself");
      const other = executor.submit(async () => {
        other.cancel();
        await sleep(0);
        reached.push("nor here");
      });
      expect(await errorOf(other)).toBeInstanceOf(CancelledError);
      expect(reached).toEqual(["go on"]);
    });
  });

  it("has signals that follow those of its caller", async () => {
    await virtually(async (executor) => {
      const controller = new AbortController();
      const job = executor.submit(
        async ({ signal }: { signal: AbortSignal }) => {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return [signal.reason, signal !== controller.signal];
        },
        { signal: controller.signal },
      );
      getRunningLoop().callLater(5, () => controller.abort(new RangeError("stop")));
      expect(await job).toEqual([new RangeError("stop"), true]);
    });
  });

  it("can be given a result by hand; what it gives then is nobody's", async () => {
    await virtually(async (executor) => {
      const job = executor.submit(nap, 10, "late");
      await sleep(1);
      job.setResult("early");
      expect(await job).toBe("early");
      await executor.close();
      expect(executor.stats().settled.succeeded).toBe(1);
    });
  });
});

describe("An InlineExecutor", () => {
  it("belongs to one loop", async () => {
    const executor = new InlineExecutor({ name: "one" });
    expect(() => executor.submit(Math.abs, -1)).toThrow(RuntimeError);
    expect(() => executor.submit(Math.abs, -1)).toThrow("give it jobs inside run()");
    await run(async () => expect(await executor.submit(Math.abs, -1)).toBe(1));
    await run(async () => {
      expect(() => executor.submit(Math.abs, -1)).toThrow(
        'The executor "one" belongs to the loop in which it was used first',
      );
    });
  });

  it("does not keep run from ending: what is in progress then is cancelled", async () => {
    const executor = new InlineExecutor();
    let ended = false;
    const job = await run(
      async () => {
        const job = executor.submit(async () => {
          try {
            await sleep(HOUR);
          } finally {
            ended = true;
          }
        });
        await sleep(1);
        return { job };
      },
      { clock: new VirtualClock() },
    );
    expect(ended).toBe(true);
    expect(job.job.cancelled()).toBe(true);
  });

  it("shows its state", async () => {
    await virtually(
      async (executor) => {
        const jobs = [executor.submit(nap, 1, 0), executor.submit(nap, 1, 0)];
        await sleep(0.5);
        expect(inspect(executor)).toBe("<InlineExecutor inline open, jobs=2, queued=1>");
        await gather(jobs);
        const closed = createTask(() => executor.close());
        await closed;
        expect(inspect(executor)).toBe("<InlineExecutor inline closed, jobs=0, queued=0>");
        expect(inspect(executor.stats())).toMatch("2 succeeded, 0 failed, 0 cancelled");
      },
      { tasksPerWorker: 1 },
    );
  });
});
