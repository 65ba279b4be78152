import { AsyncLocalStorage } from "node:async_hooks";
import { constants } from "node:os";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  Event,
  getRunningLoop,
  newEventLoop,
  Queue,
  type ReadPipeTransport,
  RuntimeError,
  run,
  type SubprocessProtocolOptions,
  type SubprocessTransport,
  sleep,
  type WritePipeTransport,
} from "threadloop";
import { describe, expect, expectTypeOf, it } from "vitest";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const CAT = "process.stdin.pipe(process.stdout)";
const HANG = "setInterval(() => {}, 1000); console.log('ready')";

/** A protocol that notes what it is told. */
class Recorder {
  readonly events: unknown[][] = [];
  readonly over = new Event();
  readonly #news = new Queue<void>();

  connectionMade(transport: SubprocessTransport) {
    this.#note("made", transport);
  }
  pipeDataReceived(fd: number, data: Buffer) {
    this.#note("data", fd, String(data));
  }
  pipeConnectionLost(fd: number, error: Error | null) {
    this.#note("pipe lost", fd, error);
  }
  processExited() {
    this.#note("exited");
  }
  connectionLost(error: null) {
    this.#note("lost", error);
    this.over.set();
  }
  pauseWriting() {
    this.#note("pause");
  }
  resumeWriting() {
    this.#note("resume");
  }

  /** Waits until it was told so much of a kind. */
  async told(kind: string): Promise<void> {
    while (!this.events.some(([what]) => what === kind)) await this.#news.get();
  }

  /** What was told of a kind. */
  of(kind: string): unknown[][] {
    return this.events.filter(([what]) => what === kind).map(([, ...details]) => details);
  }

  /** All output of one kind. */
  text(fd: number): string {
    const pieces = this.of("data").filter(([from]) => from === fd);
    return pieces.map(([, text]) => text).join("");
  }

  #note(...event: unknown[]) {
    this.events.push(event);
    this.#news.putNowait();
  }
}

/** Runs a program of Node's. */
const node = (program: string, options: SubprocessProtocolOptions = {}) =>
  getRunningLoop().subprocessExec(() => new Recorder(), process.execPath, ["-e", program], options);

/** A process that has said that it runs, and will not end by itself. */
async function hanging(options: SubprocessProtocolOptions = {}) {
  const [transport, protocol] = await node(HANG, options);
  await protocol.told("data");
  return [transport, protocol] as const;
}

/** Tells whether there is a process of this number. */
function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits, outside of any loop, until there is no such process. */
async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

