import { createTask, Future, getRunningLoop, sleep, trackAsyncGenerator } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../support/virtual.ts";

async function* numbers(ends: string[], name = "closed") {
  try {
    for (let i = 0; ; i++) yield i;
  } finally {
    await sleep(1);
    ends.push(name);
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
