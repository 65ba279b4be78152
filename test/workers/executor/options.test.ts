import { inspect } from "node:util";
import { SharedQueue, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, makePool } from "../../support/pools.ts";

// biome-ignore lint/suspicious/noExplicitAny: what no type allows is what is tried
const wrong = (options: object): any => options;

describe("an option that is misspelt", () => {
  it.each<[string, (pool: WorkerPool) => unknown]>([
    ["`sise` is unknown to WorkerPool: did you mean `size`?", () => new WorkerPool(wrong({ sise: 4 }))],
    ["`timeOut` is unknown to with(): did you mean `timeout`?", (pool) => pool.with(wrong({ timeOut: 5 }))],
    ["`size` is unknown to with(): its options are", (pool) => pool.with(wrong({ size: 5 }))],
    ["`deadLine` is unknown to close(): did you mean", (pool) => pool.close(wrong({ deadLine: 5 }))],
    ["`chunksize` is unknown to map()", (pool) => pool.map(Math.abs, [1], wrong({ chunksize: 5 })).next()],
    ["`pateince` is unknown to tasks()", (pool) => pool.tasks(wrong({ pateince: 5 }))],
    ["`maxbytes` is unknown to SharedQueue", () => new SharedQueue(0, wrong({ maxbytes: 5 }))],
    ["`job` is unknown to recycle", () => new WorkerPool({ recycle: wrong({ job: 5 }) })],
    [
      "`maxOldGenerationSizeMB` is unknown to resourceLimits: did you mean `maxOldGenerationSizeMb`?",
      () => new WorkerPool({ resourceLimits: wrong({ maxOldGenerationSizeMB: 5 }) }),
    ],
  ])("is refused: %s", async (message, use) => {
    const pool = makePool();
    const error = await errorOf((async () => use(pool))());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`Option ${message}`);
    expect(await pool.submit(Math.abs, -1)).toBe(1);
  });
});

describe("a setting of the threads", () => {
  it.each<[object, string]>([
    [{ recycle: { jobs: 0 } }, "`recycle.jobs` to be an integer >= 1"],
    [{ recycle: { heap: -1 } }, "`recycle.heap` to be megabytes > 0"],
    [{ recycle: 5 }, "`recycle` to be an object"],
    [{ threadName: 5 }, "`threadName` to be a string"],
    [{ argv: "one" }, "`argv` to be an array"],
    [{ argv: [Symbol("one")] }, "`argv[0]` to be a string"],
    [{ env: { PATH: {} } }, "`env.PATH` to be a string"],
    [{ env: { PATH: Symbol("path") } }, "`env.PATH` to be a string"],
    [{ execArgv: [5] }, "`execArgv[0]` to be a string"],
    [{ resourceLimits: { stackSizeMb: "4" } }, "`resourceLimits.stackSizeMb` to be megabytes > 0"],
    [{ stdout: "yes" }, "`stdout` to be true or false"],
  ])("is refused when it is wrong: %o", (options, message) => {
    expect(() => new WorkerPool(wrong(options))).toThrow(`Expected ${message}`);
  });

  it("is there in them: argv, env and workerData", async () => {
    const pool = makePool({ size: 1, argv: ["--level", 3], env: { ONE: "1" }, workerData: { two: 2 } });
    expect(await pool.submit(jobs.settings)).toEqual([["--level", "3"], "1", { two: 2 }]);
  });
});

describe("an options object of a pool", () => {
  it("may be frozen and without a prototype, and is read once", async () => {
    const options = Object.freeze(Object.assign(Object.create(null), { size: 1, [Symbol("mark")]: 1 }));
    expect(await makePool(options).submit(Math.abs, -2)).toBe(2);
    let reads = 0;
    const view = makePool().with({
      get timeout() {
        return reads++ === 0 ? 10_000 : -1;
      },
    });
    expect(await view.submit(Math.abs, -3)).toBe(3);
    expect(reads).toBe(1);
  });

  it.each([null, 5, Symbol("options")])("must be one: not %s", (options) => {
    for (const use of [() => new WorkerPool(options as never), () => makePool().with(options as never)])
      expect(use).toThrow("Expected `options` to be an object, got");
  });
});

describe("a view of a pool", () => {
  it("shows its pool and its options", () => {
    const pool = makePool({ name: "images" });
    expect(inspect(pool.with({ timeout: 50, name: "shrink" }))).toBe(
      "<PoolView of images with { timeout: 50, name: 'shrink' }>",
    );
    expect(inspect(pool.with({}))).toBe("<PoolView of images with {}>");
  });
});

describe("spawn", () => {
  it.each([() => ({}), async () => {}, { method() {} }.method, 5, null])(
    "says what is wrong with %o, which is no class",
    async (notAClass) => {
      const error = await errorOf(makePool().spawn(notAClass as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain("Expected `Class` to be a class, got ");
    },
  );
});
