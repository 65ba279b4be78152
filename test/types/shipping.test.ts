// This is what the compiler must infer, and what it must refuse. `npm run typecheck` is the test; vitest only counts
// it.
import { type Future, runInExecutor, task } from "threadloop";
import { type Job, type RemoteModule, ShipError, type ShipErrorCode, WorkerPool } from "threadloop/workers";
import { describe, expectTypeOf, it } from "vitest";
import * as tasks from "../fixtures/types/tasks.ts";

const pool = new WorkerPool();
const never = (): boolean => false;

describe("the type of runInExecutor", () => {
  it("is inferred from the function and its arguments", () => {
    const check = () => {
      expectTypeOf(runInExecutor(tasks.fib, 30)).toEqualTypeOf<Future<number>>();
      expectTypeOf(runInExecutor(tasks.load, "x", { binary: true })).toEqualTypeOf<Future<Uint8Array>>();
      expectTypeOf(runInExecutor(tasks.identity, "text" as string)).toEqualTypeOf<Future<string>>();
      expectTypeOf(runInExecutor(tasks.identityAsync, { k: 1 })).toEqualTypeOf<Future<{ k: number }>>();
      expectTypeOf(runInExecutor((x: number, y?: string) => [x, y] as const, 1)).toEqualTypeOf<
        Future<readonly [number, string | undefined]>
      >();
      expectTypeOf(runInExecutor(tasks.Shape.count, 1)).toEqualTypeOf<Future<number[]>>();
      // Overloads: the last one counts; a function around it chooses.
      expectTypeOf(runInExecutor(tasks.convert, 1)).toEqualTypeOf<Future<string>>();
      expectTypeOf(runInExecutor((x: string) => tasks.convert(x), "1")).toEqualTypeOf<Future<number>>();
    };
    if (never()) check();
  });

  it("refuses wrong and missing arguments", () => {
    const check = () => {
      // @ts-expect-error the argument is a number
      runInExecutor(tasks.fib, "x");
      // @ts-expect-error the argument is missing
      runInExecutor(tasks.fib);
    };
    if (never()) check();
  });
});

describe("the type of task", () => {
  it("is that of the function", () => {
    const double = task(import.meta.url, "double", (n: number) => n * 2);
    expectTypeOf(double).toEqualTypeOf<(n: number) => number>();
    const identity = task(import.meta.url, "identity", tasks.identity);
    expectTypeOf(identity).toEqualTypeOf<typeof tasks.identity>();
  });

  it("refuses what is no function", () => {
    const check = () => {
      // @ts-expect-error a function is expected
      task(import.meta.url, "five", 5);
    };
    if (never()) check();
  });
});

describe("the type of pool.module", () => {
  const remote = (): RemoteModule<typeof tasks> => pool.module<typeof tasks>(new URL("file:///tasks.js"));

  it("has the module's functions, each returning a job", () => {
    const check = () => {
      expectTypeOf(remote().fib(30)).toEqualTypeOf<Job<number>>();
      expectTypeOf(remote().load("x")).toEqualTypeOf<Job<Uint8Array>>();
      expectTypeOf(remote().load).parameters.toEqualTypeOf<[path: string, options?: { binary: boolean }]>();
      expectTypeOf(remote().convert("1")).toEqualTypeOf<Job<number>>();
      expectTypeOf(remote().convert(1)).toEqualTypeOf<Job<string>>();
    };
    if (never()) check();
  });

  it("keeps the type parameters of async functions; those of others become unknown", () => {
    const check = () => {
      expectTypeOf(remote().identityAsync("q" as string)).toEqualTypeOf<Promise<string>>();
      expectTypeOf(remote().identity("q")).toEqualTypeOf<Job<unknown>>();
    };
    if (never()) check();
  });

  it("has nothing but the functions, and refuses wrong arguments", () => {
    const check = () => {
      // @ts-expect-error not a function of the module
      remote().notAFunction;
      // @ts-expect-error the argument is a number
      remote().fib("x");
      // @ts-expect-error no such function
      remote().missing();
    };
    if (never()) check();
  });
});

describe("the type of ShipError", () => {
  it("has a code", () => {
    expectTypeOf(new ShipError("ERR_SHIP_VALUE", "message").code).toEqualTypeOf<ShipErrorCode>();
    expectTypeOf<ShipErrorCode>().toExtend<string>();
  });
});
