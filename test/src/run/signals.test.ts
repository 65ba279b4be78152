import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  ContextVar,
  coroutine,
  createSubprocess,
  currentTask,
  Event,
  type ExceptionContext,
  gather,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  type Process,
  RuntimeError,
  run,
  type StreamReader,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PRELUDE = `
  import { Event, createTask, currentTask, getEventLoop, getRunningLoop, run, sleep } from "threadloop";
  const ready = () => console.log("ready");
  const report = (error) => console.log(error.name, "because of", error.cause?.name);
`;

/** Runs a program, sends it these signals, one for each line it prints, and gives what it printed and its end. */
async function signalled(program: string, signals: NodeJS.Signals[]) {
  const args = ["--input-type=module", "-e", PRELUDE + program];
  await using proc = await createSubprocess(process.execPath, args, { cwd: ROOT, stdout: "pipe" });
  return await answers(proc, signals);
}

/** The same, but sends a signal when a certain line was printed. */
async function signalledAt(program: string, signals: Record<string, NodeJS.Signals>) {
  const args = ["--input-type=module", "-e", PRELUDE + program];
  await using proc = await createSubprocess(process.execPath, args, { cwd: ROOT, stdout: "pipe" });
  const lines: string[] = [];
  for await (const line of proc.stdout.lines()) {
    lines.push(line);
    const signal = signals[line];
    if (signal !== undefined) proc.sendSignal(signal);
  }
  return { lines, returncode: await proc.wait() };
}

/** The same, and gives what it told on stderr too. */
async function signalledAndTold(program: string, signals: NodeJS.Signals[], env: NodeJS.ProcessEnv = {}) {
  const args = ["--input-type=module", "-e", PRELUDE + program];
  const options = { cwd: ROOT, stdout: "pipe", stderr: "pipe", env: { ...process.env, ...env } } as const;
  await using proc = await createSubprocess(process.execPath, args, options);
  const [end, told] = await gather([() => answers(proc, signals), () => proc.stderr.read()]);
  return { ...end, told: String(told) };
}

