import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  CancelledError,
  createSubprocess,
  createSubprocessShell,
  createTask,
  gather,
  getRunningLoop,
  type Process,
  run,
  type StreamReader,
  type StreamWriter,
  type SubprocessOptions,
  sleep,
  TimeoutError,
  timeout,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

const CAT = "process.stdin.pipe(process.stdout)";
const HANG = "setInterval(() => {}, 1000); console.log('ready')";

const PIPES = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;

/** Runs a program of Node's. */
const node = <const O extends SubprocessOptions>(program: string, options: O) =>
  createSubprocess(process.execPath, ["-e", program], options);

/** A process that has said that it runs, and will not end by itself. */
async function hanging() {
  const proc = await node(HANG, { stdout: "pipe" });
  expect(String(await proc.stdout.readLine())).toBe("ready\n");
  return proc;
}

/** Tells whether there is a process of this number that is not a zombie of ours. */
function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("createSubprocess", () => {
  it("writes the input and reads the output of a program", () =>
    run(async () => {
      const proc = await node(CAT, { stdin: "pipe", stdout: "pipe" });
      proc.stdin.write("some data");
      await proc.stdin.drain();
      proc.stdin.close();
      expect(String(await proc.stdout.read())).toBe("some data");
      expect(await proc.wait()).toBe(0);
      await proc.stdin.waitClosed();
    }));

  it("reads output while input goes on", () =>
    run(async () => {
      const proc = await node(CAT, { stdin: "pipe", stdout: "pipe" });
      for (const word of ["one\n", "two\n"]) {
        proc.stdin.write(word);
        expect(String(await proc.stdout.readLine())).toBe(word);
      }
      proc.stdin.writeEof();
      expect((await proc.stdout.readLine()).length).toBe(0);
      expect(await proc.wait()).toBe(0);
    }));

  it("gives arguments as they are, without a shell", () =>
    run(async () => {
      const args = ["-e", "console.log(process.argv.slice(1).join('|'))", "a b", "$HOME", "*"];
      const proc = await createSubprocess(process.execPath, args, { stdout: "pipe" });
      expect((await proc.communicate()).stdout.toString()).toBe("a b|$HOME|*\n");
    }));

  it("passes Node's own options on", () =>
    run(async () => {
      const proc = await node("console.log(process.env.GREETING, process.cwd())", {
        stdout: "pipe",
        env: { GREETING: "hello" },
        cwd: "/",
      });
      expect(String(await proc.stdout.readLine())).toBe("hello /\n");
      await proc.wait();
    }));

  it("throws Node's error when there is no such program, and leaves nothing behind", () =>
    run(async () => {
      const loop = getRunningLoop();
      for (const options of [{}, PIPES, { ...PIPES, stderr: "stdout" }] as SubprocessOptions[]) {
        const error = await failureOf(createSubprocess("/no/such/program", [], options));
        expect(error).toMatchObject({ code: "ENOENT", path: "/no/such/program" });
      }
      while (loop._atClose.size > 0) await sleep(1);
    }));

  it("refuses what it cannot run, by name", () =>
    run(async () => {
      expect(await failureOf(createSubprocess(5 as never))).toEqual(
        new TypeError("Expected `command` to be the name or path of a program, got `5` (number)"),
      );
      expect(await failureOf(createSubprocess(""))).toBeInstanceOf(RangeError);
      expect(await failureOf(createSubprocess("x", [5 as never]))).toEqual(
        new TypeError("Expected `args[0]` to be a string, got `5` (number)"),
      );
      expect(await failureOf(createSubprocess("x", [], { stdin: "stdout" as never }))).toEqual(
        new TypeError(
          'Expected `stdin` to be "pipe", "inherit", "ignore", a file descriptor or a stream, got `\'stdout\'` (string)',
        ),
      );
      expect(await failureOf(createSubprocessShell(null as never))).toEqual(
        new TypeError("Expected `commandLine` to be a command line for the shell, got `null` (null)"),
      );
    }));

  it("kills the program when it is cancelled while it starts, and waits for its end", () =>
    run(async () => {
      const loop = getRunningLoop();
      const children: ChildProcess[] = [];
      const remember = (message: unknown) => children.push((message as { process: ChildProcess }).process);
      subscribe("child_process", remember);
      const starting = createTask(() => node(HANG, PIPES));
      await sleep(0);
      starting.cancel();
      expect(await failureOf(starting)).toBeInstanceOf(CancelledError);
      unsubscribe("child_process", remember);
      expect(children.map((child) => child.signalCode)).toEqual(["SIGKILL"]);
      while (loop._atClose.size > 0) await sleep(1); // its pipes are closed
    }));

  it("has streams only where a pipe was asked for", () =>
    run(async () => {
      const proc = await node("", { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
      expectTypeOf(proc).toEqualTypeOf<Process<null, null, null>>();
      expect([proc.stdin, proc.stdout, proc.stderr]).toEqual([null, null, null]);
      expect(await proc.communicate()).toEqual({ stdout: null, stderr: null });
      expect(proc.returncode).toBe(0);
    }));

  it("knows in its type which streams there are", () => {
    const typed = async () => {
      const piped = await createSubprocess("x", [], { stdin: "pipe", stdout: "pipe" });
      expectTypeOf(piped).toEqualTypeOf<Process<StreamWriter, StreamReader, null>>();
      const inherited = await createSubprocess("x");
      expectTypeOf(inherited).toEqualTypeOf<Process<null, null, null>>();
      const options: SubprocessOptions = {};
      const unknown = await createSubprocess("x", [], options);
      expectTypeOf(unknown).toEqualTypeOf<
        Process<StreamWriter | null, StreamReader | null, StreamReader | null>
      >();
      const shell = await createSubprocessShell("x", { stderr: "pipe" });
      expectTypeOf(shell.communicate()).toEqualTypeOf<Promise<{ stdout: null; stderr: Buffer }>>();
    };
    expect(typed).toBeTypeOf("function");
  });

  it("joins the error output to the output, in the order in which they were written", () =>
    run(async () => {
      const script = "for i in 1 2 3; do echo out$i; echo err$i >&2; done";
      const proc = await createSubprocess("sh", ["-c", script], { stdout: "pipe", stderr: "stdout" });
      expectTypeOf(proc).toEqualTypeOf<Process<null, StreamReader, null>>();
      const { stdout } = await proc.communicate();
      expect(String(stdout)).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    }));

  it("holds up a program whose output is not read", () =>
    run(async () => {
      const proc = await node(
        "const b = Buffer.alloc(1e6); const more = () => { while (process.stdout.write(b)); };" +
          "process.stdout.on('drain', more); more()",
        { stdout: "pipe", limit: 4096 },
      );
      await proc.stdout.readExactly(10);
      for (let quiet = 0, before = ""; quiet < 10; quiet++) {
        await sleep(1);
        if (inspect(proc.stdout) !== before) quiet = 0;
        before = inspect(proc.stdout);
      }
      expect(inspect(proc.stdout)).toMatch(/^<StreamReader \d{1,6} bytes, limit=4096, paused>$/);
      proc.kill();
      await proc.wait();
    }));

  it("keeps output that is read after the end of the process", () =>
    run(async () => {
      const proc = await node("process.stdout.write('x'.repeat(50_000))", { stdout: "pipe", limit: 100 });
      expect(await proc.wait()).toBe(0);
      expect((await proc.stdout.read()).length).toBe(50_000);
    }));
});

describe("createSubprocessShell", () => {
  it("runs a command line", () =>
    run(async () => {
      const proc = await createSubprocessShell("echo $((40 + 2)); exit 7", { stdout: "pipe" });
      expect(String((await proc.communicate()).stdout)).toBe("42\n");
      expect(await proc.wait()).toBe(7);
    }));
});

describe("Process", () => {
  describe("communicate", () => {
    it("feeds the input and collects both outputs", () =>
      run(async () => {
        const proc = await node(`${CAT}; console.error('seen')`, PIPES);
        const { stdout, stderr } = await proc.communicate("some data");
        expect([String(stdout), String(stderr), proc.returncode]).toEqual(["some data", "seen\n", 0]);
      }));

    it("ends the input when there is none", () =>
      run(async () => {
        for (const input of [undefined, null, "", Buffer.alloc(0)]) {
          const proc = await node(CAT, PIPES);
          expect((await proc.communicate(input)).stdout.length).toBe(0);
        }
      }));

    it("moves more than any pipe holds, in both directions at once", () =>
      run(async () => {
        const proc = await node(CAT, { stdin: "pipe", stdout: "pipe" });
        const input = Buffer.alloc(3_000_000, "abc");
        const { stdout } = await proc.communicate(input);
        expect(stdout.equals(input)).toBe(true);
      }));

    it("does not mind a program that does not read its input", () =>
      run(async () => {
        const proc = await node("process.exit(3)", PIPES);
        await proc.communicate(Buffer.alloc(5_000_000));
        expect(proc.returncode).toBe(3);
      }));

    it("refuses input for a process without a pipe for it", () =>
      run(async () => {
        const proc = await node("", { stdout: "pipe" });
        expect(await failureOf(proc.communicate("lost"))).toMatchObject({
          name: "TypeError",
          message: 'communicate(input) needs a pipe: start the process with { stdin: "pipe" }',
        });
        await proc.wait();
      }));

    it("can be tried again after a deadline, and has lost nothing", () =>
      run(async () => {
        const proc = await node(`console.log('early'); ${CAT}`, { stdin: "pipe", stdout: "pipe" });
        while (!inspect(proc.stdout).includes("bytes")) await sleep(1);
        const { stdin } = proc;
        const first = createTask(() => proc.stdout.read());
        await sleep(0);
        first.cancel();
        expect(await failureOf(first)).toBeInstanceOf(CancelledError);
        stdin.write("late");
        expect(String((await proc.communicate("r")).stdout)).toBe("early\nlater");
      }));

    it("is cancelled at once, and the process goes on", () =>
      run(async () => {
        const proc = await node(CAT, { stdin: "pipe", stdout: "pipe" });
        const talk = createTask(() => timeout(0, () => proc.communicate("abc")));
        expect(await failureOf(talk)).toBeInstanceOf(TimeoutError);
        expect(proc.returncode).toBeNull();
        expect(String((await proc.communicate()).stdout)).toMatch(/^(abc)?$/);
      }));
  });

  describe("wait", () => {
    it("gives the exit code to all who wait, and afterwards", () =>
      run(async () => {
        const proc = await node("process.exit(5)", {});
        expect(
          await gather(
            () => proc.wait(),
            () => proc.wait(),
          ),
        ).toEqual([5, 5]);
        expect(await proc.wait()).toBe(5);
        expect(proc.returncode).toBe(5);
      }));

    it("leaves the process alone when it is cancelled", () =>
      run(async () => {
        const proc = await hanging();
        const waiting = createTask(() => proc.wait());
        await sleep(0);
        waiting.cancel();
        expect(await failureOf(waiting)).toBeInstanceOf(CancelledError);
        expect(await failureOf(timeout(5, () => proc.wait()))).toBeInstanceOf(TimeoutError);
        expect(proc.returncode).toBeNull();
        proc.kill();
        expect(await proc.wait()).toBe(-9);
      }));

    it("ends with the process, although somebody else holds its pipe", () =>
      run(async () => {
        const proc = await createSubprocessShell("sleep 1000 & echo $!", { stdout: "pipe" });
        const other = Number(await proc.stdout.readLine());
        expect(await proc.wait()).toBe(0);
        expect(proc.stdout.atEof()).toBe(false);
        process.kill(other, "SIGKILL");
        expect((await proc.stdout.read()).length).toBe(0);
      }));
  });

  it.each([
    ["kill", (proc: Process) => proc.kill(), "SIGKILL"],
    ["terminate", (proc: Process) => proc.terminate(), "SIGTERM"],
    ["sendSignal", (proc: Process) => proc.sendSignal("SIGHUP"), "SIGHUP"],
    ["sendSignal, by number,", (proc: Process) => proc.sendSignal(constants.signals.SIGINT), "SIGINT"],
  ] as const)("%s ends it with its signal", (_name, end, signal) =>
    run(async () => {
      const proc = await hanging();
      end(proc);
      expect(await proc.wait()).toBe(-constants.signals[signal]);
      end(proc); // there is nobody left to signal
      expect(proc.returncode).toBe(-constants.signals[signal]);
    }),
  );

  it("delivers a signal that the program handles", () =>
    run(async () => {
      const proc = await node(
        `process.on('SIGHUP', () => { console.log('SIGHUP'); process.exit(0); }); ${HANG}`,
        { stdout: "pipe" },
      );
      expect(String(await proc.stdout.readLine())).toBe("ready\n");
      proc.sendSignal("SIGHUP");
      expect(String(await proc.stdout.readLine())).toBe("SIGHUP\n");
      expect(await proc.wait()).toBe(0);
    }));

  it("fails to drain when the program does not read and ends", () =>
    run(async () => {
      const proc = await node("setTimeout(() => {}, 10)", { stdin: "pipe" });
      proc.stdin.write(Buffer.alloc(5_000_000));
      const error = (await failureOf(proc.stdin.drain())) as NodeJS.ErrnoException;
      expect(["EPIPE", "ECONNRESET"]).toContain(error.code);
      expect(await proc.wait()).toBe(0);
    }));

  it("is killed by await using", () =>
    run(async () => {
      const proc = await hanging();
      expect(inspect(proc)).toBe(`<Process ${proc.pid} running>`);
      await proc[Symbol.asyncDispose]();
      expect(proc.returncode).toBe(-9);
      expect(inspect(proc)).toBe(`<Process ${proc.pid} returncode=-9>`);
      await proc[Symbol.asyncDispose]();
    }));

  it("is killed when the loop closes", async () => {
    const pid = await run(async () => (await hanging()).pid);
    while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
  });

  it("outlives the loop when it is detached", async () => {
    const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
    const path = join(folder, "last words");
    const { pid } = await run(async () => {
      const speak = `require("fs").writeFileSync(${JSON.stringify(path)}, "still here")`;
      const program = `process.on("SIGTERM", () => { ${speak}; process.exit() }); ${HANG}`;
      const proc = await node(program, { stdout: "pipe", detached: true });
      await proc.stdout.readLine();
      return proc;
    });
    process.kill(pid, "SIGTERM");
    while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
    expect(readFileSync(path, "utf8")).toBe("still here");
    await rm(folder, { recursive: true });
  });

  it("does not let a virtual clock jump while it is waited for", () =>
    run(
      async () => {
        const proc = await node("", {});
        expect(await timeout(1000, () => proc.wait())).toBe(0);
        expect(getRunningLoop().time()).toBe(0);
      },
      { clock: new VirtualClock() },
    ));
});
