// `threadloop trace`: records a running process for a while.

import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { attached } from "./attach.ts";
import { Problem } from "./problem.ts";
import type { Remote } from "./remote.ts";

/** How long the process may take to hand over the trace, beside what its workers may take. */
const HAND_OVER_WITHIN = 15_000;

const DOORS = `(globalThis[Symbol.for("threadloop.inside")] ?? [])`;
const START = `${DOORS}.map((door) => door.startTrace()).length`;
/** Several copies of the package in one process: the first one is told. */
const STOP = `${DOORS}[0].stopTrace()`;

/** Records for so many seconds, or until interrupted, and writes the file; says so. */
export async function trace(pid: number, port: number, seconds: number, file: string): Promise<string> {
  const json = await attached(pid, port, (remote) => recordFor(remote, pid, seconds));
  await writeFile(file, json);
  const events = json.split("\n").length - 3;
  return `${events} events of ${seconds} s in ${file}: open it at https://ui.perfetto.dev`;
}

async function recordFor(remote: Remote, pid: number, seconds: number): Promise<string> {
  if ((await remote.main.evaluate(START)) === 0) {
    throw new Problem(`Process ${pid} does not use threadloop in its main thread, or has not loaded it yet`);
  }
  await wait(seconds * 1000);
  const json = await remote.main.evaluate(STOP, { awaitPromise: true, patience: HAND_OVER_WITHIN });
  if (typeof json === "string") return json;
  throw new Problem(`Process ${pid} did not hand over its trace: its main thread is stuck`);
}