async function answers(proc: Process & { stdout: StreamReader }, signals: NodeJS.Signals[]) {
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

describe("SIGINT beside listeners of others", () => {
  const polite = 'import { onExit } from "signal-exit";\n';

  it("cancels main though a library has a listener since that leaves the signal to others", async () => {
    const end = await run(() =>
      signalled(
        `${polite}await run(async () => {
          onExit(() => console.log("exit hook"));
          process.on("SIGINT", () => {});
          ready();
          await sleep(1e6);
        }).catch(report);
        process.exit();`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({
      lines: ["ready", "KeyboardInterrupt because of CancelledError", "exit hook"],
      returncode: 0,
    });
  });

  it("leaves it to a library that listens from before, which ends the process", async () => {
    const end = await run(() =>
      signalled(
        `${polite}onExit(() => console.log("exit hook"));
        await run(async () => {
          ready();
          await sleep(1e6);
        });`,
        ["SIGINT"],
      ),
    );
    expect(end).toEqual({ lines: ["ready", "exit hook"], returncode: -2 });
  });

  it.each([
    ["a polite one, which then runs its hooks", `onExit(() => console.log("exit hook"));`, ["exit hook"]],
    ["a deaf one", `process.on("SIGINT", () => {});`, []],
    ["both", `process.on("SIGINT", () => {}); onExit(() => console.log("exit hook"));`, []],
  ])("ends the process the second time, whoever listens: %s", async (_, listening, last) => {
    for (const when of ["before", "after"]) {
      const program = `${polite}await run(async () => {
        ${when === "before" ? listening : ""}
        ready();
        await sleep(1e6).catch(() => console.log("takes its time"));
        ${when === "after" ? listening : ""}
        console.log("goes on");
        await sleep(1e6);
      });`;
      const end = await run(() => signalledAt(program, { ready: "SIGINT", "goes on": "SIGINT" }));
      expect(end).toEqual({ lines: ["ready", "takes its time", "goes on", ...last], returncode: -2 });
    }
  });

  it("ends the process the second time when no turn of the loop comes any more", async () => {
    const end = await run(() =>
      signalledAt(
        `await run(async () => {
          ready();
          await sleep(1e6).catch(() => console.log("spins"));
          for (;;);
        });`,
        { ready: "SIGINT", spins: "SIGINT" },
      ),
    );
    expect(end).toEqual({ lines: ["ready", "spins"], returncode: -2 });
  });

  it("ends the process while the end of run waits for what others left, and says for what", async () => {
    const end = await run(() =>
      signalledAndTold(
        `process.on("exit", () => {});
        const alive = setInterval(() => {}, 1e6);
        await run(async () => {
          createTask(() => new Promise(() => {}), { name: "poll\\x1b[31m" });
          process.on("SIGINT", () => {});
          await sleep(1);
          setTimeout(ready, 20);
        });`,
        ["SIGINT"],
      ),
    );
    expect(end).toMatchObject({ lines: ["ready"], returncode: -2 });
    expect(end.told).toMatch(
      /^run\(\) has ended, and waited for 1 task:\n {2}task 'poll\\x1b\[31m' \(.*\): waits on a promise that is not the runtime's for \d+\.\d s\n$/,
    );
  });
});

describe("an interrupt that nobody catches", () => {
  const interrupted = `run(async () => {
    ready();
    try {
      await sleep(1e6);
    } finally {
      await sleep(1);
      console.log("cleaned up");
    }
  }, { signals: ["SIGINT", "SIGTERM"] });`;

  it.each([
    ["SIGINT", -2, "KeyboardInterrupt: SIGINT\n"],
    ["SIGTERM", -15, "SignalInterrupt: SIGTERM\n"],
  ] as const)("ends the process as by %s, with one line", async (signal, returncode, told) => {
    for (const begin of ["await ", "void "]) {
      const program = `process.on("exit", () => console.log("exit"));\n${begin}${interrupted}`;
      const end = await run(() => signalledAndTold(program, [signal]));
      expect(end).toEqual({ lines: ["ready", "cleaned up", "exit"], returncode, told });
    }
  });

  it("is left to a program that handles uncaught errors", async () => {
    const program = `process.on("uncaughtException", (error) => console.log(error.name, error.signal));\nvoid ${interrupted}`;
    const end = await run(() => signalledAndTold(program, ["SIGINT"]));
    expect(end).toEqual({
      lines: ["ready", "cleaned up", "KeyboardInterrupt SIGINT"],
      returncode: 0,
      told: "",
    });
  });

  it("shows itself in one line, with what it came of", async () => {
    const end = await run(() =>
      signalledAndTold(
        "await run(async () => { ready(); await sleep(1e6); }).catch((error) => console.error(error.stack));",
        ["SIGINT"],
      ),
    );
    expect(end.told).toBe("KeyboardInterrupt: SIGINT\n");
  });
});

describe("the signals of run", () => {
  it("leaves the other signals alone", async () => {
    const end = await run(() =>
      signalled("await run(async () => { ready(); await sleep(1e6); });", ["SIGTERM"]),
    );
    expect(end).toEqual({ lines: ["ready"], returncode: -15 });
  });

  it("refuses what is no signal, and does not start main", async () => {
    let started = false;
    const main = async () => {
      started = true;
    };
    const refused = (signals: unknown) => run(main, { signals: signals as NodeJS.Signals[] });
    await expect(refused("SIGINT")).rejects.toThrow("Expected `signals` to be an array of signals");
    await expect(refused(["SIGNOTHING"])).rejects.toThrow(RangeError);
    await expect(refused([2])).rejects.toThrow(TypeError);
    await expect(refused(["SIGKILL"])).rejects.toThrow("sig SIGKILL cannot be caught");
    expect(started).toBe(false);
  });
});

/** Makes five seconds short, for the runtime's own timers too, and ends the program when it has told of its slow end. */
const HURRIED = `
  import { syncBuiltinESMExports } from "node:module";
  import timers from "node:timers";
  const { setTimeout } = timers;
  timers.setTimeout = (callback, delay, ...args) => setTimeout(callback, delay === 5000 ? 5 : delay, ...args);
  syncBuiltinESMExports();
  process.on("warning", ({ code }) => code === "THREADLOOP_SLOW_END" && setImmediate(() => process.exit(7)));
`;

describe("the end of run", () => {
  it("tells in debug mode what it has been waiting for since 5 s", async () => {
    const end = await run(() =>
      signalledAndTold(
        `const alive = setInterval(() => {}, 1e6);
        await run(async () => {
          createTask(() => new Promise(() => {}), { name: "poll" });
          await sleep(1);
        }).finally(() => clearInterval(alive));`,
        [],
        {
          THREADLOOP_DEBUG: "1",
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HURRIED)}`,
        },
      ),
    );
    expect(end.returncode).toBe(7);
    expect(end.told).toMatch(
      /\[THREADLOOP_SLOW_END\] RuntimeWarning: run\(\) has ended, and waits since 5 s for 1 task:\n {2}task 'poll' .*: waits on a promise/,
    );
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
