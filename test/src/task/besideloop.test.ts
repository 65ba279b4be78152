/** These tests are about what is done outside a running loop, beside one, or in several loops one after the other. */
import {
  any,
  asCompleted,
  coroutine,
  createTask,
  ensureFuture,
  Future,
  gather,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  Runner,
  RuntimeError,
  race,
  run,
  runCoroutineThreadsafe,
  runInExecutor,
  setEventLoop,
  shield,
  sleep,
  wrapFuture,
} from "threadloop";
import { afterEach, describe, expect, it } from "vitest";
import { Program } from "../../support/processes.ts";
import { failureOf } from "../../support/virtual.ts";

const none = "No running event loop";

afterEach(() => setEventLoop(null));

/** Runs a program to its end. */
async function runProgram(source: string) {
  const program = new Program(["--input-type=module", "-e", source]);
  const code = await program.ended;
  return { stdout: program.output, stderr: program.errors, code };
}

/** A function that notes whether it ran. */
function noted() {
  const work = Object.assign(
    async () => {
      work.ran = true;
    },
    { ran: false },
  );
  return work;
}

const takers: Record<string, (fn: () => Promise<unknown>) => unknown> = {
  createTask: (fn) => createTask(fn),
  ensureFuture: (fn) => ensureFuture(fn),
  shield: (fn) => shield(fn),
  asCompleted: (fn) => asCompleted([fn]),
  "asCompleted with a timeout": (fn) => asCompleted([fn], { timeout: 5 }),
  gather: (fn) => gather(fn, fn),
  race: (fn) => race([fn]),
  any: (fn) => any([fn]),
};

