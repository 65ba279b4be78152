/**
 * This is a process as asyncio's SubprocessTransport and SubprocessProtocol see it: callbacks instead of streams.
 *
 *   running --it exits--> processExited ----------+
 *   each pipe --its end or error--> pipeConnectionLost --+--> when all of them are over: connectionLost, once
 */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Stream } from "node:stream";
import { inspect } from "node:util";
import { got } from "../errors/errors.ts";
import { checkOwnOptions } from "../errors/misspelt.ts";
import { optionNames } from "../errors/optionnames.ts";
import { inRootContext } from "../scheduling/events.ts";
import { childProcess, fs, net, type Readable, type Socket } from "./builtins.ts";
import type { ClosingLoop } from "./holdsocket.ts";
import { ignore, once } from "./once.ts";
import {
  type ReadPipeProtocol,
  ReadPipeTransport,
  type WritePipeProtocol,
  WritePipeTransport,
} from "./pipes.ts";
import { afterWhatIsReady, checkRuns, makeProtocol, type Tell, tellByLoop } from "./protocolcalls.ts";

/**
 * Is told what a process does; none of the methods must be there. They run as callbacks of the loop, except
 * `pauseWriting`, which the `write` to its input that fills the buffer calls.
 */
export interface SubprocessProtocol {
  /** The process runs; comes first. */
  connectionMade?(transport: SubprocessTransport): unknown;
  /** It wrote to its output (1) or error output (2). */
  pipeDataReceived?(fd: number, data: Buffer): unknown;
  /** Its input (0), output (1) or error output (2) is closed. The error is what broke the pipe, or null. */
  pipeConnectionLost?(fd: number, error: Error | null): unknown;
  /** It has ended: `getReturncode` knows how. Its output may still come. */
  processExited?(): unknown;
  /** It has ended and all its pipes are closed; comes last. */
  connectionLost?(error: null): unknown;
  /** The write buffer of its input is above its high-water mark. */
  pauseWriting?(): unknown;
  /** The write buffer of its input is down to its low-water mark. */
  resumeWriting?(): unknown;
}

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
interface Spawned {
  readonly child: ChildProcess;
  /** What gives its output, where that is a pipe, and maybe its error output with it. */
  readonly stdout: Readable | null;
}

/** How a process is started for a protocol: Node's own options of `spawn`, and these in place of its `stdio`. */
export interface SubprocessProtocolOptions extends NodeSpawnOptions {
  /** Its input; default "pipe", as in asyncio. */
  stdin?: Stdio;
  /** Its output; default "pipe". */
  stdout?: Stdio;
  /** Its error output; default "pipe". "stdout" joins it to stdout. */
  stderr?: Stdio | "stdout";
}

/** What `getExtraInfo` of a SubprocessTransport knows. */
export interface SubprocessInfo {
  /** Node's own child process. */
  subprocess: ChildProcess;
}

const STDIO_OPTIONS = optionNames<Required<StdioOptions>>({ stdin: true, stdout: true, stderr: true });

/** The loop's method of this name. */
export async function subprocessExec<P extends SubprocessProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  command: string,
  args: readonly string[],
  options: SubprocessProtocolOptions,
): Promise<[transport: SubprocessTransport, protocol: P]> {
  return await openSubprocess(loop, protocolFactory, { program: command, args }, options);
}

/** The loop's method of this name. */
export async function subprocessShell<P extends SubprocessProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  commandLine: string,
  options: SubprocessProtocolOptions,
): Promise<[transport: SubprocessTransport, protocol: P]> {
  return await openSubprocess(loop, protocolFactory, { commandLine }, options);
}

async function openSubprocess<P extends SubprocessProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  command: Command,
  options: SubprocessProtocolOptions,
): Promise<[SubprocessTransport, P]> {
  checkRuns(loop);
  checkCommand(command);
  checkOwnOptions("subprocessExec", options, STDIO_OPTIONS);
  const { stdin = "pipe", stdout = "pipe", stderr = "pipe", ...spawnOptions } = options;
  const stdio = { stdin, stdout, stderr };
  checkStdio(stdio);
  const protocol = makeProtocol(protocolFactory);
  const start = { command, stdio, spawnOptions, tell: tellByLoop(loop) };
  return [await startSubprocess(loop, protocol, start), protocol];
}

/** What is started, how, and how its protocol is told of it. */
export interface SubprocessStart {
  readonly command: Command;
  readonly stdio: Required<StdioOptions>;
  readonly spawnOptions: NodeSpawnOptions;
  readonly tell: Tell;
}