describe("loop.subprocessExec", () => {
  it("tells the protocol of the output, of each pipe, and of the end, in order", () =>
    run(async () => {
      const [transport, protocol] = await node(`${CAT}; console.error('seen')`);
      expect(protocol.events[0]).toEqual(["made", transport]);
      expect([transport.getReturncode(), transport.isClosing()]).toEqual([null, false]);
      expect(transport.getPid()).toBe(transport.getExtraInfo("subprocess").pid);
      expect(inspect(transport)).toBe(`<SubprocessTransport ${transport.getPid()} running>`);
      const stdin = transport.getPipeTransport(0);
      stdin?.writeLines(["some ", Buffer.from("data")]);
      stdin?.writeEof();
      await protocol.over.wait();
      expect([protocol.text(1), protocol.text(2)]).toEqual(["some data", "seen\n"]);
      expect(protocol.of("exited")).toHaveLength(1);
      const lostPipes = protocol.of("pipe lost").sort();
      expect(lostPipes).toEqual([0, 1, 2].map((fd) => [fd, null]));
      expect(protocol.events.at(-1)).toEqual(["lost", null]);
      for (const fd of [1, 2]) {
        const ofPipe = protocol.events.filter(([, from]) => from === fd);
        expect(ofPipe.findIndex(([what]) => what === "pipe lost")).toBe(ofPipe.length - 1);
      }
      expect(transport.getReturncode()).toBe(0);
      expect(inspect(transport)).toBe(`<SubprocessTransport ${transport.getPid()} returncode=0>`);
      transport.kill();
      transport.close();
      expect(getRunningLoop()._atClose.size).toBe(0);
    }));

  it("has pipes where the options say so, by default everywhere", () =>
    run(async () => {
      const options = { stdin: "ignore", stderr: "ignore" } as const;
      const [transport, protocol] = await node("console.log('out'); console.error('err')", options);
      expect([0, 2, 3].map((fd) => transport.getPipeTransport(fd))).toEqual([null, null, null]);
      expect(transport.getPipeTransport(1)).not.toBeNull();
      await protocol.over.wait();
      expect(protocol.of("data")).toEqual([[1, "out\n"]]);
      expect(protocol.of("pipe lost")).toEqual([[1, null]]);
    }));

  it("joins the error output to the output, in the order in which they were written", () =>
    run(async () => {
      const script = "for i in 1 2 3; do echo out$i; echo err$i >&2; done";
      const make = () => new Recorder();
      const options = { stderr: "stdout" } as const;
      const [transport, protocol] = await getRunningLoop().subprocessExec(
        make,
        "sh",
        ["-c", script],
        options,
      );
      expect(transport.getPipeTransport(2)).toBeNull();
      await protocol.over.wait();
      expect(protocol.text(1)).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    }));

  it("loses the connection only when the pipes are closed too, if another process holds them", () =>
    run(async () => {
      const [transport, protocol] = await getRunningLoop().subprocessShell(
        () => new Recorder(),
        "sleep 1000 & echo $!; exit 3",
      );
      await protocol.told("exited");
      await protocol.told("data");
      expect([transport.getReturncode(), protocol.over.isSet()]).toEqual([3, false]);
      process.kill(Number(protocol.text(1)), "SIGKILL");
      await protocol.over.wait();
      expect(protocol.of("lost")).toEqual([[null]]);
    }));

  it("gives the negative number of the signal that ended it", () =>
    run(async () => {
      for (const [signal, send] of [
        ["SIGTERM", (transport: SubprocessTransport) => transport.terminate()],
        ["SIGKILL", (transport: SubprocessTransport) => transport.kill()],
        ["SIGHUP", (transport: SubprocessTransport) => transport.sendSignal("SIGHUP")],
      ] as const) {
        const [transport, protocol] = await hanging();
        send(transport);
        await protocol.told("exited");
        expect(transport.getReturncode()).toBe(-constants.signals[signal]);
        await protocol.over.wait();
      }
    }));

  it("kills the process when it is closed, and tells all of its end", () =>
    run(async () => {
      const [transport, protocol] = await hanging();
      transport.close();
      transport.close();
      expect(transport.isClosing()).toBe(true);
      await protocol.over.wait();
      expect(transport.getReturncode()).toBe(-9);
      expect(protocol.of("exited")).toHaveLength(1);
      expect(
        protocol
          .of("pipe lost")
          .map(([fd]) => fd)
          .sort(),
      ).toEqual([0, 1, 2]);
      expect(protocol.of("lost")).toEqual([[null]]);
    }));

  it("pauses and resumes the writing of its input", () =>
    run(async () => {
      const [transport, protocol] = await node(`process.stdin.once('readable', () => {}); ${CAT}`, {
        stdout: "ignore",
      });
      const stdin = transport.getPipeTransport(0) as WritePipeTransport;
      stdin.setWriteBufferLimits({ high: 1000 });
      stdin.write(Buffer.alloc(8_000_000));
      expect(protocol.of("pause")).toHaveLength(1);
      await protocol.told("resume");
      expect(stdin.getWriteBufferSize()).toBeLessThanOrEqual(250);
      stdin.close();
      await protocol.over.wait();
    }));

  it("keeps output until reading goes on, also past the end of the process", () =>
    run(async () => {
      let stdout: ReadPipeTransport | null = null;
      class Pausing extends Recorder {
        override connectionMade(transport: SubprocessTransport) {
          stdout = transport.getPipeTransport(1);
          stdout?.pauseReading();
        }
      }
      const program = ["-e", "process.stdout.write('x'.repeat(50_000))"];
      const [, protocol] = await getRunningLoop().subprocessExec(
        () => new Pausing(),
        process.execPath,
        program,
      );
      await protocol.told("exited");
      await sleep(1);
      expect([protocol.text(1), protocol.over.isSet()]).toEqual(["", false]);
      (stdout as ReadPipeTransport | null)?.resumeReading();
      await protocol.over.wait();
      expect(protocol.text(1)).toBe("x".repeat(50_000));
    }));

  it("says what broke the pipe of a program that does not read its input", () =>
    run(async () => {
      const [transport, protocol] = await getRunningLoop().subprocessShell(
        () => new Recorder(),
        "exec 0<&-; echo ready; exec sleep 1000",
      );
      await protocol.told("data");
      transport.getPipeTransport(0)?.write("unread");
      await protocol.told("pipe lost");
      expect(protocol.of("pipe lost")).toMatchObject([[0, { code: "EPIPE" }]]);
      transport.close();
      await protocol.over.wait();
    }));

  it("reports what a method throws and goes on", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = reportsOf(loop);
      const exception = new Error("no");
      class Failing extends Recorder {
        override pipeDataReceived(): void {
          throw exception;
        }
        override pipeConnectionLost(): void {
          throw exception;
        }
        override processExited(): void {
          throw exception;
        }
      }
      const [, protocol] = await loop.subprocessExec(() => new Failing(), "echo", ["hello"]);
      await protocol.over.wait();
      expect(reported.map((context) => context.exception)).toEqual(Array(5).fill(exception));
    }));

  it("calls the protocol in the context of the caller", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen = new Set<unknown>();
      const over = new Event();
      const look = () => void seen.add(storage.getStore());
      const protocol = {
        connectionMade: look,
        pipeDataReceived: look,
        pipeConnectionLost: look,
        processExited: look,
        connectionLost: () => {
          look();
          over.set();
        },
      };
      await storage.run("mine", () => getRunningLoop().subprocessExec(() => protocol, "echo", ["hello"]));
      await over.wait();
      expect([...seen]).toEqual(["mine"]);
    }));

  it("passes Node's own options on", () =>
    run(async () => {
      const options = { env: { GREETING: "hello" }, cwd: "/" };
      const [, protocol] = await node("console.log(process.env.GREETING, process.cwd())", options);
      await protocol.over.wait();
      expect(protocol.text(1)).toBe("hello /\n");
    }));

  it("throws Node's error when there is no such program, and tells the protocol nothing", () =>
    run(async () => {
      const loop = getRunningLoop();
      const protocol = new Recorder();
      for (const options of [{}, { stderr: "stdout" }] as SubprocessProtocolOptions[]) {
        const error = await failureOf(loop.subprocessExec(() => protocol, "/no/such/program", [], options));
        expect(error).toMatchObject({ code: "ENOENT", path: "/no/such/program" });
      }
      await sleep(0);
      expect(protocol.events).toEqual([]);
      expect(loop._atClose.size).toBe(0);
    }));

  it("throws what the factory throws, and starts nothing", () =>
    run(async () => {
      const error = new Error("no protocol");
      const fail = () => {
        throw error;
      };
      expect(await failureOf(getRunningLoop().subprocessExec(fail, "/no/such/program"))).toBe(error);
    }));

  it("kills the program when it is cancelled while it starts, and waits for its end", () =>
    run(async () => {
      const protocol = new Recorder();
      const starting = createTask(() =>
        getRunningLoop().subprocessExec(() => protocol, process.execPath, ["-e", HANG]),
      );
      await sleep(0);
      starting.cancel();
      expect(await failureOf(starting)).toBeInstanceOf(CancelledError);
      const [[transport]] = protocol.of("made") as [[SubprocessTransport]];
      expect(transport.getReturncode()).toBe(-9);
      await protocol.over.wait();
      expect(getRunningLoop()._atClose.size).toBe(0);
    }));

  it("kills the process when the loop closes, and lets go of it when it is detached", async () => {
    const pid = await run(async () => (await hanging())[0].getPid());
    await gone(pid);
    const detached = await run(async () => (await hanging({ detached: true }))[0].getPid());
    expect(alive(detached)).toBe(true);
    process.kill(detached, "SIGKILL");
    await gone(detached);
  });

  it("knows the types of its pipes", () => {
    const typed = async (transport: SubprocessTransport) => {
      expectTypeOf(transport.getPipeTransport(0)).toEqualTypeOf<WritePipeTransport | null>();
      expectTypeOf(transport.getPipeTransport(2)).toEqualTypeOf<ReadPipeTransport | null>();
      expectTypeOf(await node("")).toEqualTypeOf<[transport: SubprocessTransport, protocol: Recorder]>();
    };
    expect(typed).toBeTypeOf("function");
  });

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.subprocessExec(null as never, "x"))).toEqual(
        new TypeError("Expected `protocolFactory` to be a function that makes a protocol, got `null` (null)"),
      );
      expect(await failureOf(loop.subprocessExec((() => 5) as never, "x"))).toEqual(
        new TypeError("Expected `protocolFactory` to return a protocol, got `5` (number)"),
      );
      expect(await failureOf(loop.subprocessExec(make, 5 as never))).toEqual(
        new TypeError("Expected `command` to be the name or path of a program, got `5` (number)"),
      );
      expect(await failureOf(loop.subprocessExec(make, ""))).toBeInstanceOf(RangeError);
      expect(await failureOf(loop.subprocessExec(make, "x", "-l" as never))).toMatchObject({
        message: expect.stringContaining("Expected `args` to be an array of strings, got"),
      });
      expect(await failureOf(loop.subprocessExec(make, "x", ["-n", 5 as never]))).toEqual(
        new TypeError("Expected `args[1]` to be a string, got `5` (number)"),
      );
      expect(await failureOf(loop.subprocessExec(make, "x", [], { stderr: null as never }))).toEqual(
        new TypeError(
          'Expected `stderr` to be "pipe", "inherit", "ignore", a file descriptor or a stream, got `null` (null)',
        ),
      );
      expect(await failureOf(loop.subprocessShell(make, 5 as never))).toEqual(
        new TypeError("Expected `commandLine` to be a command line for the shell, got `5` (number)"),
      );
      const other = newEventLoop();
      expect(await failureOf(other.subprocessExec(make, "x"))).toBeInstanceOf(RuntimeError);
      other.close();
    }));
});

describe("loop.subprocessShell", () => {
  it("runs a command line", () =>
    run(async () => {
      const make = () => new Recorder();
      const [transport, protocol] = await getRunningLoop().subprocessShell(make, "echo $((40 + 2)); exit 7");
      await protocol.over.wait();
      expect([protocol.text(1), transport.getReturncode()]).toEqual(["42\n", 7]);
    }));
});
