// These tests are what CPython's own test_subprocess and the processes of test_events ask, with the names they have
// there. The programs are those of the shell, which start quickly.
import { constants } from "node:os";
import {
  CancelledError,
  createSubprocess,
  createSubprocessShell,
  createTask,
  Event,
  gather,
  getRunningLoop,
  run,
  type SubprocessProtocolOptions,
  type SubprocessTransport,
  sleep,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf, turns } from "../../support/virtual.ts";

const { SIGHUP, SIGKILL, SIGTERM } = constants.signals;
const IN_AND_OUT = { stdin: "pipe", stdout: "pipe" } as const;
const ALL = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
/** More than a pipe holds. */
const LARGE = "x".repeat(4 * 2 ** 20 + 1);
/** A program that does not end by itself. */
const blocked = (options: object = {}) => createSubprocess("sleep", ["3600"], options);

/** Tells whether there is a process of this number. */
function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("A process, as CPython tests it", () => {
  it("test_stdin_stdout", () =>
    run(async () => {
      const proc = await createSubprocess("cat", [], IN_AND_OUT);
      proc.stdin.write("some data");
      await proc.stdin.drain();
      proc.stdin.close();
      expect(String(await proc.stdout.read())).toBe("some data");
      expect(await proc.wait()).toBe(0);
    }));

  it("test_communicate, test_communicate_none_input", () =>
    run(async () => {
      for (const [input, output] of [
        ["some data", "some data"],
        [Buffer.from([1, 2]), "\u0001\u0002"],
        [null, ""],
        [undefined, ""],
      ] as const) {
        const proc = await createSubprocess("cat", [], IN_AND_OUT);
        const { stdout, stderr } = await proc.communicate(input);
        expect([String(stdout), stderr, proc.returncode]).toEqual([output, null, 0]);
      }
    }));

  it("test_shell, test_start_new_session: gives the exit code", () =>
    run(async () => {
      const codes = await gather(
        async () => (await createSubprocessShell("exit 7")).wait(),
        async () => (await createSubprocessShell("exit 8", { detached: true })).wait(),
      );
      expect(codes).toEqual([7, 8]);
    }));

  it("test_kill, test_terminate, test_send_signal: gives the negative number of the signal", () =>
    run(async () => {
      const [killed, terminated, hungUp, numbered] = await gather(blocked, blocked, blocked, blocked);
      killed.kill();
      terminated.terminate();
      hungUp.sendSignal("SIGHUP");
      numbered.sendSignal(SIGHUP);
      const codes = await gather([killed, terminated, hungUp, numbered].map((proc) => () => proc.wait()));
      expect(codes).toEqual([-SIGKILL, -SIGTERM, -SIGHUP, -SIGHUP]);
      for (const ended of [killed, terminated, hungUp]) ended.kill();
      expect(killed.returncode).toBe(-SIGKILL);
    }));

  it("test_kill_issue43884: the end of the shell is the end, though a child of it holds the pipe", () =>
    run(async () => {
      const proc = await createSubprocessShell("echo ready; sleep 0.5; sleep 0.5", { stdout: "pipe" });
      await proc.stdout.readLine();
      proc.kill();
      expect(await proc.wait()).toBe(-SIGKILL);
    }));

  it("test_stdin_broken_pipe: drain fails when the program ends without reading", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      const proc = await createSubprocessShell("read line", { stdin: "pipe" });
      proc.stdin.write("go\n");
      const error = await failureOf(async () => {
        for (;;) {
          proc.stdin.write(LARGE);
          await proc.stdin.drain();
        }
      });
      expect(error).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) });
      await proc.wait();
      expect(reported).toEqual([]);
    }));

  it("test_communicate_ignore_broken_pipe", () =>
    run(async () => {
      const proc = await createSubprocessShell("exit 4", ALL);
      const { stdout } = await proc.communicate(LARGE);
      expect([String(stdout), await proc.wait()]).toEqual(["", 4]);
    }));

  it("test_pause_reading: output above twice the limit is all there", () =>
    run(async () => {
      const proc = await createSubprocessShell("printf %21s x; cat >&2", { ...ALL, limit: 10 });
      const { stdout, stderr } = await proc.communicate("y".repeat(1000));
      expect([String(stdout), String(stderr)]).toEqual([`${" ".repeat(20)}x`, "y".repeat(1000)]);
    }));

  it("test_stdin_not_inheritable: the input of one does not stay open in another", () =>
    run(async () => {
      const first = await createSubprocess("cat", [], ALL);
      const second = await blocked();
      const { stdout } = await first.communicate("abc");
      expect([String(stdout), await first.wait()]).toEqual(["abc", 0]);
      second.kill();
      await second.wait();
    }));

  it("test_empty_input, test_devnull_input", () =>
    run(async () => {
      const piped = await createSubprocessShell("wc -c", ALL);
      expect(String((await piped.communicate("")).stdout).trim()).toBe("0");
      const ignored = await createSubprocessShell("wc -c", { ...ALL, stdin: "ignore" });
      expect(ignored.stdin).toBeNull();
      expect(String((await ignored.communicate()).stdout).trim()).toBe("0");
    }));

  it("test_devnull_output, test_devnull_error", () =>
    run(async () => {
      const mute = await createSubprocessShell("cat; echo lost", { ...ALL, stdout: "ignore" });
      expect([(await mute.communicate("abc")).stdout, mute.returncode]).toEqual([null, 0]);
      const deaf = await createSubprocessShell("cat; echo lost >&2", { ...ALL, stderr: "ignore" });
      const { stdout, stderr } = await deaf.communicate("abc");
      expect([String(stdout), stderr, deaf.returncode]).toEqual(["abc", null, 0]);
    }));

  it("test_cancel_process_wait: another wait goes on, and so does the process", () =>
    run(async () => {
      const proc = await blocked();
      const [cancelled, other] = [createTask(() => proc.wait()), createTask(() => proc.wait())];
      getRunningLoop().callSoon(() => cancelled.cancel());
      expect(await failureOf(cancelled)).toBeInstanceOf(CancelledError);
      expect([cancelled.cancel(), other.done(), proc.returncode]).toEqual([false, false, null]);
      proc.kill();
      expect([await other, await proc.wait()]).toEqual([-SIGKILL, -SIGKILL]);
    }));

  it("a cancelled communicate can be called again, and nothing of the input is sent twice", () =>
    run(async () => {
      const proc = await createSubprocessShell("read line; echo $line; cat", IN_AND_OUT);
      const first = createTask(() => proc.communicate("one\ntwo\n"));
      for (let i = 0; i < 3; i++) await turns(1);
      first.cancel();
      expect(await failureOf(first)).toBeInstanceOf(CancelledError);
      expect(String((await proc.communicate()).stdout)).toBe("one\ntwo\n");
    }));

  it("test_cancel_make_subprocess_transport_exec, test_cancel_post_init: no process is left", () =>
    run(async () => {
      const started: Promise<unknown>[] = [];
      const pids: number[] = [];
      const noting = {
        connectionMade(transport: SubprocessTransport) {
          pids.push(transport.getPid());
        },
      };
      const loop = getRunningLoop();
      for (const start of [blocked, () => loop.subprocessExec(() => noting, "sleep", ["3600"])]) {
        const task = createTask<unknown>(start as () => Promise<unknown>);
        loop.callSoon(() => task.cancel());
        started.push(failureOf(task));
      }
      for (const failure of started) expect(await failure).toBeInstanceOf(CancelledError);
      for (const pid of pids) while (alive(pid)) await sleep(1);
    }));

  it("test_popen_error, test_popen_error_with_stdin_pipe: no program, no process, no report", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      for (const options of [{}, IN_AND_OUT, { ...ALL, stderr: "stdout" as const }])
        expect(await failureOf(() => createSubprocess("/no/such/program", [], options))).toMatchObject({
          code: "ENOENT",
        });
      expect(reported).toEqual([]);
    }));

  it("test_read_stdout_after_process_exit: nothing of it is lost, however slowly it is read", () =>
    run(async () => {
      const proc = await createSubprocessShell(`yes 12345678 | head -c 262144; exit 1`, { stdout: "pipe" });
      let length = 0;
      for (;;) {
        const data = await proc.stdout.read(65536);
        if (data.length === 0) break;
        length += data.length;
        await turns(5);
      }
      expect([length, await proc.wait()]).toEqual([262_144, 1]);
    }));

  it("test_create_subprocess_exec_text_mode_fails, test_create_subprocess_shell_text_mode_fails", () =>
    run(async () => {
      const modes = [
        { text: true },
        { encoding: "utf-8" },
        { errors: "strict" },
        { stdio: "pipe" },
        { shell: "sh" },
      ];
      for (const options of modes as object[]) {
        expect(await failureOf(() => createSubprocess("cat", [], options))).toBeInstanceOf(TypeError);
        expect(await failureOf(() => createSubprocessShell("cat", options))).toBeInstanceOf(TypeError);
      }
    }));

  it("test_subprocess_communicate_stdout: ten at once", () =>
    run(async () => {
      const names = Array.from({ length: 10 }, (_, i) => `foo${i}`);
      const outputOf = async (name: string) => {
        const proc = await createSubprocess("echo", [name], { stdout: "pipe" });
        return String((await proc.communicate()).stdout).trim();
      };
      expect(await gather(names.map((name) => () => outputOf(name)))).toEqual(names);
    }));
});

