/** Starting a process over child_process: what streams and protocols have in common. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Stream } from "node:stream";
import { got } from "../errors/errors.ts";
import { inRootContext } from "../scheduling/events.ts";
import { childProcess } from "./builtins.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { ignore, once } from "./once.ts";
import { type SocketPair, socketPair } from "./socketpair.ts";

/** Where a process's input comes from or its output goes: a pipe to us, where ours goes, nowhere, or a file or stream. */
export type Stdio = "pipe" | "inherit" | "ignore" | number | Stream;

/** What a process has in place of Node's `stdio`. */
export interface StdioOptions {
  /** Its input. */
  stdin?: Stdio;
  /** Its output. */
  stdout?: Stdio;
  /** Its error output; "stdout" joins it to stdout. */
  stderr?: Stdio | "stdout";
}

/** Node's own options of `spawn` that we pass on. */
export type NodeSpawnOptions = Omit<SpawnOptions, "stdio" | "shell">;

/** What is run: a program with its arguments, or a line of the shell. */
export type Command = { program: string; args: readonly string[] } | { commandLine: string };

/** A process that has just been started. */
export interface Spawned {
  readonly child: ChildProcess;
  /** What gives its output, where that is a pipe, and maybe its error output with it. */
  readonly stdout: Readable | null;
}

/** Throws unless it can be run. */
export function checkCommand(command: Command): void {
  if ("commandLine" in command) {
    checkText(command.commandLine, "commandLine", "a command line for the shell");
    return;
  }
  checkText(command.program, "command", "the name or path of a program");
  const { args } = command;
  if (!Array.isArray(args))
    throw new TypeError(`Expected \`args\` to be an array of strings, got ${got(args)}`);
  for (const [i, arg] of args.entries())
    if (typeof arg !== "string")
      throw new TypeError(`Expected \`args[${i}]\` to be a string, got ${got(arg)}`);
}

/** Throws unless a process's input can come from there and its outputs go there. */
export function checkStdio({ stdin, stdout, stderr }: StdioOptions): void {
  checkEnd(stdin, "stdin");
  checkEnd(stdout, "stdout");
  if (stderr !== "stdout") checkEnd(stderr, "stderr");
}

/** Makes what carries the output together with the error output, where both go to one pipe of ours. */
export async function joinedPipe({ stdout, stderr }: StdioOptions): Promise<SocketPair | null> {
  return stderr === "stdout" && stdout === "pipe" ? await socketPair() : null;
}

/** Spawns outside every task. Node throws away the output that nobody reads when the process ends. */
export function spawnProcess(
  command: Command,
  { stdin, stdout, stderr }: Required<StdioOptions>,
  options: NodeSpawnOptions,
  pair: SocketPair | null,
): Spawned {
  const outputs =
    pair === null ? [stdout, stderr === "stdout" ? sameAs(stdout) : stderr] : [pair.far, pair.far];
  const all = { ...options, stdio: [stdin, ...outputs], shell: "commandLine" in command } as SpawnOptions;
  const [file, args] = "commandLine" in command ? [command.commandLine, []] : [command.program, command.args];
  try {
    const child = inRootContext(() => childProcess().spawn(file, args, all)).on("error", ignore);
    return { child, stdout: pair?.near ?? child.stdout };
  } catch (error) {
    pair?.near.destroy();
    throw error;
  } finally {
    pair?.far.destroy(); // the child has its own copy
  }
}

/** Waits until it runs; throws Node's error when it could not be started. */
export async function untilSpawned(child: ChildProcess): Promise<void> {
  try {
    await once(child, "spawn");
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** A child that still runs when the loop closes is killed, or, when it is detached, left to itself. */
export function endWithLoop(loop: ClosingLoop, child: ChildProcess, detached: boolean): void {
  if (returncodeOf(child) !== null) return;
  const abandon = () => {
    if (detached) child.unref();
    else child.kill("SIGKILL");
  };
  loop._atClose.add(abandon);
  child.once("exit", () => loop._atClose.delete(abandon));
}

/** As in Python: the exit code, or the negative number of the signal that ended it. */
export function returncodeOf({ exitCode, signalCode }: ChildProcess): number | null {
  return signalCode === null ? exitCode : -constants.signals[signalCode];
}

/** Error output that goes where the output goes, when that is no pipe of ours. */
function sameAs(stdout: Stdio): Stdio {
  return stdout === "inherit" ? 1 : stdout;
}

function checkEnd(end: unknown, name: string): void {
  if (end === "pipe" || end === "inherit" || end === "ignore") return;
  if (typeof end === "number" || (typeof end === "object" && end !== null)) return; // Node looks at them closer
  throw new TypeError(
    `Expected \`${name}\` to be "pipe", "inherit", "ignore", a file descriptor or a stream, got ${got(end)}`,
  );
}

function checkText(text: unknown, name: string, what: string): void {
  const expected = `Expected \`${name}\` to be ${what}`;
  if (typeof text !== "string") throw new TypeError(`${expected}, got ${got(text)}`);
  if (text === "") throw new RangeError(`${expected}, got ${got(text)}`);
}
