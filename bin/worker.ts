// This is `threadloop worker`: a machine of a cluster, a process that runs calls of a queue until it is told to end.
// At SIGTERM or SIGINT it takes no more and ends when what it has is done; at the second one it ends at once.

import { pathToFileURL } from "node:url";
import type { MachineOptions } from "../cluster/options.ts";
import type { Machine } from "../cluster/worker/index.ts";
import { printable } from "../src/errors/printable.ts";
import { flagsOf, positive } from "./flags.ts";
import { withPeers } from "./peers.ts";
import { Problem } from "./problem.ts";

const WORKER_USAGE = `Usage:
  threadloop worker --url redis://HOST:PORT [options]
Runs calls of ClusterExecutors on this machine.
Options:
  --url URL             where Redis or Valkey is; rediss:// with TLS (or THREADLOOP_CLUSTER_URL)
  --queue NAME          the queue (default "default")
  --threads N           the most threads (default: as many as there are cores)
  --modules FOLDER      the only folder whose exports are run (default: the current one)
  --lock MS             a machine that is not heard of for so long is lost (default 10000)
  --drain MS            how long running calls may go on after SIGTERM (default 60000)
  --tasks-per-worker N  calls at once in one thread (default: no limit)
  --cancel-grace MS     from the cancel of a running call to the end of its thread (default 1000)
  --allow-source        also run source code, of callers with the same secret
  --preload MODULE      a file or package that every thread imports first; may be given several times
  --name NAME           shows in reports (default: the host's)
  --help                shows this
Environment:
  THREADLOOP_CLUSTER_SECRET  signs what is sent, and is asked of what comes; several are separated by commas`;

const FLAGS = {
  url: { type: "string" },
  queue: { type: "string" },
  threads: { type: "string" },
  modules: { type: "string" },
  lock: { type: "string" },
  drain: { type: "string", default: "60000" },
  "tasks-per-worker": { type: "string" },
  "cancel-grace": { type: "string" },
  "allow-source": { type: "boolean" },
  preload: { type: "string", multiple: true },
  name: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Runs the command with what stands behind its name; returns when the machine runs. */
export async function worker(args: readonly string[]): Promise<void> {
  const { values } = flagsOf({ args: [...args], options: FLAGS, allowPositionals: false }, WORKER_USAGE);
  if (values.help === true) {
    console.log(WORKER_USAGE);
    return;
  }
  const options = optionsOf(values);
  const drain = positive("--drain", values.drain);
  const machine = await started(options);
  console.log(`ready: ${printable(machine.id)} runs calls of queue "${options.queue ?? "default"}"`);
  endAtSignals(machine, drain);
}

function optionsOf(values: ReturnType<typeof flagsOf<{ options: typeof FLAGS }>>["values"]): MachineOptions {
  const url = values.url ?? process.env.THREADLOOP_CLUSTER_URL;
  if (url === undefined)
    throw new Problem(`Expected --url, or THREADLOOP_CLUSTER_URL: the address of Redis\n${WORKER_USAGE}`);
  const { queue, modules, name, preload } = values;
  return {
    url,
    ...(queue === undefined ? {} : { queue }),
    ...(modules === undefined ? {} : { modules }),
    ...(name === undefined ? {} : { name }),
    ...(preload === undefined ? {} : { preload: preload.map(moduleOf) }),
    ...number("threads", "--threads", values.threads),
    ...number("lock", "--lock", values.lock),
    ...number("tasksPerWorker", "--tasks-per-worker", values["tasks-per-worker"]),
    ...number("cancelGrace", "--cancel-grace", values["cancel-grace"]),
    allowSource: values["allow-source"] === true,
  };
}

function number<Name extends string>(
  name: Name,
  flag: string,
  text: string | undefined,
): Partial<Record<Name, number>> {
  return text === undefined ? {} : ({ [name]: positive(flag, text) } as Record<Name, number>);
}

/** A path is meant from the current folder, as everywhere on a command line. */
function moduleOf(text: string): string {
  return /^\.{0,2}\//.test(text) ? pathToFileURL(text).href : text;
}

async function started(options: MachineOptions): Promise<Machine> {
  const { startMachine } = await withPeers(() => import("../cluster/worker/index.ts"));
  try {
    return await startMachine(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Problem(error.message.replace("`allowSource`", "`--allow-source`"));
  }
}

function endAtSignals(machine: Machine, drain: number): void {
  let draining = false;
  const end = async () => {
    if (draining) process.exit(1);
    draining = true;
    console.log("draining: takes no more calls");
    await machine.close({ deadline: drain });
    console.log("drained");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      end().catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
    });
}