/** A protocol that collects what a process prints. */
class Collector {
  state = "INITIAL";
  readonly data = new Map([
    [1, ""],
    [2, ""],
  ]);
  readonly news = new Map([
    [1, new Event()],
    [2, new Event()],
  ]);
  readonly lost = new Map([0, 1, 2].map((fd) => [fd, new Event()] as const));
  readonly completed = new Event();
  returncode: number | null = null;
  transport: SubprocessTransport | null = null;

  connectionMade(transport: SubprocessTransport) {
    expect(this.state).toBe("INITIAL");
    this.state = "CONNECTED";
    this.transport = transport;
  }
  pipeDataReceived(fd: number, data: Buffer) {
    expect(this.state).toBe("CONNECTED");
    this.data.set(fd, this.data.get(fd) + String(data));
    this.news.get(fd)?.set();
  }
  pipeConnectionLost(fd: number) {
    expect(this.state).toBe("CONNECTED");
    this.lost.get(fd)?.set();
  }
  processExited() {
    expect(this.state).toBe("CONNECTED");
    this.returncode = this.transport?.getReturncode() ?? null;
  }
  connectionLost() {
    expect(this.state).toBe("CONNECTED");
    this.state = "CLOSED";
    this.completed.set();
  }
  async until(fd: number, text: string) {
    while (!this.data.get(fd)?.includes(text)) {
      this.news.get(fd)?.clear();
      await this.news.get(fd)?.wait();
    }
  }
}

