/**
 * These tests are about callbacks: what is taken as one, in which context it runs, and who is told of errors nobody
 * looks at.
 */
import {
  any,
  asTask,
  ContextVar,
  copyContext,
  coroutine,
  createTask,
  type ExceptionContext,
  Future,
  gather,
  getRunningLoop,
  isCoroutine,
  newEventLoop,
  race,
  runCoroutineThreadsafe,
  shield,
  sleep,
  wrapFuture,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, virtual } from "../../support/virtual.ts";

describe("a coroutine function as a callback", () => {
  const work = coroutine(async () => {});
  const bad = work as never as () => void;

  it.each<[string, () => unknown]>([
    ["test_call_coroutine", () => getRunningLoop().callSoon(bad)],
    ["callSoonThreadsafe", () => getRunningLoop().callSoonThreadsafe(bad)],
    ["callLater", () => getRunningLoop().callLater(1, bad)],
    ["callAt", () => getRunningLoop().callAt(1, bad)],
    ["callSoon with a context", () => getRunningLoop().callSoon({ context: copyContext() }, bad)],
    ["addDoneCallback", () => new Future().addDoneCallback(bad)],
    ["test_add_signal_handler_coroutine_error", () => getRunningLoop().addSignalHandler("SIGHUP", bad)],
  ])("is refused, as nobody would start what it makes: %s", (_, call) =>
    virtual(async () => {
      expect(call).toThrow(TypeError);
      expect(call).toThrow("made by coroutine(), whose call nobody would start: pass () => createTask(fn())");
    }),
  );

  it("may be an async function, and asTask takes one of either kind", () =>
    virtual(async () => {
      const ran: string[] = [];
      getRunningLoop().callSoon(async () => {
        await null;
        ran.push("async");
      });
      getRunningLoop().callSoon(() => {
        createTask(coroutine(async () => void ran.push("task"))());
      });
      await sleep(1);
      expect(ran).toEqual(["async", "task"]);
      expect([typeof asTask, isCoroutine(work().close())]).toEqual(["function", false]);
    }));
});

describe("the context of a callback", () => {
  const variable = new ContextVar("variable", { default: 0 });
  const contextWith = (value: number) => {
    const context = copyContext();
    context.run(() => variable.set(value));
    return context;
  };

  it("is the one given, which keeps what it sets; a copy of the caller's by default", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      const seen: unknown[] = [];
      const note = (...args: unknown[]) => {
        seen.push([...args, variable.get()]);
        variable.set(variable.get() + 1);
      };
      variable.set(1);
      const context = contextWith(10);
      loop.callSoon(note, "soon");
      loop.callSoon({ context }, note, "soon", { context });
      loop.callSoonThreadsafe({ context }, note, "threadsafe");
      loop.callLater(1, { context }, note, "later");
      const handle = loop.callAt(2, { context }, note, "at");
      const future = new Future<number>();
      future.addDoneCallback(() => note("done"));
      future.addDoneCallback(() => note("done"), { context });
      loop.callLater(3, () => future.setResult(1));
      await sleep(5);
      expect(seen).toEqual([
        ["soon", 1],
        ["soon", { context }, 10],
        ["threadsafe", 11],
        ["later", 12],
        ["at", 13],
        ["done", 1],
        ["done", 14],
      ]);
      expect([handle.getContext(), context.get(variable), variable.get()]).toEqual([context, 15, 1]);
    }));

  it("is never taken from the arguments", () =>
    virtual(async () => {
      const seen: unknown[] = [];
      const context = contextWith(10);
      getRunningLoop().callSoon((...args: unknown[]) => seen.push(args, variable.get()), { context });
      await sleep(1);
      expect(seen).toEqual([[{ context }], 0]);
    }));

  it("must be one", () =>
    virtual(async () => {
      const loop = getRunningLoop();
      const context = {} as never;
      for (const call of [
        () => loop.callSoon({ context }, () => {}),
        () => loop.callLater(1, { context }, () => {}),
        () => new Future().addDoneCallback(() => {}, { context }),
        () => loop.callSoon({} as never, () => {}),
        () => loop.callSoon(Promise.resolve() as never, () => {}),
      ])
        expect(call).toThrow(TypeError);
    }));
});

describe("new Future", () => {
  it("test_constructor_positional: takes a loop and nothing else", () => {
    for (const value of [
      (resolve: (value: number) => void) => resolve(1),
      42,
      "loop",
      {},
      { loop: newEventLoop() },
    ])
      expect(() => new Future(value as never)).toThrow(TypeError);
    expect(() => new Future((() => {}) as never)).toThrow("it takes no executor");
    const loop = newEventLoop();
    expect(new Future(loop).getLoop()).toBe(loop);
    loop.close();
  });
});

/** What the exception handler of a loop is told until the loop is closed. */
async function told(main: () => Promise<unknown>): Promise<string[]> {
  const messages: string[] = [];
  await virtual(async () => {
    getRunningLoop().setExceptionHandler((_, { message, exception }: ExceptionContext) => {
      messages.push(`${message}: ${(exception as Error).message}`);
    });
    await main();
  });
  return messages;
}

const failing = async () => {
  await sleep(1);
  throw new Error("lost");
};

describe("an error that nobody looks at", () => {
  it.each<[string, () => unknown]>([
    ["of a shielded task", () => shield(failing)],
    ["of what is shielded twice", () => shield(shield(failing))],
    ["of a coroutine started from outside", () => runCoroutineThreadsafe(failing, getRunningLoop())],
    ["of a wrapped future", () => wrapFuture(runCoroutineThreadsafe(failing, getRunningLoop()))],
  ])("is told, once: %s", async (_, begin) => {
    const messages = await told(async () => {
      begin();
      await sleep(5);
    });
    expect(messages).toEqual(["Future exception was never retrieved: lost"]);
  });

  it("is not told when somebody looks at it", async () => {
    const messages = await told(async () => {
      const [shielded, outside] = [shield(failing), runCoroutineThreadsafe(failing, getRunningLoop())];
      await failureOf(shielded);
      await failureOf(outside);
    });
    expect(messages).toEqual([]);
  });

  it("test_tb_logger_not_called_after_cancel: is not told of what was cancelled after it had failed", async () => {
    const messages = await told(async () => {
      const future = new Future();
      future.setException(new Error("lost"));
      const all = [createTask(failing), future, shield(failing), gather(failing), sleep(1).then(failing)];
      await sleep(5);
      for (const each of all) expect((each as Future).cancel()).toBe(false);
    });
    expect(messages).toEqual([]);
  });

  it.each([
    ["race", () => race([async () => "first", async () => Promise.reject(new Error("second"))])],
    ["any", () => any([async () => "first", async () => Promise.reject(new Error("second"))])],
  ])("is not told of what lost a %s in the winner's iteration", async (_, begin) => {
    expect(await told(async () => expect(await begin()).toBe("first"))).toEqual([]);
  });
});
