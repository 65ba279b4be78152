// This takes the snapshots of every thread of another process.

import type { ThreadNumbers } from "../workers/observe/poolwatch.ts";
import type { ThreadSnapshot } from "../workers/observe/snapshot.ts";
import { notUsing } from "./nodesbelow.ts";
import { Problem } from "./problem.ts";
import type { Remote, RemoteThread } from "./remote.ts";

interface Look<T> {
  readonly stack: string;
  readonly files: readonly string[];
  readonly answers: readonly T[];
}

/** Evaluated in each thread: the endpoints of all copies of the package there, and the stack that we interrupt. */
const LOOK = (read: string) => `(() => {
  const endpoints = globalThis[Symbol.for("threadloop.inside")];
  if (endpoints === undefined) return null;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return JSON.stringify({ stack, files: endpoints.map((endpoint) => endpoint.files), answers: endpoints.map((endpoint) => JSON.parse(${read})) });
})()`;

/** What every thread that uses threadloop does. Throws Problem when none does. */
export async function lookInto(remote: Remote, pid: number): Promise<ThreadSnapshot[]> {
  const threads = await remote.threads();
  const found = await Promise.all(threads.map(snapshotsOf));
  const snapshots = found.flat();
  if (snapshots.length === 0) throw new Problem(notUsing(pid));
  return snapshots;
}

/** The numbers of every thread that has them, by the thread and the copy of the package, and kept up for so many milliseconds. */
export async function numbersOf(remote: Remote, lease: number): Promise<Map<string, ThreadNumbers>> {
  const threads = await remote.threads();
  const read = `endpoint.numbers?.(${lease}) ?? "null"`;
  const looks = await Promise.all(threads.map((thread) => lookAt<ThreadNumbers | null>(thread, read)));
  const numbers = looks.flatMap((look) => look?.answers ?? []).filter((each) => each !== null);
  const named = numbers.map((each, i) => {
    const copy = numbers.slice(0, i).filter(({ thread }) => thread === each.thread).length;
    return [`${each.thread}/${copy}`, each] as const;
  });
  return new Map(named);
}

async function snapshotsOf(thread: RemoteThread): Promise<ThreadSnapshot[]> {
  const look = await lookAt<ThreadSnapshot>(thread, "endpoint.snapshot()");
  if (look === null) return [];
  const { stack, files, answers } = look;
  return answers.map((snapshot) => ({ ...snapshot, stack: interruptedFrames(stack, files) }));
}

/** What each copy of the package in a thread answers, as JSON; null when there is none, or the thread does not answer. */
async function lookAt<T>(thread: RemoteThread, read: string): Promise<Look<T> | null> {
  const answer = await thread.evaluate(LOOK(read));
  return typeof answer === "string" ? (JSON.parse(answer) as Look<T>) : null;
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
