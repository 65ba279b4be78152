// The workers of a pool are asked questions, and may be too busy to answer.

import { setTimeout as wait } from "node:timers/promises";
import { LONGEST } from "../executor/time.ts";
import type { Host } from "../host/host.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import type { Question } from "../wire/protocol.ts";

/** What a thread answered. */
export interface Answer {
  readonly thread: number;
  readonly answer: unknown;
}

/** Asks every thread of a pool; gives the answers that came within so many milliseconds. */
export async function askAll(
  scheduler: ThreadScheduler,
  question: Question,
  patience: number,
): Promise<Answer[]> {
  const retiring = scheduler.source.hosts.filter((host) => host.isRetiring);
  const hosts = [...scheduler.source.withThreads(), ...retiring];
  const answers = await Promise.all(hosts.map((host) => ask(host, question, patience)));
  return answers.filter((answer) => answer.answer !== null);
}

async function ask(host: Host, question: Question, patience: number): Promise<Answer> {
  const timer = new AbortController();
  const tooLate = wait(Math.min(patience, LONGEST), null, { signal: timer.signal }).catch(() => null);
  const answer = await Promise.race([host.open().ask(question), tooLate]);
  timer.abort();
  return { thread: host.threadId, answer };
}