/** Starts a process, and waits until its protocol was told so. When that is cancelled, it is killed and its end waited for. */
export async function startSubprocess(
  loop: ClosingLoop,
  protocol: SubprocessProtocol,
  { command, stdio, spawnOptions, tell }: SubprocessStart,
): Promise<SubprocessTransport> {
  checkNothingElse(command, spawnOptions);
  const spawned = spawnProcess(command, stdio, spawnOptions, await joinedPipe(stdio));
  const { child } = spawned;
  if (child.pid === undefined) {
    spawned.stdout?.destroy();
    await once(child, "spawn"); // throws why it could not be started
  }
  const transport = new SubprocessTransport(loop, protocol, spawned, spawnOptions.detached === true, tell);
  try {
    await afterWhatIsReady(loop);
  } catch (error) {
    transport.close();
    if (transport.getReturncode() === null) await once(child, "exit");
    throw error;
  }
  return transport;
}

/** Controls a process: what `connectionMade` gets and `loop.subprocessExec` returns beside the protocol. */
export class SubprocessTransport {
  readonly #loop: ClosingLoop;
  readonly #protocol: SubprocessProtocol;
  readonly #tell: Tell;
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #pipes: (ReadPipeTransport | WritePipeTransport | null)[];
  /** How many of the process and its pipes are not over. */
  #open: number;
  #returncode: number | null = null;
  #closing = false;

  /** @internal Takes over a process that was started in this very step, so that nothing of it is missed. */
  constructor(
    loop: ClosingLoop,
    protocol: SubprocessProtocol,
    { child, stdout }: Spawned,
    detached: boolean,
    tell: Tell,
  ) {
    this.#loop = loop;
    this.#protocol = protocol;
    this.#tell = tell;
    this.#child = child;
    this.#pid = child.pid as number;
    this.#open = 1 + [child.stdin, stdout, child.stderr].filter((pipe) => pipe !== null).length;
    this.#pipes = [
      child.stdin && new WritePipeTransport(loop, this.#pipeProtocol(0), child.stdin, tell),
      stdout && new ReadPipeTransport(loop, this.#pipeProtocol(1), stdout, tell),
      child.stderr && new ReadPipeTransport(loop, this.#pipeProtocol(2), child.stderr, tell),
    ];
    tell(() => protocol.connectionMade?.(this)); // nothing of its pipes was told yet: they were opened in this step
    child.once("exit", this.#exited);
    endWithLoop(loop, child, detached);
    loop._atClose.add(this.#closePipes);
  }

  /** Returns the process's number in the system. */
  getPid(): number {
    return this.#pid;
  }

  /** Returns its exit code; -N when signal N ended it (-9: SIGKILL), null while it runs. */
  getReturncode(): number | null {
    return this.#returncode;
  }

  /** Returns the transport of its input (0), output (1) or error output (2); null where there is no pipe. */
  getPipeTransport(fd: 0): WritePipeTransport | null;
  getPipeTransport(fd: 1 | 2): ReadPipeTransport | null;
  getPipeTransport(fd: number): ReadPipeTransport | WritePipeTransport | null;
  getPipeTransport(fd: number): ReadPipeTransport | WritePipeTransport | null {
    return this.#pipes[fd] ?? null;
  }

  /** Sends a signal; does nothing when the process has ended. */
  sendSignal(signal: NodeJS.Signals | number): void {
    if (this.#returncode === null) this.#child.kill(signal);
  }

  /** Asks it to end: SIGTERM. */
  terminate(): void {
    this.sendSignal("SIGTERM");
  }

  /** Ends it: SIGKILL. */
  kill(): void {
    this.sendSignal("SIGKILL");
  }

  /** Closes its pipes and kills it, if it still runs. The protocol is told as of any other end. Twice is fine. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#closePipes();
    this.kill();
  }

  /** Tells whether it was closed, or the connection is lost. */
  isClosing(): boolean {
    return this.#closing;
  }

  /** Returns a fact about the process, or `otherwise` (default undefined) when there is no such thing. */
  getExtraInfo<K extends keyof SubprocessInfo>(name: K): SubprocessInfo[K];
  getExtraInfo<D>(name: string, otherwise: D): D;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === "subprocess" ? this.#child : otherwise;
  }

  [inspect.custom](): string {
    const state = this.#returncode === null ? "running" : `returncode=${this.#returncode}`;
    return `<SubprocessTransport ${this.#pid} ${state}${this.#closing && this.#open > 0 ? ", closing" : ""}>`;
  }

  #pipeProtocol(fd: number): PipeProtocol {
    const protocol = this.#protocol;
    return {
      dataReceived: (data) => protocol.pipeDataReceived?.(fd, data),
      connectionLost: (error) => {
        try {
          return protocol.pipeConnectionLost?.(fd, error);
        } finally {
          this.#partEnded();
        }
      },
      pauseWriting: () => protocol.pauseWriting?.(),
      resumeWriting: () => protocol.resumeWriting?.(),
    };
  }

  #exited = (): void => {
    this.#returncode = returncodeOf(this.#child);
    this.#tell(() => this.#protocol.processExited?.());
    this.#partEnded();
  };

  #partEnded(): void {
    this.#open--;
    if (this.#open > 0) return;
    this.#loop._atClose.delete(this.#closePipes);
    this.#tell(() => {
      this.#closing = true;
      return this.#protocol.connectionLost?.(null);
    });
  }

