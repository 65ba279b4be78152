// This is `threadloop trace`: it records a running process for a while.

import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { attached } from "./attach.ts";
import { LEASE } from "./lease.ts";
import { notUsing } from "./nodesbelow.ts";
import { Problem } from "./problem.ts";
import type { Remote, RemoteThread } from "./remote.ts";
import { merged } from "./timeline.ts";
import { checkWritable } from "./writable.ts";

/** How long a thread may take to hand over its trace, beside what its workers may take. */
const HAND_OVER_WITHIN = 15_000;

const ENDPOINTS = `(globalThis[Symbol.for("threadloop.inside")] ?? [])`;
/** Tells the number of the thread; -1 when it does not use threadloop. */
const START = `${ENDPOINTS}.map((endpoint) => endpoint.startTrace(${LEASE})).length === 0 ? -1 : process.getBuiltinModule("node:worker_threads").threadId`;
/** A thread gives up a recording that nobody keeps: of a command that was killed. */
const KEEP = `${ENDPOINTS}.forEach((endpoint) => endpoint.keepTrace(${LEASE})); 0`;
const KEEP_EVERY = 500;
/** A thread may have loaded several copies of the package. */
const STOP = `Promise.all(${ENDPOINTS}.map((endpoint) => endpoint.stopTrace())).then((traces) => JSON.stringify(traces))`;

/** Records for so many seconds, or until interrupted, and writes the file (default: a new one here); says so. */
export async function trace(
  pid: number,
  port: number,
  seconds: number,
  file: string | undefined,
): Promise<string> {
  await checkWritable(file ?? `threadloop-${pid}.json`);
  const begin = performance.now();
  const { json, events } = await attached(pid, port, (remote) => recordFor(remote, pid, seconds));
  if (file !== undefined) await writeFile(file, json);
  const written = file ?? (await writeNew(`threadloop-${pid}`, json));
  const lasted = Math.min(seconds, Math.ceil((performance.now() - begin) / 1000));
  return `${events} events of ${lasted} s in ${written}: open it at https://ui.perfetto.dev`;
}

/**
 * Writes a file that was not there, readable by its owner only: its name can be guessed, so somebody else may have put a
 * link in its place, in a folder that several users have.
 */
async function writeNew(name: string, text: string): Promise<string> {
  for (let count = 1; ; count++) {
    const file = count === 1 ? `${name}.json` : `${name}-${count}.json`;
    try {
      await writeFile(file, text, { flag: "wx", mode: 0o600 });
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

async function recordFor(
  remote: Remote,
  pid: number,
  seconds: number,
): Promise<{ json: string; events: number }> {
  const [main, ...workers] = await remote.threads();
  const recorded = await startPatiently(main as RemoteThread, workers).catch((error: Error) => {
    throw new Problem(`Cannot trace process ${pid}: ${error.message.split("\n")[0]}`);
  });
  if (recorded.length === 0) throw new Problem(notUsing(pid));
  const keeping = setInterval(() => {
    for (const thread of recorded) void thread.evaluate(KEEP).catch(() => {});
  }, KEEP_EVERY);
  const over = waitOrInterrupt(seconds * 1000, remote.closed);
  console.log(`Recording process ${pid} for ${seconds} s; Ctrl-C ends it early`);
  await over.finally(() => clearInterval(keeping));
  if (remote.isClosed) throw new Problem(`Process ${pid} ended while it was traced, or closed its inspector`);
  const traces: string[] = [];
  for (const thread of recorded) {
    const answer = await thread.evaluate(STOP, { awaitPromise: true, patience: HAND_OVER_WITHIN });
    if (typeof answer === "string") traces.push(...(JSON.parse(answer) as string[]));
    else if (thread === main)
      throw new Problem(`Process ${pid} did not hand over its trace: its main thread is stuck`);
  }
  return merged(traces);
}

/** What another command that was killed has left behind is given up within its lease. */
async function startPatiently(main: RemoteThread, workers: readonly RemoteThread[]): Promise<RemoteThread[]> {
  const begin = performance.now();
  for (;;) {
    try {
      return await startAll(main, workers);
    } catch (error) {
      if (performance.now() - begin > LEASE + KEEP_EVERY) throw error;
      await wait(KEEP_EVERY / 2);
    }
  }
}

/**
 * Starts with the workers: the first job of a traced thread has its worker record too. Returns who records, by their
 * numbers: a thread asks its workers for what they have recorded, so it is to be stopped before them.
 */
async function startAll(main: RemoteThread, workers: readonly RemoteThread[]): Promise<RemoteThread[]> {
  // A worker that is recorded already belongs to a trace of its own program.
  const started = await Promise.all(workers.map((worker) => worker.evaluate(START).catch(() => -1)));
  const all = workers.map((thread, i) => ({ thread, id: Number(started[i] ?? -1) }));
  const recorded = all
    .filter(({ id }) => id >= 0)
    .sort((a, b) => a.id - b.id)
    .map(({ thread }) => thread);
  try {
    const id = await main.evaluate(START);
    return typeof id === "number" && id >= 0 ? [main, ...recorded] : recorded;
  } catch (error) {
    await Promise.all(recorded.map((worker) => worker.evaluate(STOP)));
    throw error;
  }
}

/** Waits, until the user interrupts it or the process is gone. */
async function waitOrInterrupt(milliseconds: number, gone: Promise<void>): Promise<void> {
  const end = new AbortController();
  const abort = () => end.abort();
  process.once("SIGINT", abort);
  void gone.then(abort);
  await wait(milliseconds, undefined, { signal: end.signal }).catch(() => {});
  process.off("SIGINT", abort);
}