describe("outside a loop", () => {
  it.each(Object.entries(takers))(
    "%s throws RuntimeError, runs nothing and leaves no warning",
    async (_, take) => {
      const work = noted();
      const call = coroutine(work)();
      for (const fn of [work, call as never as () => Promise<unknown>]) {
        const error = await failureOf(async () => take(fn));
        expect(error).toBeInstanceOf(RuntimeError);
        expect((error as Error).message).toContain(none);
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect([work.ran, String(Object(call)[Symbol.for("nodejs.util.inspect.custom")]())]).toEqual([
        false,
        "<Coroutine anonymous started>", // it was given up
      ]);
    },
  );

  it("wrapFuture throws RuntimeError", () => {
    expect(() => wrapFuture(new Future())).toThrow(none);
  });

  it("ensureFuture and shield give a future as it is, and gather and asCompleted take those of no loop", async () => {
    const [one, two] = [new Future<number>(), new Future<number>()];
    expect(ensureFuture(one)).toBe(one);
    const all = gather(one, two);
    const shielded = shield(one);
    const completed = asCompleted([two, one]);
    two.setResult(2);
    one.setResult(1);
    expect([await all, await shielded]).toEqual([[1, 2], 1]);
    expect((await completed.next()).value.future).toBe(two);
  });
});

describe("a loop that does not run", () => {
  it("gets what is gathered, shielded or ensured, once it was asked for or set", async () => {
    for (const loop of [getEventLoop(), newEventLoop()]) {
      setEventLoop(loop);
      const work = async () => sleep(1, "done");
      const all = gather(work, ensureFuture(work), shield(work));
      expect(all.getLoop()).toBe(loop);
      expect(await loop.runUntilComplete(all)).toEqual(["done", "done", "done"]);
      const completed = asCompleted([work, work]);
      const results: unknown[] = [];
      await loop.runUntilComplete(async () => {
        for await (const { future } of completed) results.push(future.result());
      });
      expect(results).toEqual(["done", "done"]);
      loop.close();
    }
  });

  it("is the loop of a gather whose first future is its", async () => {
    const loop = newEventLoop();
    const all = gather(loop.createFuture(), async () => 1);
    expect(all.getLoop()).toBe(loop);
    all.cancel();
    await failureOf(loop.runUntilComplete(all));
    loop.close();
  });

  it("test_constructor_use_global_loop", async () => {
    const loop = newEventLoop();
    setEventLoop(loop);
    const future = new Future<number>();
    expect(future.getLoop()).toBe(loop);
    loop.callLater(1, () => future.setResult(1));
    expect(await loop.runUntilComplete(future)).toBe(1);
    loop.close();
  });

  it("test_run_in_executor: runs until a job or a future is done that was made before", async () => {
    const loop = newEventLoop();
    expect(await loop.runUntilComplete(loop.runInExecutor(null, () => 42))).toBe(42);
    expect(await loop.runUntilComplete(runInExecutor(() => 43))).toBe(43);
    const future = new Future<number>();
    loop.callLater(1, () => future.setResult(44));
    expect(
      await loop.runUntilComplete(
        gather(
          future,
          loop.runInExecutor(null, () => 45),
        ),
      ),
    ).toEqual([44, 45]);
    await loop.runUntilComplete(() => loop.shutdownDefaultExecutor());
    loop.close();
  });

  it("does not take a future of another one", async () => {
    const [loop, other] = [newEventLoop(), newEventLoop()];
    await expect(loop.runUntilComplete(other.createFuture())).rejects.toThrow(RangeError);
    loop.close();
    other.close();
  });
});

describe("a refused call", () => {
  it("test_run_until_complete_nesting: never runs the function, of this loop or another one", async () => {
    const other = newEventLoop();
    await run(async () => {
      for (const loop of [getRunningLoop(), other]) {
        const work = noted();
        for (const main of [work, coroutine(work)()])
          expect(await failureOf(loop.runUntilComplete(main))).toBeInstanceOf(RuntimeError);
        await sleep(1);
        expect(work.ran).toBe(false);
      }
    });
    await other.runUntilComplete(() => sleep(1));
    expect(other.allTasks()).toEqual([]);
    other.close();
  });

  const bad = 42 as never;
  it.each<[string, (fn: () => Promise<unknown>) => unknown]>([
    ["gather with something else", (fn) => gather(fn, bad)],
    ["race with something else", (fn) => race([fn, bad])],
    ["any with something else", (fn) => any([fn, bad])],
    ["asCompleted with something else", (fn) => asCompleted([fn, bad])],
    ["asCompleted with a timeout that is none", (fn) => asCompleted([fn], { timeout: Number.NaN })],
    ["gather with a future of another loop", (fn) => gather(fn, newEventLoop().createFuture())],
    ["createTask with a signal that is none", (fn) => createTask(fn, { signal: bad })],
    ["createTask with a context that is none", (fn) => createTask(fn, { context: bad })],
    ["createTask of a closed loop", (fn) => closedLoop().createTask(fn)],
    ["runCoroutineThreadsafe with a closed loop", (fn) => runCoroutineThreadsafe(fn, closedLoop())],
    ["run inside a loop", (fn) => run(fn)],
    ["Runner.run inside a loop", (fn) => new Runner().run(fn)],
  ])("runs nothing and leaves nothing: %s", async (_, call) => {
    await run(async () => {
      const work = noted();
      const started = coroutine(work)();
      for (const fn of [work, started as never as () => Promise<unknown>])
        expect(await failureOf(async () => call(fn))).toBeInstanceOf(Error);
      expect(getRunningLoop().allTasks().length).toBe(1);
      await sleep(1);
      expect(work.ran).toBe(false);
      await expect(started).rejects.toThrow("twice"); // it was given up
    });
  });

  it("of a runner that cannot make its loop never runs main", async () => {
    const work = noted();
    const loopFactory = () => {
      throw new Error("no loop");
    };
    for (const main of [work, coroutine(work)()])
      await expect(run(main, { loopFactory })).rejects.toThrow("no loop");
    expect(work.ran).toBe(false);
  });
});

function closedLoop() {
  const loop = newEventLoop();
  loop.close();
  return loop;
}

describe("a loop in the background", () => {
  const background = (body: string) =>
    runProgram(
      `import { createTask, Event, getEventLoop, sleep } from "threadloop";
      const loop = getEventLoop();
      loop.runForever().then(() => console.log("ended"));
      ${body}`,
    );

  it("lets the program end when no task is left", async () => {
    const { stdout, code } = await background(`
      const later = () => createTask(async () => { await sleep(1); console.log("later"); });
      createTask(async () => { await sleep(5); console.log("slept"); setTimeout(later, 20); });`);
    expect([stdout, code]).toEqual(["slept\nlater\nended\n", 0]);
  });

  it("ends the program with an error that names the tasks when some wait for ever", async () => {
    const { stderr, code } = await background(`createTask(() => new Event().wait(), { name: "waiter" });`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/DeadlockError: .* 1 tasks wait for ever:\n {2}<Task 'waiter' pending/);
  });

  it("still reports the future that runUntilComplete waits for", async () => {
    const { stderr, code } = await runProgram(
      `import { Future, newEventLoop } from "threadloop";
      await newEventLoop().runUntilComplete(new Future());`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/DeadlockError: .*\n {2}<Future pending>/);
  });
});