  #closePipes = (): void => {
    for (const pipe of this.#pipes) pipe?.close();
  };
}

/** Passes on what happens to one of its pipes. */
type PipeProtocol = Omit<ReadPipeProtocol & WritePipeProtocol, "connectionMade">;

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

const BYTES = "its streams are of bytes: make text of what is read with String(), or read lines()";

/** Options of Node's `spawn`, or of Python's, in whose place there is something else here, and what. */
const REPLACED: Readonly<Record<string, string>> = {
  stdio: "give `stdin`, `stdout` and `stderr`",
  text: BYTES,
  encoding: BYTES,
  errors: BYTES,
  universalNewlines: BYTES,
  bufsize: "how much a reader holds is its `limit`",
};

/** Throws for an option that Node would ignore, or that we set ourselves: nobody would be told otherwise. */
function checkNothingElse(command: Command, options: NodeSpawnOptions): void {
  for (const [name, instead] of Object.entries(REPLACED))
    if (isGiven(options, name)) throw new TypeError(`Option \`${name}\` is not for processes: ${instead}`);
  const isLine = "commandLine" in command;
  if (!isGiven(options, "shell") || (isLine && Reflect.get(options, "shell") === true)) return;
  const instead = isLine
    ? 'the line runs in the default one; start another one as a program, with ["-c", line]'
    : "createSubprocessShell and loop.subprocessShell run a command line";
  throw new TypeError(`Option \`shell\` is not for processes: ${instead}`);
}

function isGiven(options: object, name: string): boolean {
  return Object.hasOwn(options, name) && Boolean(Reflect.get(options, name));
}

/** Makes what carries the output together with the error output, where both go to one pipe of ours. */
async function joinedPipe({ stdout, stderr }: StdioOptions): Promise<SocketPair | null> {
  return stderr === "stdout" && stdout === "pipe" ? await socketPair() : null;
}

/** Spawns outside every task. Node throws away the output that nobody reads when the process ends. */
function spawnProcess(
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

/** A child that still runs when the loop closes is killed, or, when it is detached, left to itself. */
function endWithLoop(loop: ClosingLoop, child: ChildProcess, detached: boolean): void {
  if (returncodeOf(child) !== null) return;
  const abandon = () => {
    if (detached) child.unref();
    else child.kill("SIGKILL");
  };
  loop._atClose.add(abandon);
  child.once("exit", () => loop._atClose.delete(abandon));
}

/** As in Python: the exit code, or the negative number of the signal that ended it. */
function returncodeOf({ exitCode, signalCode }: ChildProcess): number | null {
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

/** Two sockets, of which `far` has not been read from, so that it can be given away. */
interface SocketPair {
  near: Socket;
  far: Socket;
}

/** Connects two sockets, for which Node has no call: through a path in a folder that only this user can enter. */
async function socketPair(): Promise<SocketPair> {
  const folder = fs().mkdtempSync(join(tmpdir(), "threadloop-"));
  const path = process.platform === "win32" ? join("\\\\.\\pipe", folder) : join(folder, "socket");
  const accepted: Socket[] = [];
  const server = inRootContext(() =>
    net().createServer({ pauseOnConnect: true }, (far) => accepted.push(far)),
  );
  let near: Socket | null = null;
  try {
    inRootContext(() => server.listen(path));
    await once(server, "listening");
    near = inRootContext(() => net().connect(path));
    await once(server, "connection");
    return { near, far: accepted[0] as Socket };
  } catch (error) {
    for (const socket of [near, ...accepted]) socket?.destroy();
    throw error;
  } finally {
    server.close(() => fs().rmdirSync(folder));
  }
}
