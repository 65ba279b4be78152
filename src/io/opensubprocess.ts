/** Starting a process for a protocol, as asyncio's `loop.subprocess_exec` and `subprocess_shell`. */

import { checkOwnOptions, optionNames } from "../errors/optionnames.ts";
import type { ClosingLoop } from "./datagrams.ts";
import { once } from "./once.ts";
import { afterWhatIsReady, checkRuns, makeProtocol } from "./protocolcalls.ts";
import {
  type Command,
  checkCommand,
  checkStdio,
  joinedPipe,
  type NodeSpawnOptions,
  type Stdio,
  spawnProcess,
  untilSpawned,
} from "./spawn.ts";
import { type SubprocessProtocol, SubprocessTransport } from "./subprocess.ts";

/** How a process is started for a protocol: Node's own options of `spawn`, and these in place of its `stdio`. */
export interface SubprocessProtocolOptions extends NodeSpawnOptions {
  /** Its input; default "pipe", as in asyncio. */
  stdin?: Stdio;
  /** Its output; default "pipe". */
  stdout?: Stdio;
  /** Its error output; default "pipe". "stdout" joins it to stdout. */
  stderr?: Stdio | "stdout";
}

/** Makes the protocol, starts the process, and tells the protocol so. */
const OWN_OPTIONS = optionNames<Pick<SubprocessProtocolOptions, "stdin" | "stdout" | "stderr">>({
  stdin: true,
  stdout: true,
  stderr: true,
});

export async function openSubprocess<P extends SubprocessProtocol>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  command: Command,
  options: SubprocessProtocolOptions,
): Promise<[SubprocessTransport, P]> {
  checkRuns(loop);
  checkCommand(command);
  checkOwnOptions("subprocessExec", options, OWN_OPTIONS);
  const { stdin = "pipe", stdout = "pipe", stderr = "pipe", ...spawnOptions } = options;
  const stdio = { stdin, stdout, stderr };
  checkStdio(stdio);
  const protocol = makeProtocol(protocolFactory);
  const spawned = spawnProcess(command, stdio, spawnOptions, await joinedPipe(stdio));
  const { child } = spawned;
  if (child.pid === undefined) {
    spawned.stdout?.destroy();
    await untilSpawned(child); // throws why
  }
  const transport = new SubprocessTransport(loop, protocol, spawned, options.detached === true);
  try {
    await afterWhatIsReady(loop);
  } catch (error) {
    transport.close();
    if (transport.getReturncode() === null) await once(child, "exit");
    throw error;
  }
  return [transport, protocol];
}
