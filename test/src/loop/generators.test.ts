import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createTask, Future, getRunningLoop, sleep, trackAsyncGenerator, wrapPromise } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

async function* numbers(ends: string[], name = "closed") {
  try {
    for (let i = 0; ; i++) yield i;
  } finally {
    await sleep(1);
    ends.push(name);
  }
}

async function* few() {
  yield 1;
}

/** What a turn of Node's own loop still holds is collected after it. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    await wrapPromise(new Promise((resolve) => setImmediate(resolve)));
    gc();
  }
}

describe("an async generator that the loop was told of", () => {
  it("is closed at the end of run: its finally runs, waits included", async () => {
    const ends: string[] = [];
    const first = await virtual(async () => {
      const { value } = await trackAsyncGenerator(numbers(ends)).next();
      return value;
    });
    expect([first, ends]).toEqual([0, ["closed"]]);
  });

  it("is closed also when nobody holds it any more", async () => {
    const ends: string[] = [];
    await virtual(async () => {
      await trackAsyncGenerator(numbers(ends)).next();
      await collectGarbage();
    });
    expect(ends).toEqual(["closed"]);
  });

  it("is let go when it has ended, by itself or by leaving the loop over it", async () => {
    const left = await virtual(async () => {
      const refs: WeakRef<AsyncGenerator>[] = [];
      const track = (generator: AsyncGenerator) => {
        refs.push(new WeakRef(generator));
        return trackAsyncGenerator(generator);
      };
      for await (const _ of track(numbers([]))) break;
      for await (const _ of track(few()));
      await failureOf(track(few()).throw(new Error("stop")));
      await collectGarbage();
      return refs.filter((ref) => ref.deref() !== undefined).length;
    });
    expect(left).toBe(0);
  });

  it("is closed after the tasks are cancelled and before the executor is", async () => {
    const ends: string[] = [];
    await virtual(async () => {
      const executor = {
        submit: <R>() => new Future<R>(),
        close: async () => {
          ends.push("executor");
        },
      };
      getRunningLoop().setDefaultExecutor(executor);
      await trackAsyncGenerator(numbers(ends, "generator")).next();
      createTask(async () => {
        await failureOf(sleep(100));
        ends.push("task");
      });
      await turns(1);
    });
    expect(ends).toEqual(["task", "generator", "executor"]);
  });

  it("that fails to close is told to the exception handler", async () => {
    const told: unknown[] = [];
    const error = new Error("in cleanup");
    async function* failing() {
      try {
        yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: the failing cleanup is what is tested
        throw error;
      }
    }
    const generator = failing();
    await virtual(async () => {
      getRunningLoop().setExceptionHandler((_, context) => told.push(context));
      await trackAsyncGenerator(generator).next();
    });
    expect(told).toEqual([expect.objectContaining({ exception: error, asyncgen: generator })]);
  });

  it("that has ended is left alone", async () => {
    const ends: string[] = [];
    await virtual(async () => {
      for await (const number of trackAsyncGenerator(numbers(ends))) if (number === 2) break;
    });
    expect(ends).toEqual(["closed"]);
  });

  it("is closed by shutdownAsyncgens as well", () =>
    virtual(async () => {
      const ends: string[] = [];
      await trackAsyncGenerator(numbers(ends)).next();
      await getRunningLoop().shutdownAsyncgens();
      expect(ends).toEqual(["closed"]);
    }));
});
