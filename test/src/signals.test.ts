import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  ContextVar,
  coroutine,
  createSubprocess,
  currentTask,
  Event,
  type ExceptionContext,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  run,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PRELUDE = `
  import { Event, createTask, currentTask, getEventLoop, getRunningLoop, run, sleep } from "threadloop";
  const ready = () => console.log("ready");
  const report = (error) => console.log(error.name, "because of", error.cause?.name);
`;

/** Runs a program, sends it these signals, one for each line it prints, and gives what it printed and its end. */
async function signalled(program: string, signals: NodeJS.Signals[]) {
  const args = ["--input-type=module", "-e", PRELUDE + program];
  await using proc = await createSubprocess(process.execPath, args, { cwd: ROOT, stdout: "pipe" });
  const lines: string[] = [];
  for await (const line of proc.stdout.lines()) {
    lines.push(line);
    const signal = signals.shift();
    if (signal !== undefined) proc.sendSignal(signal);
  }
  return { lines, returncode: await proc.wait() };
}

const raise = (signal: NodeJS.Signals) => process.kill(process.pid, signal);

describe("SIGINT", () => {
  it("cancels main, which cleans up; then run throws KeyboardInterrupt", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {
          ready();
          try {
            await sleep(1e6);
          } finally {
            await sleep(1);
            console.log("cleaned up");
          }
        }).catch(report);`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({
      lines: ["ready", "cleaned up", "KeyboardInterrupt because of CancelledError"],
      returncode: 0,
    });
  });

  it("cancels main once, however deep it waits, and main may go on", async () => {
    const end = await run(() =>
      signalled(
        `console.log(await run(async () => {
          ready();
          const inner = createTask(() => sleep(1e6));
          await inner.catch((error) => report(error));
          return currentTask().cancelling();
        }));`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({
      lines: ["ready", "CancelledError because of KeyboardInterrupt", "1"],
      returncode: 0,
    });
  });

  it("ends the process the second time", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {
          ready();
          await sleep(1e6).catch(() => console.log("takes its time"));
          await sleep(1e6);
        });`,
        ["SIGINT", "SIGINT"],
      ),
    );
    expect(end).toEqual({ lines: ["ready", "takes its time"], returncode: -2 });
  });

  it("leaves it a CancelledError when somebody else cancels main too", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {
          ready();
          const main = currentTask();
          main.signal.addEventListener("abort", () => main.cancel());
          await sleep(1e6);
        }).catch(report);`,
        ["SIGINT"],
      ),
    );
    expect(end.lines).toEqual(["ready", expect.stringMatching(/^CancelledError /)]);
  });

  it("is not touched when the application listens to it", async () => {
    const end = await run(() =>
      signalled(
        `const alive = setInterval(() => {}, 1e6);
        const asked = new Promise((resolve) => process.once("SIGINT", resolve));
        await run(async () => {
          ready();
          await asked;
          console.log(currentTask().cancelling());
        });
        clearInterval(alive);`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({ lines: ["ready", "0"], returncode: 0 });
  });

  it("goes to the handler that main adds, and back to main when it is removed", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {
          const asked = new Event();
          getRunningLoop().addSignalHandler("SIGINT", () => asked.set());
          ready();
          await asked.wait();
          getRunningLoop().removeSignalHandler("SIGINT");
          console.log("asked");
          await sleep(1e6);
        }).catch(report);`,
        ["SIGINT", "SIGINT"],
      ),
    );
    expect(end.lines).toEqual(["ready", "asked", "KeyboardInterrupt because of CancelledError"]);
  });

  it("has its default again after run", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {});
        setInterval(() => {}, 1000);
        ready();`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({ lines: ["ready"], returncode: -2 });
  });
});

describe("addSignalHandler", () => {
  it("runs its callback in the loop, in the context of who added it, at each signal", () =>
    run(async () => {
      const loop = getRunningLoop();
      const who = new ContextVar("who", { default: "nobody" });
      who.set("adder");
      const seen: unknown[] = [];
      const twice = new Event();
      loop.addSignalHandler(
        "SIGUSR2",
        (...args) => {
          if (seen.push([...args, who.get(), currentTask()]) === 2) twice.set();
        },
        1,
        "two",
      );
      who.set("later");
      raise("SIGUSR2");
      while (seen.length < 1) await sleep(1);
      raise("SIGUSR2");
      await twice.wait();
      expect(seen).toEqual([
        [1, "two", "adder", null],
        [1, "two", "adder", null],
      ]);
    }));

  it("replaces the one that was added before", () =>
    run(async () => {
      const loop = getRunningLoop();
      const seen: string[] = [];
      const done = new Event();
      loop.addSignalHandler("SIGUSR2", () => seen.push("first"));
      loop.addSignalHandler("SIGUSR2", () => done.set());
      expect(process.listenerCount("SIGUSR2")).toBe(1);
      raise("SIGUSR2");
      await done.wait();
      expect(seen).toEqual([]);
    }));

  it("is undone by removeSignalHandler, which says whether there was one", () =>
    run(async () => {
      const loop = getRunningLoop();
      expect(loop.removeSignalHandler("SIGUSR2")).toBe(false);
      loop.addSignalHandler("SIGUSR2", () => {});
      expect(process.listenerCount("SIGUSR2")).toBe(1);
      expect(loop.removeSignalHandler("SIGUSR2")).toBe(true);
      expect(process.listenerCount("SIGUSR2")).toBe(0);
    }));

  it("is undone when the loop closes", async () => {
    await run(async () => getRunningLoop().addSignalHandler("SIGUSR2", () => {}));
    expect(process.listenerCount("SIGUSR2")).toBe(0);
  });

  it("reports a callback that throws", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = new Event();
      const reports: ExceptionContext[] = [];
      loop.setExceptionHandler((_loop, context) => {
        reports.push(context);
        reported.set();
      });
      const error = new Error("in the handler");
      loop.addSignalHandler("SIGUSR2", () => {
        throw error;
      });
      raise("SIGUSR2");
      await reported.wait();
      expect(reports).toMatchObject([{ message: "Exception in callback", exception: error }]);
    }));

  it("names a signal that is none or cannot be caught, and a callback that is none", () =>
    run(async () => {
      const loop = getRunningLoop();
      expect(() => loop.addSignalHandler("SIGNOTHING" as "SIGTERM", () => {})).toThrow(
        "Expected `signal` to be a signal of this system, got `'SIGNOTHING'` (string)",
      );
      expect(() => loop.addSignalHandler(15 as unknown as "SIGTERM", () => {})).toThrow(TypeError);
      expect(() => loop.removeSignalHandler("toString" as "SIGTERM")).toThrow(RangeError);
      for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
        expect(() => loop.addSignalHandler(signal, () => {})).toThrow(RuntimeError);
        expect(loop.removeSignalHandler(signal)).toBe(false);
      }
      const call = coroutine(async () => {})();
      expect(() => loop.addSignalHandler("SIGUSR2", call as never)).toThrow(/a coroutine goes to createTask/);
      call.close();
      expect(process.listenerCount("SIGUSR2")).toBe(0);
    }));

  it("refuses on a closed loop", () => {
    const loop = newEventLoop();
    loop.close();
    expect(() => loop.addSignalHandler("SIGUSR2", () => {})).toThrow("Event loop is closed");
  });

  it("keeps a loop awake that waits for nothing but a signal", async () => {
    const end = await run(() =>
      signalled(
        `await run(async () => {
          const stop = new Event();
          getRunningLoop().addSignalHandler("SIGTERM", () => stop.set());
          ready();
          await stop.wait();
          console.log("stopped");
        });`,
        ["SIGTERM"],
      ),
    );
    expect(end).toEqual({ lines: ["ready", "stopped"], returncode: 0 });
  });

  it("stops a loop that runs for ever, and then holds nothing open", async () => {
    const end = await run(() =>
      signalled(
        `const loop = getEventLoop();
        loop.addSignalHandler("SIGTERM", () => loop.stop());
        loop.callSoon(ready);
        await loop.runForever();
        console.log("stopped");`,
        ["SIGTERM"],
      ),
    );
    expect(end).toEqual({ lines: ["ready", "stopped"], returncode: 0 });
  });

  it("leaves listeners of the application alone", () =>
    run(async () => {
      const heard = once(process, "SIGUSR2");
      const stop = new Event();
      getEventLoop().addSignalHandler("SIGUSR2", () => stop.set());
      raise("SIGUSR2");
      await stop.wait();
      expect(getEventLoop().removeSignalHandler("SIGUSR2")).toBe(true);
      expect(await heard).toEqual(["SIGUSR2", expect.any(Number)]);
    }));
});
