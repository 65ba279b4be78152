/** The loop's methods of processes and pipes, as asyncio's over Node's `child_process` and streams. */
import type { Readable, Writable } from "node:stream";
import { network } from "./implementation.ts";
import { NetworkLoop } from "./networkloop.ts";
import type { SubprocessProtocolOptions } from "./opensubprocess.ts";
import type { ReadPipeProtocol, ReadPipeTransport } from "./pipes.ts";
import type { SubprocessProtocol, SubprocessTransport } from "./subprocess.ts";
import type { WritePipeProtocol, WritePipeTransport } from "./writepipe.ts";

export abstract class ProcessLoop extends NetworkLoop {
  /**
   * Starts a program, without a shell, for a protocol, and returns its transport, and the protocol that the factory made,
   * once that was told that the connection is made. `createSubprocess` gives streams instead. As in asyncio its input and
   * outputs are pipes unless the options say otherwise. `connectionLost` comes after the process has ended and all of its
   * pipes are closed.
   *
   * Throws Node's error when it cannot be started (code ENOENT, EACCES). When it is cancelled, the program is
   * killed, and its end waited for. A process that still runs when the loop closes is killed, unless it was started with
   * `detached`.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<string>();
   *   let text = "";
   *   const protocol = {
   *     pipeDataReceived: (_fd: number, data: Buffer) => { text += data; },
   *     connectionLost: () => over.setResult(text),
   *   };
   *   const [transport] = await getRunningLoop().subprocessExec(() => protocol, "tr", ["a-z", "A-Z"]);
   *   const stdin = transport.getPipeTransport(0);
   *   stdin?.write("hello");
   *   stdin?.close();
   *   console.log(await over, transport.getReturncode()); // HELLO 0
   * });
   * ```
   */
  async subprocessExec<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    command: string,
    args: readonly string[] = [],
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    this._checkClosed();
    return await network.openSubprocess(this, protocolFactory, { program: command, args }, options);
  }

  /**
   * Runs a command line in the shell (`/bin/sh`, or `cmd.exe` on Windows), otherwise as `subprocessExec` does. What comes
   * from elsewhere must be quoted by the caller: better give it to `subprocessExec` as an argument.
   *
   * @example
   * ```ts
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<void>();
   *   const protocol = {
   *     pipeDataReceived: (fd: number, data: Buffer) => console.log(fd, String(data).trim()),
   *     connectionLost: () => over.setResult(),
   *   };
   *   await getRunningLoop().subprocessShell(() => protocol, "echo oh >&2"); // 2 oh
   *   await over;
   * });
   * ```
   */
  async subprocessShell<P extends SubprocessProtocol>(
    protocolFactory: () => P,
    commandLine: string,
    options: SubprocessProtocolOptions = {},
  ): Promise<[transport: SubprocessTransport, protocol: P]> {
    this._checkClosed();
    return await network.openSubprocess(this, protocolFactory, { commandLine }, options);
  }

  /**
   * Has a protocol told what comes from a readable stream of Node's, and returns the transport, and the protocol that the
   * factory made, once that was told that the connection is made. The function `connectReadPipe` gives a reader instead.
   * The stream is closed at its end, or by the transport; when the loop closes before, it is paused and let go.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { createReadStream } from "node:fs";
   * import { Future, getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const over = new Future<number>();
   *   let size = 0;
   *   const protocol = {
   *     dataReceived: (data: Buffer) => { size += data.length; },
   *     connectionLost: () => over.setResult(size),
   *   };
   *   await getRunningLoop().connectReadPipe(() => protocol, createReadStream("package.json"));
   *   console.log((await over) > 0); // true
   * });
   * ```
   */
  async connectReadPipe<P extends ReadPipeProtocol>(
    protocolFactory: () => P,
    source: Readable,
  ): Promise<[transport: ReadPipeTransport, protocol: P]> {
    this._checkClosed();
    network.checkSource(source);
    const open = (made: P) => new network.ReadPipeTransport(this, made, source);
    return await network.connectPipe(this, protocolFactory, open);
  }

  /**
   * Gives a writable stream of Node's a transport and a protocol, and returns both once the protocol was told that the
   * connection is made. The function `connectWritePipe` gives a writer instead. The transport's `close` closes the stream;
   * the loop does not close it at its end.
   *
   * Throws TypeError unless it is a stream of bytes or text. When it is cancelled, the stream is closed.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "threadloop";
   *
   * await run(async () => {
   *   const [transport] = await getRunningLoop().connectWritePipe(() => ({}), process.stdout);
   *   transport.write("progress\n"); // progress
   * });
   * ```
   */
  async connectWritePipe<P extends WritePipeProtocol>(
    protocolFactory: () => P,
    target: Writable,
  ): Promise<[transport: WritePipeTransport, protocol: P]> {
    this._checkClosed();
    network.checkTarget(target);
    const open = (made: P) => new network.WritePipeTransport(this, made, target);
    return await network.connectPipe(this, protocolFactory, open);
  }
}
