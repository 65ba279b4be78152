import { spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import {
  coroutine,
  createTask,
  currentTask,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  timeout,
  wrapPromise,
} from "threadloop";
import { describe, expect, it } from "vitest";

type Warning = Error & { code?: string };

/** What counts as slow: long enough for no other step to take it, however busy the machine is. */
const SLOW = 400;

interface Options {
  debug?: boolean;
  slow?: number;
}

/** Runs a program in debug mode and returns the warnings that the process emitted meanwhile, of slow steps if asked. */
async function warningsOf(
  main: () => Promise<unknown>,
  { debug = true, slow = Infinity }: Options = {},
): Promise<Warning[]> {
  const warnings: Warning[] = [];
  const listen = (warning: Warning) => {
    if (warning.code?.startsWith("THREADLOOP_")) warnings.push(warning);
  };
  process.on("warning", listen);
  try {
    const loopFactory = () => Object.assign(newEventLoop(), { slowCallbackDuration: slow });
    await run(main, { debug, loopFactory });
    await delay(0); // process warnings are emitted in a tick of their own
  } finally {
    process.removeListener("warning", listen);
  }
  return warnings;
}

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

const swallow = () =>
  createTask(
    async () => {
      await sleep(60_000).catch(() => {});
    },
    { name: "swallower" },
  );

describe("Debug mode", () => {
  it("reports a step that blocks the loop, once, with the task and the place", async () => {
    const warnings = await warningsOf(
      async () => {
        await createTask(async () => block(SLOW + 20), { name: "blocker" });
      },
      { slow: SLOW },
    );
    expect(warnings.map((warning) => warning.code)).toEqual(["THREADLOOP_SLOW_CALLBACK"]);
    expect(warnings[0]?.message).toMatch(/Task 'blocker' .*took \d+ ms\n {4}created at .*debug\.test\.ts/);
  });

  it("reports a callback that blocks the loop, with the place where it was scheduled", async () => {
    const warnings = await warningsOf(
      async () => {
        getRunningLoop().callSoon(function blocking() {
          block(SLOW + 20);
        });
        await sleep(0);
      },
      { slow: SLOW },
    );
    expect(warnings.map((warning) => warning.code)).toEqual(["THREADLOOP_SLOW_CALLBACK"]);
    expect(warnings[0]?.message).toMatch(/Handle blocking> took \d+ ms\n {4}created at .*debug\.test\.ts/);
  });

  it("times the step in which it is turned on from there", async () => {
    const warnings = await warningsOf(
      async () => {
        block(SLOW + 20);
        getRunningLoop().setDebug(true);
        await sleep(0);
      },
      { debug: false, slow: SLOW },
    );
    expect(warnings).toEqual([]);
  });

  it("tells the exception handler where a callback was scheduled and a task was made", async () => {
    const places: [string, unknown][] = [];
    await run(
      async () => {
        const loop = getRunningLoop();
        loop.setExceptionHandler((_loop, { message, sourceTraceback }) =>
          places.push([message, sourceTraceback]),
        );
        loop.callSoon(() => {
          throw new Error("of the callback");
        });
        createTask(async () => {
          throw new Error("of the task");
        });
        await sleep(0);
      },
      { debug: true },
    );
    const here = expect.stringMatching(/^at .*debug\.test\.ts:\d+:\d+/);
    expect(places).toEqual([
      ["Exception in callback", here],
      ["Task exception was never retrieved", here],
    ]);
  });

  it("reports a task that caught its CancelledError and ended as if nothing had been", async () => {
    const warnings = await warningsOf(async () => {
      const task = swallow();
      await sleep(0);
      task.cancel();
      await task;
    });
    expect(warnings.map((warning) => warning.code)).toEqual(["THREADLOOP_SWALLOWED_CANCEL"]);
    expect(warnings[0]?.message).toContain("task 'swallower'");
  });

  it("does not report a cancel that was taken back", async () => {
    const warnings = await warningsOf(async () => {
      const task = createTask(async () => {
        await sleep(60_000).catch(() => currentTask()?.uncancel());
      });
      await sleep(0);
      task.cancel();
      await task;
    });
    expect(warnings).toEqual([]);
  });

  it("reports a deadline that was late because its block awaited a promise that is not the runtime's", async () => {
    const warnings = await warningsOf(async () => {
      const limited = timeout(1, async () => {
        await delay(20);
        await sleep(1000);
      });
      await limited.catch(() => {});
    });
    expect(warnings.map((warning) => warning.code)).toEqual(["THREADLOOP_LATE_CANCEL"]);
  });

  it("reports a cancel that was late because the task awaited a promise that is not the runtime's", async () => {
    const warnings = await warningsOf(async () => {
      let settle = () => {};
      const promise = new Promise<void>((resolve) => {
        settle = resolve;
      });
      const task = createTask(async () => await promise, { name: "waiter" });
      await wrapPromise(delay(1)); // the microtasks are drained: the task waits for the promise
      task.cancel();
      settle();
      await task.catch(() => {});
    });
    expect(warnings.map((warning) => warning.code)).toEqual(["THREADLOOP_LATE_CANCEL"]);
    expect(warnings[0]?.message).toMatch(/task 'waiter' was \d+ ms late.*wrapPromise/);
  });

  it("keeps the stack of the canceller as the cause of the CancelledError", async () => {
    const cause = await run(
      async () => {
        const task = createTask(() => sleep(60_000));
        await sleep(0);
        task.cancel();
        return (await task.catch((error) => (error as Error).cause as Error)) as Error;
      },
      { debug: true },
    );
    expect(cause?.message).toMatch(/^cancelled by task 'Task-\d+'$/);
    expect(cause?.stack).toContain("debug.test.ts");
  });

  it("tells of a coroutine that nobody ever awaited, and where it was made", () => {
    const program = `
      import { coroutine, run, sleep } from "threadloop";
      const work = coroutine(async function forgotten() {});
      await run(async () => {
        (function maker() { work(); })();
        for (let i = 0; i < 1000 && !globalThis.told; i++) { gc(); await sleep(1); }
      }, { debug: true });`;
    const watcher =
      "process.on('warning', ({ code, message }) => { if (code === 'THREADLOOP_NEVER_AWAITED') { globalThis.told = true; console.log(code, message); } });";
    const args = ["--expose-gc", "--no-warnings", "--input-type=module", "--eval", `${watcher}${program}`];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 20_000 });
    expect(stdout).toMatch(
      /^THREADLOOP_NEVER_AWAITED coroutine 'forgotten' was never awaited\n {4}created at maker/,
    );
  });

  it("tells of it when the loop closes, though somebody still holds it, and once", async () => {
    const later = coroutine(async function later(n: number) {
      return n;
    });
    const held: unknown[] = [];
    const warnings = await warningsOf(async () => {
      const named = [later(1), later(2)];
      held.push(...named);
      await named[0];
      const closed = later(3);
      closed.close();
      held.push(closed);
    });
    expect(warnings.map((warning) => warning.message)).toEqual([
      expect.stringMatching(/^coroutine 'later' was never awaited\n {4}created at .*debug\.test\.ts/),
    ]);
  });

  it("says nothing when it is off", async () => {
    const warnings = await warningsOf(
      async () => {
        const task = swallow();
        await sleep(0);
        task.cancel();
        await task;
        await createTask(async () => block(SLOW + 20));
      },
      { debug: false, slow: SLOW },
    );
    expect(warnings).toEqual([]);
  });
});
