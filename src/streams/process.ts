/**
 * These are other processes and their streams, as asyncio's `create_subprocess_exec`, `create_subprocess_shell` and
 * `subprocess.Process`, on top of the transport of a process.
 */

import { gather } from "../combine/gather.ts";
import { checkOwnOptions } from "../errors/misspelt.ts";
import { optionNames } from "../errors/optionnames.ts";
import type { WritePipeTransport } from "../io/pipes.ts";
import { tellAtOnce } from "../io/protocolcalls.ts";
import {
  type Command,
  checkCommand,
  checkStdio,
  type NodeSpawnOptions,
  type Stdio,
  type SubprocessProtocol,
  type SubprocessTransport,
  startSubprocess,
} from "../io/subprocess.ts";
import { runningEventLoop } from "../loop/currentloop.ts";
import { inspect } from "../platform/node/inspect.ts";
import { OutsideWaiters } from "../task/outside.ts";
import { StreamProtocol } from "./protocol.ts";
import { StreamReader, type StreamReaderOptions } from "./reader.ts";
import { StreamWriter } from "./writer.ts";

/** How a process is started: Node's own options of `spawn`, and these in place of its `stdio`. */
export interface SubprocessOptions extends NodeSpawnOptions, StreamReaderOptions {
  /** Its input; default "inherit", as in asyncio. "pipe" makes `process.stdin` a StreamWriter. */
  stdin?: Stdio;
  /** Its output; default "inherit". "pipe" makes `process.stdout` a StreamReader. */
  stdout?: Stdio;
  /** Its error output; default "inherit". "pipe" makes `process.stderr` a StreamReader, "stdout" joins it to stdout. */
  stderr?: Stdio | "stdout";
}

const PROCESS_OPTIONS = optionNames<Pick<SubprocessOptions, "stdin" | "stdout" | "stderr" | "limit">>({
  stdin: true,
  stdout: true,
  stderr: true,
  limit: true,
});

type Piped<S, T> = S extends "pipe" ? T : null;
type WriterOf<O> = O extends { stdin?: infer S } ? Piped<S, StreamWriter> : null;
type StdoutOf<O> = O extends { stdout?: infer S } ? Piped<S, StreamReader> : null;
type StderrOf<O> = O extends { stderr?: infer S } ? Piped<S, StreamReader> : null;
type ProcessOf<O> = Process<WriterOf<O>, StdoutOf<O>, StderrOf<O>>;

/**
 * Starts a program, without a shell, and returns once it runs.
 *
 * Throws Node's error when it cannot be started (code ENOENT, EACCES). When the wait is cancelled, the program is killed.
 * A process that still runs when the loop closes is killed, unless it was started with `detached`.
 *
 * @example
 * ```ts
 * import { createSubprocess, run } from "threadloop";
 *
 * await run(async () => {
 *   const proc = await createSubprocess("tr", ["a-z", "A-Z"], { stdin: "pipe", stdout: "pipe" });
 *   const { stdout } = await proc.communicate("hello");
 *   console.log(String(stdout), proc.returncode); // HELLO 0
 * });
 * ```
 */
export async function createSubprocess<const O extends SubprocessOptions = Record<never, never>>(
  command: string,
  args: readonly string[] = [],
  options: O = {} as O,
): Promise<ProcessOf<O>> {
  return await start({ program: command, args }, options);
}

/**
 * Runs a command line in the shell (`/bin/sh`, or `cmd.exe` on Windows), otherwise as `createSubprocess` does. What
 * comes from elsewhere must be quoted by the caller: better give it to `createSubprocess` as an argument.
 *
 * @example
 * ```ts
 * import { createSubprocessShell, run } from "threadloop";
 *
 * await run(async () => {
 *   const proc = await createSubprocessShell("echo one; echo two >&2", { stdout: "pipe", stderr: "stdout" });
 *   for await (const line of proc.stdout.lines()) console.log(line); // one, two
 *   console.log(await proc.wait()); // 0
 * });
 * ```
 */
export async function createSubprocessShell<const O extends SubprocessOptions = Record<never, never>>(
  commandLine: string,
  options: O = {} as O,
): Promise<ProcessOf<O>> {
  return await start({ commandLine }, options);
}

type OutputOf<R> = R extends StreamReader ? Buffer : null;

/** A process under way. Its streams are there where the options said "pipe". */
export class Process<
  In extends StreamWriter | null = StreamWriter | null,
  Out extends StreamReader | null = StreamReader | null,
  Err extends StreamReader | null = StreamReader | null,
