// These tests have errors in the telling of errors, and worlds in which errors are made otherwise: nothing of it stops
// the loop.
import { spawnSync } from "node:child_process";
import {
  createTask,
  EventLoop,
  type ExceptionContext,
  Future,
  getRunningLoop,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const boom = new Error("boom");
const refuse = () => {
  throw new Error("cannot be told");
};
/** What calls the exception handler. */
const causes: Record<string, () => unknown> = {
  "a callback": () => getRunningLoop().callSoon(() => Promise.reject(boom)),
  "a callback that throws": () =>
    getRunningLoop().callSoon(() => {
      throw boom;
    }),
  "a forgotten task": () => createTask(() => Promise.reject(boom)),
  "a forgotten future": () => new Future().setException(boom),
  "a forgotten shield": () => shield(() => Promise.reject(boom)),
  "a program itself": () => getRunningLoop().callExceptionHandler({ message: "told", exception: boom }),
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** A main that does this and goes on. */
function mainWith(cause: () => unknown): () => Promise<string> {
  return async () => {
    cause();
    for (let i = 0; i < 5; i++) await sleep(1);
    return "main's result";
  };
}

describe("a loop whose own defaultExceptionHandler throws", () => {
  class Mute extends EventLoop {
    override defaultExceptionHandler(_context: ExceptionContext): void {
      refuse();
    }
  }

  it.each(Object.entries(causes))("goes on after %s has failed, also at its end", async (_, cause) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    for (const late of [false, true]) {
      const main = late ? async () => mainWith(cause)().finally(() => void cause()) : mainWith(cause);
      const loopFactory = () => new Mute({ clock: new VirtualClock() });
      expect(await run(main, { loopFactory })).toBe("main's result");
    }
  });
});

describe("test_default_exc_handler_broken, test_exc_handler_broken: a console that throws", () => {
  it.each(Object.entries(causes))("stops nothing after %s has failed", async (_, cause) => {
    vi.spyOn(console, "error").mockImplementation(refuse);
    vi.spyOn(process.stderr, "write").mockImplementation(refuse);
    for (const handler of [null, refuse]) {
      const main = () => {
        getRunningLoop().setExceptionHandler(handler);
        return mainWith(cause)();
      };
      expect(await run(main, { clock: new VirtualClock() })).toBe("main's result");
    }
  });
});

describe("what a shield gave", () => {
  it("may be settled by somebody else before what it shields is, and that is told as in any callback", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      for (const settle of [
        (future: Future<number>) => future.setResult(2),
        (future: Future<number>) => future.setException(boom),
        (future: Future<number>) => void future.cancel(),
      ]) {
        const inner = new Future<number>();
        const outer = shield(inner) as Future<number>;
        outer.setResult(1);
        settle(inner);
        expect(await outer).toBe(1);
        await sleep(1);
        await failureOf(async () => {
          await inner;
          throw boom;
        });
      }
      const names = reported.map(({ exception }) => (exception as Error).name);
      expect(names).toEqual(["InvalidStateError", "InvalidStateError"]);
    }));
});

describe("errors made otherwise", () => {
  it("with a prepareStackTrace that gives call sites, debug mode makes, names and cancels tasks as ever", async () => {
    const { prepareStackTrace } = Error;
    const reported: ExceptionContext[] = [];
    try {
      for (const strange of [(_: Error, sites: unknown) => sites, () => undefined, refuse]) {
        Error.prepareStackTrace = strange;
        const main = async () => {
          getRunningLoop().setExceptionHandler((_loop, context) => void reported.push(context));
          createTask(() => Promise.reject(boom));
          const ended = await failureOf(() =>
            timeout(1, () => taskGroup((group) => group.createTask(() => sleep(9)))),
          );
          return (ended as Error).name;
        };
        expect(await run(main, { debug: true, clock: new VirtualClock() })).toBe("TimeoutError");
      }
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
    expect(reported.length).toBe(3);
  });

  it.each([
    [[]],
    [["--frozen-intrinsics"]],
    [["--stack-trace-limit=0"]],
    [["--disallow-code-generation-from-strings"]],
  ])("in a program of its own with %j a deadline, a group and a cancel end as ever", (flags) => {
    const program = `
        import { createTask, run, sleep, taskGroup, timeout } from "threadloop";
        Object.freeze(Error);
        await run(async () => {
          const names = [];
          await timeout(1, () => sleep(1000)).catch((error) => names.push(error.name));
          await taskGroup((group) => group.createTask(() => Promise.reject(1))).catch((error) => names.push(error.name));
          const task = createTask(() => sleep(1000));
          task.cancel();
          await task.catch((error) => names.push(error.name));
          console.log(names.join());
        });`;
    const args = ["--no-warnings", ...flags, "--input-type=module", "-e", program];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([stdout, stderr, status]).toEqual(["TimeoutError,ExceptionGroup,CancelledError\n", "", 0]);
  });
});
