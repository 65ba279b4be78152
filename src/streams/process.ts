/** A process under way, as `asyncio.subprocess.Process`. */
import type { ChildProcess } from "node:child_process";
import { inspect } from "node:util";
import { gather } from "../combine/gather.ts";
import { returncodeOf } from "../io/spawn.ts";
import { OutsideWaiters } from "../task/outside.ts";
import type { StreamReader } from "./reader.ts";
import type { StreamWriter } from "./writer.ts";

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
  readonly #child: ChildProcess;
  readonly #exitWaiters = new OutsideWaiters();
  #returncode: number | null;

  /** @internal */
  constructor(child: ChildProcess, streams: { stdin: In; stdout: Out; stderr: Err }) {
    this.#child = child;
    this.pid = child.pid as number;
    this.stdin = streams.stdin;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.#returncode = returncodeOf(child);
    child.once("exit", () => {
      this.#returncode = returncodeOf(child);
      this.#exitWaiters.wake();
    });
  }

  /** Its exit code; -N when signal N ended it (-9: SIGKILL), null while it runs. */
  get returncode(): number | null {
    return this.#returncode;
  }

  /**
   * Waits until it has ended and gives its `returncode`. A process whose output is a pipe that nobody reads may never
   * end: use `communicate`. Cancelling the wait leaves the process alone.
   */
  async wait(): Promise<number> {
    if (this.#returncode === null) await this.#exitWaiters.wait();
    return this.#returncode as number;
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

  /** Kills it, if it still runs, and waits for its end: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.wait();
  }

  [inspect.custom](): string {
    const state = this.#returncode === null ? "running" : `returncode=${this.#returncode}`;
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
