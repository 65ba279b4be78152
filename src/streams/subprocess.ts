/** Starting other processes, as `asyncio.create_subprocess_exec` and `create_subprocess_shell`, over child_process. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import type { Readable, Stream } from "node:stream";
import { inRootContext } from "../events.ts";
import type { EventLoop } from "../loop.ts";
import { childProcess } from "../network/builtins.ts";
import { ignore, once } from "../network/once.ts";
import { getRunningLoop } from "../running.ts";
import { readPipe } from "./pipes.ts";
import { Process } from "./process.ts";
import type { StreamReader, StreamReaderOptions } from "./reader.ts";
import { type SocketPair, socketPair } from "./socketpair.ts";
import { Transport } from "./transport.ts";
import { StreamWriter } from "./writer.ts";

/** Where a process's input comes from or its output goes: a pipe to us, where ours goes, nowhere, or a file or stream. */
export type Stdio = "pipe" | "inherit" | "ignore" | number | Stream;

/** How a process is started: Node's own options of `spawn`, and these in place of its `stdio`. */
export interface SubprocessOptions extends Omit<SpawnOptions, "stdio" | "shell">, StreamReaderOptions {
  /** Its input; default "inherit", as in asyncio. "pipe" makes `process.stdin` a StreamWriter. */
  stdin?: Stdio;
  /** Its output; default "inherit". "pipe" makes `process.stdout` a StreamReader. */
  stdout?: Stdio;
  /** Its error output; default "inherit". "pipe" makes `process.stderr` a StreamReader, "stdout" joins it to stdout. */
  stderr?: Stdio | "stdout";
}

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
  return await start(command, args, options, false);
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
  return await start(commandLine, [], options, true);
}

async function start<O extends SubprocessOptions>(
  command: string,
  args: readonly string[],
  options: O,
  shell: boolean,
): Promise<ProcessOf<O>> {
  const loop = getRunningLoop();
  const { stdin = "inherit", stdout = "inherit", stderr = "inherit", limit, ...spawnOptions } = options;
  const pair = stderr === "stdout" && stdout === "pipe" ? await socketPair() : null;
  const outputs =
    pair === null ? [stdout, stderr === "stdout" ? sameAs(stdout) : stderr] : [pair.far, pair.far];
  const child = spawned(pair, () =>
    childProcess().spawn(command, args, {
      ...spawnOptions,
      stdio: [stdin, ...outputs],
      shell,
    } as SpawnOptions),
  );
  // They are fed from now on: when the process ends, Node throws away what nobody reads.
  const reader = (source: Readable | null) =>
    source === null ? null : readPipe(loop, source, { limit }, (pipe) => pipe.destroy());
  const process = new Process(child, {
    stdin:
      child.stdin === null ? null : new StreamWriter(new Transport(loop, child.stdin, null).closeWithLoop()),
    stdout: reader(pair?.near ?? child.stdout),
    stderr: reader(child.stderr),
  });
  await running(child);
  endWithLoop(loop, child, options.detached === true);
  return process as ProcessOf<O>;
}

/** Spawns outside every task; the child has its own copy of the pair's far end then. */
function spawned(pair: SocketPair | null, spawnChild: () => ChildProcess): ChildProcess {
  try {
    return inRootContext(spawnChild).on("error", ignore);
  } catch (error) {
    pair?.near.destroy();
    throw error;
  } finally {
    pair?.far.destroy();
  }
}

async function running(child: ChildProcess): Promise<void> {
  try {
    await once(child, "spawn");
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Error output that goes where the output goes, when that is no pipe of ours. */
function sameAs(stdout: Stdio): Stdio {
  return stdout === "inherit" ? 1 : stdout;
}

/** A child that still runs when the loop closes is killed, or, when it is detached, left to itself. */
function endWithLoop(loop: EventLoop, child: ChildProcess, detached: boolean): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const abandon = () => {
    if (detached) child.unref();
    else child.kill("SIGKILL");
  };
  loop._atClose.add(abandon);
  child.once("exit", () => loop._atClose.delete(abandon));
}
