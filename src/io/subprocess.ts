/**
 * A process as asyncio's SubprocessTransport and SubprocessProtocol see it: callbacks instead of streams.
 *
 *   running --it exits--> processExited ----------+
 *   each pipe --its end or error--> pipeConnectionLost --+--> when all of them are over: connectionLost, once
 */
import type { ChildProcess } from "node:child_process";
import { inspect } from "node:util";
import type { ClosingLoop } from "./datagrams.ts";
import { type ReadPipeProtocol, ReadPipeTransport } from "./pipes.ts";
import { ProtocolCalls } from "./protocolcalls.ts";
import { endWithLoop, returncodeOf, type Spawned } from "./spawn.ts";
import { type WritePipeProtocol, WritePipeTransport } from "./writepipe.ts";

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

/** Passes on what happens to one of its pipes. */
type PipeProtocol = Omit<ReadPipeProtocol & WritePipeProtocol, "connectionMade">;

/** What `getExtraInfo` of a SubprocessTransport knows. */
export interface SubprocessInfo {
  /** Node's own child process. */
  subprocess: ChildProcess;
}

/** Controls a process: what `connectionMade` gets and `loop.subprocessExec` returns beside the protocol. */
export class SubprocessTransport {
  readonly #loop: ClosingLoop;
  readonly #protocol: SubprocessProtocol;
  readonly #calls: ProtocolCalls;
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #pipes: (ReadPipeTransport | WritePipeTransport | null)[];
  /** How many of the process and its pipes are not over. */
  #open: number;
  #returncode: number | null = null;
  #closing = false;

  /** @internal Takes over a process that was started in this very step, so that nothing of it is missed. */
  constructor(loop: ClosingLoop, protocol: SubprocessProtocol, spawned: Spawned, detached: boolean) {
    const { child, stdout } = spawned;
    this.#loop = loop;
    this.#protocol = protocol;
    this.#calls = new ProtocolCalls(loop);
    this.#child = child;
    this.#pid = child.pid as number;
    this.#calls.soon(() => protocol.connectionMade?.(this));
    this.#pipes = [
      child.stdin && new WritePipeTransport(loop, this.#pipeProtocol(0), child.stdin),
      stdout && new ReadPipeTransport(loop, this.#pipeProtocol(1), stdout),
      child.stderr && new ReadPipeTransport(loop, this.#pipeProtocol(2), child.stderr),
    ];
    this.#open = 1 + this.#pipes.filter((pipe) => pipe !== null).length;
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
    this.#calls.soon(() => this.#protocol.processExited?.());
    this.#partEnded();
  };

  #partEnded(): void {
    this.#open--;
    if (this.#open > 0) return;
    this.#loop._atClose.delete(this.#closePipes);
    this.#calls.soon(() => {
      this.#closing = true;
      return this.#protocol.connectionLost?.(null);
    });
  }

  #closePipes = (): void => {
    for (const pipe of this.#pipes) pipe?.close();
  };
}