const exec = (program: string, ...args: string[]) =>
  getRunningLoop().subprocessExec(() => new Collector(), program, args);
const shell = (commandLine: string, options: SubprocessProtocolOptions = {}) =>
  getRunningLoop().subprocessShell(() => new Collector(), commandLine, options);
const NO_PIPES = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;

describe("A process's transport, as CPython tests it", () => {
  it("test_subprocess_exec, test_subprocess_interactive: close ends it while it runs", () =>
    run(async () => {
      const [transport, protocol] = await exec("cat");
      expect(protocol.state).toBe("CONNECTED");
      const stdin = transport.getPipeTransport(0);
      stdin?.write("Python ");
      await protocol.until(1, "Python ");
      stdin?.write("The Winner");
      await protocol.until(1, "Python The Winner");
      transport.close();
      await protocol.completed.wait();
      expect([protocol.returncode, protocol.state]).toEqual([-SIGKILL, "CLOSED"]);
    }));

  it("test_subprocess_shell: all pipes are told to be lost", () =>
    run(async () => {
      const [transport, protocol] = await shell("echo Python");
      transport.getPipeTransport(0)?.close();
      await protocol.completed.wait();
      expect([protocol.returncode, protocol.data.get(1), protocol.data.get(2)]).toEqual([0, "Python\n", ""]);
      expect([...protocol.lost.values()].map((lost) => lost.isSet())).toEqual([true, true, true]);
      transport.close();
    }));

  it("test_subprocess_exitcode, test_subprocess_close_after_finish, test_subprocess_wait_no_same_group", () =>
    run(async () => {
      for (const options of [NO_PIPES, { ...NO_PIPES, detached: true }]) {
        const [transport, protocol] = await shell("exit 7", options);
        expect([0, 1, 2].map((fd) => transport.getPipeTransport(fd as 0 | 1 | 2))).toEqual([
          null,
          null,
          null,
        ]);
        await protocol.completed.wait();
        expect(protocol.returncode).toBe(7);
        transport.close();
      }
    }));

  it("test_subprocess_kill, test_subprocess_terminate, test_subprocess_send_signal, test_close_kill_running", () =>
    run(async () => {
      const ends = {
        kill: -SIGKILL,
        terminate: -SIGTERM,
        close: -SIGKILL,
      } as const;
      for (const [how, returncode] of Object.entries(ends)) {
        const [transport, protocol] = await exec("cat");
        expect(transport.getReturncode()).toBeNull();
        transport[how as keyof typeof ends]();
        await protocol.completed.wait();
        expect(protocol.returncode).toBe(returncode);
        transport.close();
      }
      const [transport, protocol] = await exec("cat");
      transport.sendSignal("SIGHUP");
      await protocol.completed.wait();
      expect(protocol.returncode).toBe(-SIGHUP);
    }));

  it("test_subprocess_stderr, test_subprocess_stderr_redirect_to_stdout", () =>
    run(async () => {
      const program = "read word; echo OUT:$word; echo ERR:$word >&2";
      const [apart, both] = await shell(program);
      apart.getPipeTransport(0)?.write("test\n");
      await both.completed.wait();
      expect([both.data.get(1), both.data.get(2)]).toEqual(["OUT:test\n", "ERR:test\n"]);
      const [joined, one] = await shell(program, { stderr: "stdout" });
      expect([joined.getPipeTransport(1) === null, joined.getPipeTransport(2)]).toEqual([false, null]);
      joined.getPipeTransport(0)?.write("test\n");
      await one.completed.wait();
      expect([one.data.get(1), one.data.get(2), one.returncode]).toEqual(["OUT:test\nERR:test\n", "", 0]);
    }));

  it("test_subprocess_close_client_stream: a program whose output is closed is told", () =>
    run(async () => {
      const program =
        "trap '' PIPE; while read word; do echo OUT:$word 2>/dev/null || echo ERR:broken >&2; done";
      const [transport, protocol] = await shell(program);
      const stdin = transport.getPipeTransport(0);
      stdin?.write("test\n");
      await protocol.until(1, "OUT:test");
      transport.getPipeTransport(1)?.close();
      await protocol.lost.get(1)?.wait();
      stdin?.write("xxx\n");
      await protocol.until(2, "ERR:broken");
      transport.close();
      await protocol.completed.wait();
      expect(protocol.returncode).toBe(-SIGKILL);
    }));

  it("test_subprocess_exec_invalid_args, test_subprocess_shell_invalid_args", () =>
    run(async () => {
      const loop = getRunningLoop();
      for (const wrong of [{ shell: true }, { bufsize: 4096 }, { universalNewlines: true }] as object[])
        expect(await failureOf(() => loop.subprocessExec(() => ({}), "pwd", [], wrong))).toBeInstanceOf(
          TypeError,
        );
      for (const line of [["ls", "-l"], 5, null])
        expect(await failureOf(() => loop.subprocessShell(() => ({}), line as never))).toBeInstanceOf(
          TypeError,
        );
    }));
});