> {
  /** Writes its input. */
  readonly stdin: In;
  /** Reads its output. */
  readonly stdout: Out;
  /** Reads its error output. */
  readonly stderr: Err;
  /** Its number in the system. */
  readonly pid: number;
  readonly #transport: SubprocessTransport;
  readonly #exit: OutsideWaiters;

  /** @internal */
  constructor(transport: SubprocessTransport, streams: ProcessStreams) {
    this.#transport = transport;
    this.pid = transport.getPid();
    this.stdin = streams.writerTo(transport.getPipeTransport(0)) as In;
    this.stdout = (transport.getPipeTransport(1) === null ? null : streams.stdout) as Out;
    this.stderr = (transport.getPipeTransport(2) === null ? null : streams.stderr) as Err;
    this.#exit = streams.exit;
  }

  /** Its exit code; -N when signal N ended it (-9: SIGKILL), null while it runs. */
  get returncode(): number | null {
    return this.#transport.getReturncode();
  }

  /**
   * Waits until it has ended and gives its `returncode`. A process whose output is a pipe that nobody reads may never
   * end: use `communicate`. Cancelling the wait leaves the process alone.
   */
  async wait(): Promise<number> {
    if (this.returncode === null) await this.#exit.wait();
    return this.returncode as number;
  }

  /**
   * Writes all of its input, reads all of its output, and waits until it has ended; null stands for what is no pipe.
   *
   * That it does not read all of its input is no error. When the wait is cancelled, the process goes on, and what was
   * read stays in the streams, so that another call gives it. Throws TypeError for an input that has no pipe.
   */
  async communicate(
    input?: string | Uint8Array | null,
  ): Promise<{ stdout: OutputOf<Out>; stderr: OutputOf<Err> }> {
    const given = input ?? null;
    if (given !== null && this.stdin === null) {
      throw new TypeError('communicate(input) needs a pipe: start the process with { stdin: "pipe" }');
    }
    const [stdout, stderr] = await gather(
      async () => (await this.stdout?.read()) ?? null,
      async () => (await this.stderr?.read()) ?? null,
      () => this.#feed(given),
    );
    await this.wait();
    return { stdout, stderr } as { stdout: OutputOf<Out>; stderr: OutputOf<Err> };
  }

  /** Sends a signal; does nothing when the process has ended. */
  sendSignal(signal: NodeJS.Signals | number): void {
    this.#transport.sendSignal(signal);
  }

  /** Asks it to end: SIGTERM. */
  terminate(): void {
    this.sendSignal("SIGTERM");
  }

  /** Ends it: SIGKILL. */
  kill(): void {
    this.sendSignal("SIGKILL");
  }

  /** Kills it, if it still runs, and waits for its end: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.wait();
  }

  [inspect.custom](): string {
    const state = this.returncode === null ? "running" : `returncode=${this.returncode}`;
    return `<Process ${this.pid} ${state}>`;
  }

  async #feed(input: string | Uint8Array | null): Promise<void> {
    const { stdin } = this;
    if (stdin === null) return;
    try {
      if (input !== null) stdin.write(input);
      await stdin.drain();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EPIPE" && code !== "ECONNRESET") throw error;
    }
    stdin.close();
  }
}

async function start<O extends SubprocessOptions>(command: Command, options: O): Promise<ProcessOf<O>> {
  const loop = runningEventLoop();
  checkCommand(command);
  checkOwnOptions("createSubprocess", options, PROCESS_OPTIONS);
  const { stdin = "inherit", stdout = "inherit", stderr = "inherit", limit, ...spawnOptions } = options;
  const stdio = { stdin, stdout, stderr };
  checkStdio(stdio);
  const streams = new ProcessStreams(limit === undefined ? {} : { limit });
  const transport = await startSubprocess(loop, streams, { command, stdio, spawnOptions, tell: tellAtOnce });
  return new Process(transport, streams) as ProcessOf<O>;
}

/** What hears of a process and its pipes, as asyncio's SubprocessStreamProtocol; told at once, as a StreamProtocol is. */
class ProcessStreams implements SubprocessProtocol {
  readonly stdout: StreamReader;
  readonly stderr: StreamReader;
  /** Those who wait for its end. */
  readonly exit = new OutsideWaiters();
  readonly #pipes: readonly StreamProtocol[];

  constructor(options: StreamReaderOptions) {
    this.stdout = new StreamReader(options);
    this.stderr = new StreamReader(options);
    this.#pipes = [null, this.stdout, this.stderr].map((reader) => new StreamProtocol(reader));
  }

  connectionMade(transport: SubprocessTransport): void {
    for (const [fd, pipe] of this.#pipes.entries()) {
      const end = transport.getPipeTransport(fd);
      if (end !== null) pipe.connectionMade(end);
    }
  }

  pipeDataReceived(fd: number, data: Buffer): void {
    this.#pipe(fd).dataReceived(data);
  }

  pipeConnectionLost(fd: number, error: Error | null): void {
    this.#pipe(fd).connectionLost(error);
  }

  pauseWriting(): void {
    this.#pipe(0).pauseWriting();
  }

  resumeWriting(): void {
    this.#pipe(0).resumeWriting();
  }

  processExited(): void {
    this.exit.wake();
  }

  writerTo(stdin: WritePipeTransport | null): StreamWriter | null {
    return stdin === null ? null : new StreamWriter(stdin, this.#pipe(0));
  }

  #pipe(fd: number): StreamProtocol {
    return this.#pipes[fd] as StreamProtocol;
  }
}
