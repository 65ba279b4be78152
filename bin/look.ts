// Takes the snapshots of every thread of another process.

import type { ThreadSnapshot } from "../workers/observe/snapshot.ts";
import { Problem } from "./problem.ts";
import type { Remote, RemoteThread } from "./remote.ts";

interface Look {
  readonly stack: string;
  readonly files: readonly string[];
  readonly snapshots: readonly ThreadSnapshot[];
}

/** Evaluated in each thread: the endpoints of all copies of the package there, and the stack that we interrupt. */
const LOOK = `(() => {
  const endpoints = globalThis[Symbol.for("threadloop.inside")];
  if (endpoints === undefined) return null;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return JSON.stringify({ stack, files: endpoints.map((endpoint) => endpoint.files), snapshots: endpoints.map((endpoint) => JSON.parse(endpoint.snapshot())) });
})()`;

/** What every thread that uses threadloop does. Throws Problem when none does. */
export async function lookInto(remote: Remote, pid: number): Promise<ThreadSnapshot[]> {
  const threads = await remote.threads();
  const found = await Promise.all(threads.map(lookAt));
  const snapshots = found.flat();
  if (snapshots.length === 0)
    throw new Problem(`Process ${pid} does not use threadloop, or has not loaded it yet`);
  return snapshots;
}

async function lookAt(thread: RemoteThread): Promise<ThreadSnapshot[]> {
  const answer = await thread.evaluate(LOOK);
  if (typeof answer !== "string") return [];
  const { stack, files, snapshots } = JSON.parse(answer) as Look;
  return snapshots.map((snapshot) => ({ ...snapshot, stack: interruptedFrames(stack, files) }));
}

/** The user's frames below ours: what the thread was doing; none when it was idle. */
function interruptedFrames(stack: string, files: readonly string[]): string[] {
  const foreign = [
    "(node:",
    " node:",
    ...files.flatMap((root) => [`${root}chunks/`, `${root}src/`, `${root}workers/`]),
  ];
  const frames = stack.split("\n").map((line) => line.trim());
  return frames.filter(
    (line) =>
      line.startsWith("at ") &&
      !/<anonymous>:\d+:\d+\)?$/.test(line) &&
      !foreign.some((part) => line.includes(part)),
  );
}
