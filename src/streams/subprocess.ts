/** Starting other processes, as `asyncio.create_subprocess_exec` and `create_subprocess_shell`, over child_process. */
import type { Readable } from "node:stream";
import { checkOwnOptions, optionNames } from "../errors/optionnames.ts";
import {
  type Command,
  checkCommand,
  checkStdio,
  endWithLoop,
  joinedPipe,
  type NodeSpawnOptions,
  type Stdio,
  spawnProcess,
  untilSpawned,
} from "../io/spawn.ts";
import { runningEventLoop } from "../loop/running.ts";
import { readPipe } from "./pipes.ts";
import { Process } from "./process.ts";
import { Transport } from "./protocol.ts";
import type { StreamReader, StreamReaderOptions } from "./reader.ts";
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

const OWN_OPTIONS = optionNames<Pick<SubprocessOptions, "stdin" | "stdout" | "stderr" | "limit">>({
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

async function start<O extends SubprocessOptions>(command: Command, options: O): Promise<ProcessOf<O>> {
  const loop = runningEventLoop();
  checkCommand(command);
  checkOwnOptions("createSubprocess", options, OWN_OPTIONS);
  const { stdin = "inherit", stdout = "inherit", stderr = "inherit", limit, ...spawnOptions } = options;
  const stdio = { stdin, stdout, stderr };
  checkStdio(stdio);
  const spawned = spawnProcess(command, stdio, spawnOptions, await joinedPipe(stdio));
  const { child } = spawned;
  // They are fed from now on: when the process ends, Node throws away what nobody reads.
  const reader = (source: Readable | null) =>
    source === null ? null : readPipe(loop, source, { limit }, (pipe) => pipe.destroy());
  const process = new Process(child, {
    stdin:
      child.stdin === null ? null : new StreamWriter(new Transport(loop, child.stdin, null).closeWithLoop()),
    stdout: reader(spawned.stdout),
    stderr: reader(child.stderr),
  });
  await untilSpawned(child);
  endWithLoop(loop, child, options.detached === true);
  return process as ProcessOf<O>;
}
